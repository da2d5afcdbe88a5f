// name: search
// Returns the texts that Lucene finds, with their customers and identifiers. Waits until the index has every commit.
// $max_candidates limits the texts that are examined, $first those that are returned.
CALL db.index.fulltext.awaitEventuallyConsistentIndexRefresh()
CALL db.index.fulltext.queryNodes('words', $lucene, {limit: $max_candidates}) YIELD node
CALL (node) {
  WITH node WHERE node:Identifier
  MATCH (node)-[:IDENTIFIES]->(c:Customer)
  RETURN c.id AS customer, node.key AS key, 0 AS field, null AS fact
  UNION
  WITH node WHERE node:Observation
  MATCH (node)-[t:REPORTED]->(i:Identifier)-[:IDENTIFIES]->(c:Customer)
  RETURN c.id AS customer, i.key AS key, CASE t.kind WHEN 'attributes' THEN 1 ELSE 2 END AS field,
         [node.source, node.id, node.sent] AS fact
}
WITH node, customer, key, field, fact
WHERE field IN $fields AND ($within IS NULL OR customer IN $within)
RETURN customer, key, field, fact, node.words AS words LIMIT $first;

// name: identifiers_beginning_with
// Returns identifiers of customers by the beginnings of their keys, up to $first for each beginning.
UNWIND $beginnings AS beginning
CALL (beginning) {
  MATCH (i:Identifier)-[:IDENTIFIES]->(c:Customer) WHERE i.key STARTS WITH beginning
  RETURN c.id AS customer, i.key AS key ORDER BY key LIMIT $first
}
RETURN DISTINCT customer, key;
