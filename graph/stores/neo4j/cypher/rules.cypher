// name: newest_rules
// The newest two versions of the rules.
MATCH (r:Rules) RETURN r ORDER BY r.version DESC LIMIT 2;

// name: adopt_rules
// One version of the rules more, if the newest is the expected one; locked on the feed's node, as all commits are.
MERGE (f:Feed {name: 'changes'})
SET f.last = coalesce(f.last, 0)
WITH f
OPTIONAL MATCH (r:Rules)
WITH f, coalesce(max(r.version), 0) AS newest
FOREACH (_ IN CASE WHEN newest = $expected AND f.loading IS NULL THEN [1] ELSE [] END |
  CREATE (:Rules {version: newest + 1, at: $at, text: $text, pending: EXISTS { MATCH (:Observation) }}))
RETURN newest, f.loading AS loading;

// name: reread
// How far a version of the rules has got.
MATCH (r:Rules {version: $asked.version})
SET r.pending = $asked.pending, r.upto = $asked.upto;

// name: receipts
// The observations behind one, by source and id.
MATCH (o:Observation)
WHERE o.source > $source OR (o.source = $source AND o.id > $id)
RETURN o ORDER BY o.source, o.id LIMIT $first;

// name: observations
// The keys of observations behind one that were not read under a version yet.
MATCH (o:Observation)
WHERE (o.source > $source OR (o.source = $source AND o.id > $id)) AND coalesce(o.read_under, 0) < $version
RETURN o.source AS source, o.id AS id ORDER BY source, id LIMIT $first;

// name: beside
// The observations not read under a version yet of the customers that some observations are of.
UNWIND $keys AS key
MATCH (:Observation {source: key[0], id: key[1]})-[:NAMES]->(:Identifier)-[:IDENTIFIES]->(c:Customer)
WITH DISTINCT c
MATCH (i:Identifier)-[:IDENTIFIES]->(c) WHERE NOT i.shared
MATCH (o:Observation)-[:NAMES]->(i) WHERE coalesce(o.read_under, 0) < $version
RETURN DISTINCT o.source AS source, o.id AS id LIMIT $first;

// name: count_observations
// How many observations are stored.
MATCH (o:Observation) RETURN count(o) AS count;

// name: holders
// The customers that hold some identifiers.
UNWIND range(0, size($keys) - 1) AS at
OPTIONAL MATCH (:Identifier {key: $keys[at]})-[:IDENTIFIES]->(c:Customer)
RETURN at, coalesce(c.id, '') AS id ORDER BY at;

// name: applied_migrations
// The constraints and indexes that are there.
SHOW INDEXES YIELD name, state RETURN name, state;

// name: figures
// The figures of live customers with orders, by id.
MATCH (c:Customer) WHERE c.id > $after AND c.retired_at IS NULL AND c.figures <> '{}'
RETURN c.id AS id, c.figures AS figures ORDER BY c.id LIMIT $first;

// name: kept
// The text under a name.
MATCH (k:Kept {name: $name}) RETURN k.text AS text;
