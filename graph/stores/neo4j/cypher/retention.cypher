// name: expirable_observations
// Returns those of the next observations after a source and an id that meet any of the filters, and the last of the
// next ones. A filter is null where it allows everything. Of a restricted customer everything is stored until the
// restriction is lifted. In two parts, each of which reads one range of the index, in order.
CALL () {
  MATCH (o:Observation) WHERE o.source = $source AND o.id > $id
  RETURN o ORDER BY o.source, o.id LIMIT $first
  UNION ALL
  MATCH (o:Observation) WHERE o.source > $source AND o.id IS NOT NULL
  RETURN o ORDER BY o.source, o.id LIMIT $first
}
WITH o ORDER BY o.source, o.id LIMIT $first
WITH collect(o) AS observations
WITH observations, EXISTS { (:Restricted) } AS any_restricted
RETURN [o IN observations WHERE o.digest <> '' AND NOT (any_restricted AND EXISTS {
  MATCH (o)-[:MENTIONS]->(i:Identifier)
  WHERE i:Restricted OR EXISTS { (i)-[:IDENTIFIES]->(:Customer)<-[:IDENTIFIES]-(:Restricted) }
}) AND any(f IN $filters WHERE
  o.seen_at < f.before
  AND (f.kinds IS NULL OR CASE WHEN o.order_key IS NOT NULL THEN 'order' ELSE coalesce(o.kind, '') END IN f.kinds)
  AND (f.sources IS NULL OR o.source IN f.sources)
  AND (f.tiers IS NULL OR o.tier IN f.tiers)
  AND (f.part IS NULL OR o.sent CONTAINS f.part)
) | o{.*}] AS receipts, [o IN observations[-1..] | [o.source, o.id]] AS last;

// name: count_stored
// Counts those of some identifiers, and of some observations, that are stored.
CALL () {
  UNWIND $keys AS key
  MATCH (i:Identifier {key: key})
  RETURN count(i) AS keys
}
CALL () {
  UNWIND $observations AS ref
  MATCH (o:Observation {source: ref[0], id: ref[1]})
  RETURN count(o) AS observations
}
RETURN keys, observations;

// name: lock_entries
// Returns the entries of the history after a number, in order and in one record, under the lock on the feed's node, as
// all commits are made.
MERGE (f:Feed {name: 'changes'})
SET f.last = coalesce(f.last, 0)
WITH f
MATCH (h:Change) WHERE h.number > $params.after
WITH h ORDER BY h.number LIMIT $params.first
RETURN collect(h{.*, recorded_datetime: null}) AS rows;

// name: named_keys
// Returns those of some identifiers that an observation names that is not one of `without`, in one record.
UNWIND $params.keys AS key
MATCH (i:Identifier {key: key})
WHERE EXISTS { MATCH (o:Observation)-[:MENTIONS]->(i) WHERE NOT [o.source, o.id] IN $params.without }
RETURN collect(key) AS rows;
