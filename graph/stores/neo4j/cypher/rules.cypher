// name: newest_rules
// Returns the newest two versions of the rules.
MATCH (r:Rules) RETURN r ORDER BY r.version DESC LIMIT 2;

// name: rules_of
// Returns some versions of the rules, oldest first.
MATCH (r:Rules) WHERE r.version IN $versions RETURN r ORDER BY r.version;

// name: save_rules
// Stores a new version of the rules if the newest is the expected one, under the lock on the feed's node, as all
// commits are made.
MERGE (f:Feed {name: 'changes'})
SET f.last = coalesce(f.last, 0)
WITH f
OPTIONAL MATCH (r:Rules)
WITH f, coalesce(max(r.version), 0) AS newest
FOREACH (_ IN CASE WHEN newest = $expected_version AND f.loading IS NULL THEN [1] ELSE [] END |
  CREATE (:Rules {version: newest + 1, created_at: $at, text: $text, pending: EXISTS { MATCH (:Observation) }}))
RETURN newest, f.loading AS loading;

// name: save_rules_progress
// Stores how far observations have been reprocessed under a version of the rules.
MATCH (r:Rules {version: $params.version})
SET r.pending = $params.pending, r.processed_to = $params.processed_to;

// name: receipts
// Returns the observations after a source and an id, in that order.
MATCH (o:Observation)
WHERE o.source > $source OR (o.source = $source AND o.id > $id)
RETURN o ORDER BY o.source, o.id LIMIT $first;

// name: observations
// Returns the keys of the observations after a source and an id that were not processed under a version yet.
MATCH (o:Observation)
WHERE (o.source > $source OR (o.source = $source AND o.id > $id)) AND coalesce(o.rules_version, 0) < $version
RETURN o.source AS source, o.id AS id ORDER BY source, id LIMIT $first;

// name: related_observations
// Returns the observations of the same customers that were not processed under a version yet.
UNWIND $keys AS key
MATCH (:Observation {source: key[0], id: key[1]})-[:MENTIONS]->(:Identifier)-[:IDENTIFIES]->(c:Customer)
WITH DISTINCT c
MATCH (i:Identifier)-[:IDENTIFIES]->(c) WHERE NOT i.shared
MATCH (o:Observation)-[:MENTIONS]->(i) WHERE coalesce(o.rules_version, 0) < $version
RETURN DISTINCT o.source AS source, o.id AS id LIMIT $first;

// name: count_observations
// Counts the stored observations.
MATCH (o:Observation) RETURN count(o) AS count;

// name: customer_ids_of
// Returns the ids of the customers that hold some identifiers; empty for an identifier of no customer.
UNWIND range(0, size($keys) - 1) AS at
OPTIONAL MATCH (:Identifier {key: $keys[at]})-[:IDENTIFIES]->(c:Customer)
RETURN at, coalesce(c.id, '') AS id ORDER BY at;
