// name: find
// Texts that Lucene finds, at which customer and identifier, once the index has seen all that is committed. $most bounds
// what is looked at, $first what is answered.
CALL db.index.fulltext.awaitEventuallyConsistentIndexRefresh()
CALL db.index.fulltext.queryNodes('words', $lucene, {limit: $most}) YIELD node
CALL (node) {
  WITH node WHERE node:Identifier
  MATCH (node)-[:IDENTIFIES]->(c:Customer)
  RETURN c.id AS customer, node.key AS key, 0 AS field, null AS told
  UNION
  WITH node WHERE node:Observation
  MATCH (node)-[t:TOLD]->(i:Identifier)-[:IDENTIFIES]->(c:Customer)
  RETURN c.id AS customer, i.key AS key, CASE t.kind WHEN 'attributes' THEN 1 ELSE 2 END AS field,
         [node.source, node.id, node.sent] AS told
}
WITH node, customer, key, field, told
WHERE field IN $fields AND ($within IS NULL OR customer IN $within)
RETURN customer, key, field, told, node.words AS words LIMIT $first;
