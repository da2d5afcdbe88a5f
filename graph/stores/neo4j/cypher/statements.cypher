// name: statements_naming
// Returns the observations after a source and an id that may name one of $keys, in that order, with the identifiers
// that their facts are attached to. All are returned in one record (see reads.cypher).
CALL () {
  UNWIND $keys AS key
  MATCH (:Identifier {key: key})<-[:MENTIONS]-(o:Observation)
  RETURN o
  UNION
  MATCH (o:Unindexed)
  RETURN o
}
WITH DISTINCT o
WHERE o.source > $source OR (o.source = $source AND o.id > $id)
WITH o ORDER BY o.source, o.id LIMIT $first
RETURN collect([o{.*}, COLLECT { MATCH (o)-[:REPORTED]->(i:Identifier) RETURN i.key ORDER BY i.key }]) AS rows;
