// What writes read and lock. Many rows are returned in one record, `rows`, because the driver takes 70 µs for each
// record, whatever is in it. Properties of type `datetime` are for people: they are set to null in what is read,
// because the driver takes 30 µs to convert one. Queries that find everything by key or element id keep the plan that was
// made first (`replan=skip`): while a database fills up, Neo4j would plan each of them again every ten seconds.

// name: neighborhood
// Reads what surrounds a write: the identifiers of `keys` (sorted), locked in that order, and then their customers,
// locked too; both are read after they are locked. Then the observations of `receipts`, pairs of source and id, locked
// as well, so that a revocation and a reprocessing cannot cross; all statements of the orders `orders`; the links
// between `pairs` of positions in `keys`; the tombstones and the held orders, locked, with the hashes `tombstones`; the
// newest version of the rules; and the source revocations in effect, with a number that changes with them (`revision`).
// `settled` is false if an identifier changed customers while the query waited; then the query is run again. All is one
// query, because each query costs the driver and the server half a millisecond. A new plan would hold all waiting
// writes for half a second. A node that was erased while the query waited for its lock has no properties, and is left
// out.
CYPHER replan=skip
UNWIND $params.keys AS key
OPTIONAL MATCH (i:Identifier {key: key})
SET i.locked = true
WITH collect([i]) AS identifiers
CALL (identifiers) {
  UNWIND identifiers AS cell
  WITH cell[0] AS i
  MATCH (i)-[:IDENTIFIES]->(c:Customer)
  WITH DISTINCT c, elementId(c) AS node ORDER BY node
  SET c.locked = true
  RETURN collect(c) AS customers
}
CALL (identifiers) {
  UNWIND identifiers AS cell
  WITH cell[0] AS i WHERE i IS NOT NULL
  OPTIONAL MATCH (i)-[:IDENTIFIES]->(now:Customer)
  RETURN collect([i{.*, placed_datetime: null}, elementId(i), elementId(now)]) AS members, collect(now) AS holders
}
CALL () {
  UNWIND $params.receipts AS ref
  MATCH (o:Observation {source: ref[0], id: ref[1]})
  SET o.locked = true
  WITH o WHERE o.digest IS NOT NULL
  RETURN collect([o{.*}, [(o)-[:REPORTED]->(i) | i.key]]) AS receipts
}
CALL () {
  UNWIND $params.orders AS key
  MATCH (o:Observation {order_key: key})
  RETURN collect([o{.*}]) AS statements
}
CALL (identifiers) {
  UNWIND $params.pairs AS pair
  WITH pair, identifiers[pair[0]][0] AS a, identifiers[pair[1]][0] AS b
  MATCH (a)-[l:LINKED]->(b)
  RETURN collect([pair, l{.*}, elementId(l)]) AS links
}
CALL () {
  UNWIND $params.tombstones AS hash
  MATCH (h:HeldOrder {hash: hash})
  SET h.locked = true
  WITH h WHERE h.facts IS NOT NULL
  RETURN collect(h{.*}) AS held_orders
}
RETURN members, [c IN customers WHERE c.version IS NOT NULL | [c{.*}, elementId(c)]] AS customers,
       all(holder IN holders WHERE holder IN customers) AS settled,
       receipts + statements AS receipts, links,
       coalesce(COLLECT { MATCH (r:Rules) RETURN max(r.version) }[0], 0) AS version,
       COLLECT { MATCH (s:SourceRevocation) WHERE s.restored_at IS NULL RETURN s{.*} } AS source_revocations,
       COLLECT { MATCH (s:SourceRevocation) RETURN count(s) + count(s.restored_at) }[0] AS revision,
       COLLECT { UNWIND $params.tombstones AS hash MATCH (t:Tombstone {hash: hash}) RETURN t{.*} } AS tombstones,
       held_orders;

// name: handles
// Returns the element ids of identifiers by key, without locks.
CYPHER replan=skip
UNWIND $params.keys AS key
MATCH (i:Identifier {key: key})
RETURN collect([key, elementId(i)]) AS rows;

// name: idempotent_results
// Returns the results of executed requests, by caller and idempotency key.
UNWIND $params.keys AS key
MATCH (r:IdempotencyKey {caller: key[0], key: key[1]})
RETURN collect([r{.*}]) AS rows;

// name: overrides
// Returns the overrides that name one of `keys` or have one of the ids `ids`.
CALL () {
  UNWIND $params.keys AS key MATCH (m:Override)-[:OVERRIDES]->(:Identifier {key: key}) RETURN m
  UNION
  UNWIND $params.ids AS id MATCH (m:Override {id: id}) RETURN m
}
RETURN collect(DISTINCT [m{.*, set_datetime: null}]) AS rows;

// name: evidence
// Returns all valid observations that mention one of `keys`.
UNWIND $params.keys AS key
MATCH (:Identifier {key: key})<-[:MENTIONS]-(o:Observation) WHERE o.status = 'valid'
RETURN collect([key, [o.source, o.id, o.keys, o.tier, o.seen_at, o.confidence]]) AS rows;

// name: stated_attributes
// Returns all valid observations whose attributes are attached to one of `keys`.
UNWIND $params.keys AS key
MATCH (:Identifier {key: key})<-[:REPORTED {kind: 'attributes'}]-(o:Observation)
RETURN collect([key, o.sent, [o.source, o.id, o.keys, o.tier, o.seen_at, o.confidence]]) AS rows;

// name: region_members
// Locks the customers of `nodes` and returns all their identifiers, read after that.
CYPHER replan=skip
UNWIND $params.nodes AS node
MATCH (c:Customer) WHERE elementId(c) = node
SET c.locked = true
WITH c, node
MATCH (i:Identifier)-[:IDENTIFIES]->(c)
RETURN collect([i{.*, placed_datetime: null}, elementId(i), node]) AS rows;

// name: region_links
// Returns the links at the identifiers of `handles` that are not excluded, and all links at those of `opened`, with the
// customers at their far ends.
CYPHER replan=skip
CALL () {
  UNWIND $params.handles AS handle
  MATCH (i) WHERE elementId(i) = handle
  MATCH (i)-[l:LINKED]-(neighbor) WHERE l.state <> 'excluded'
  RETURN l, neighbor
  UNION
  UNWIND $params.opened AS handle
  MATCH (i) WHERE elementId(i) = handle
  MATCH (i)-[l:LINKED]-(neighbor)
  RETURN l, neighbor
}
OPTIONAL MATCH (neighbor)-[:IDENTIFIES]->(c:Customer)
RETURN collect([l{.*}, elementId(l), startNode(l).key, endNode(l).key, neighbor.key, elementId(c)]) AS rows;

// name: customers_of
// Returns the customers that hold the identifiers of `keys`.
CYPHER replan=skip
UNWIND $params.keys AS key
MATCH (i:Identifier {key: key})
OPTIONAL MATCH (i)-[:IDENTIFIES]->(c:Customer)
RETURN collect([key, elementId(c)]) AS rows;

// name: customers_at
// Returns the customers at `nodes` and those whose anchor is one of `anchors`, live or retired.
CYPHER replan=skip
CALL () {
  UNWIND $params.nodes AS node MATCH (c:Customer) WHERE elementId(c) = node RETURN c
  UNION
  UNWIND $params.anchors AS anchor MATCH (c:Customer {anchor: anchor}) RETURN c
}
WITH DISTINCT c
OPTIONAL MATCH (c)-[:REDIRECTS_TO]->(t:Customer)
RETURN collect([c{.*}, elementId(c), t.id]) AS rows;
