// What writes read and lock. Many rows come in one record, `found`: the driver takes 70 µs a record, whatever is in it.

// name: around
// The identifiers of `keys` (sorted), locked in that order and then their customers; both read after they are locked. Then
// the observations of `receipts`, pairs of source and id, locked too, so that a revocation and a reading anew cannot
// cross; all that state facts of the orders of `orders`; the links between pairs of identifiers (`pairs`, of places in
// `keys`); and the newest version of the rules. `settled` is false where an identifier changed customers while we waited:
// then the query is run again. All is one query, since each costs the driver and the server half a millisecond.
// Its plan is kept: all in it is found by key, however much there is, and while a database fills up a new plan every ten
// seconds would hold whoever waits for half a second.
CYPHER replan=skip
UNWIND $asked.keys AS key
OPTIONAL MATCH (i:Identifier {key: key})
SET i.locked = true
WITH collect([i]) AS identifiers
CALL (identifiers) {
  UNWIND identifiers AS one
  WITH one[0] AS i
  MATCH (i)-[:IDENTIFIES]->(c:Customer)
  WITH DISTINCT c, elementId(c) AS node ORDER BY node
  SET c.locked = true
  RETURN collect(c) AS customers
}
CALL (identifiers) {
  UNWIND identifiers AS one
  WITH one[0] AS i WHERE i IS NOT NULL
  OPTIONAL MATCH (i)-[:IDENTIFIES]->(now:Customer)
  RETURN collect([i{.*}, elementId(i), elementId(now)]) AS members, collect(now) AS holders
}
CALL () {
  UNWIND $asked.receipts AS asked
  MATCH (o:Observation {source: asked[0], id: asked[1]})
  SET o.locked = true
  RETURN collect([o{.*}, [(o)-[:TOLD]->(i) | i.key]]) AS receipts
}
CALL () {
  UNWIND $asked.orders AS key
  MATCH (o:Observation {order_key: key})
  RETURN collect([o{.*}]) AS stating
}
CALL (identifiers) {
  UNWIND $asked.pairs AS pair
  WITH pair, identifiers[pair[0]][0] AS a, identifiers[pair[1]][0] AS b
  MATCH (a)-[l:LINKED]->(b)
  RETURN collect([pair, l{.*}, elementId(l)]) AS links
}
RETURN members, [c IN customers | [c{.*}, elementId(c)]] AS customers,
       all(holder IN holders WHERE holder IN customers) AS settled,
       receipts + stating AS receipts, links,
       coalesce(COLLECT { MATCH (r:Rules) RETURN max(r.version) }[0], 0) AS version;

// name: handles
// Identifiers by their keys, without locks.
UNWIND $asked.keys AS key
MATCH (i:Identifier {key: key})
RETURN collect([key, elementId(i)]) AS found;

// name: answered
// Requests that were carried out, by caller and idempotency key.
UNWIND $asked.keys AS key
MATCH (r:Answered {caller: key[0], key: key[1]})
RETURN collect([r{.*}]) AS found;

// name: marks
// The marks that name one of `keys` or have one of the ids `ids`.
CALL () {
  UNWIND $asked.keys AS key MATCH (m:Mark)-[:MARKS]->(:Identifier {key: key}) RETURN m
  UNION
  UNWIND $asked.ids AS id MATCH (m:Mark {id: id}) RETURN m
}
RETURN collect(DISTINCT [m{.*}]) AS found;

// name: support
// All valid observations that name one of `keys`.
UNWIND $asked.keys AS key
MATCH (:Identifier {key: key})<-[:NAMES]-(o:Observation) WHERE o.standing = 'valid'
RETURN collect([key, [o.source, o.id, o.keys, o.tier, o.seen_at, o.confidence]]) AS found;

// name: region_members
// The customers of `nodes`, locked, and all their identifiers, read after that.
UNWIND $asked.nodes AS node
MATCH (c:Customer) WHERE elementId(c) = node
SET c.locked = true
WITH c, node
MATCH (i:Identifier)-[:IDENTIFIES]->(c)
RETURN collect([i{.*}, elementId(i), node]) AS found;

// name: region_links
// The links at the identifiers of `handles` that are not idle, and all at those of `opened`, with the customers reached.
CALL () {
  UNWIND $asked.handles AS handle
  MATCH (i) WHERE elementId(i) = handle
  MATCH (i)-[l:LINKED]-(other) WHERE l.state <> 'idle'
  RETURN l, other
  UNION
  UNWIND $asked.opened AS handle
  MATCH (i) WHERE elementId(i) = handle
  MATCH (i)-[l:LINKED]-(other)
  RETURN l, other
}
OPTIONAL MATCH (other)-[:IDENTIFIES]->(c:Customer)
RETURN collect([l{.*}, elementId(l), startNode(l).key, endNode(l).key, other.key, elementId(c)]) AS found;

// name: customers_of
// The customers that hold the identifiers of `keys`.
UNWIND $asked.keys AS key
MATCH (i:Identifier {key: key})
OPTIONAL MATCH (i)-[:IDENTIFIES]->(c:Customer)
RETURN collect([key, elementId(c)]) AS found;

// name: customers_at
// The customers at `nodes` and those whose anchor is one of `anchors`, live or retired.
CALL () {
  UNWIND $asked.nodes AS node MATCH (c:Customer) WHERE elementId(c) = node RETURN c
  UNION
  UNWIND $asked.anchors AS anchor MATCH (c:Customer {anchor: anchor}) RETURN c
}
WITH DISTINCT c
OPTIONAL MATCH (c)-[:REDIRECTS_TO]->(t:Customer)
RETURN collect([c{.*}, elementId(c), t.id]) AS found;
