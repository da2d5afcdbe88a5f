// name: pause_writes
// Locks the node that every commit of a graph locks last, so that nothing changes while everything is read.
MERGE (f:Feed {name: 'changes'})
SET f.last = coalesce(f.last, 0)
RETURN f.loading AS loading;

// name: count_records
// Counts the nodes and relationships that are exported.
RETURN COUNT { (:Rules) } + COUNT { (:StoredValue) } + COUNT { (:Product) } + COUNT { (:SourceRevocation) }
  + COUNT { (:Tombstone) } + COUNT { (:Erasure) } + COUNT { (:HeldOrder) } + COUNT { (:Segment) }
  + COUNT { (:Customer) } + COUNT { (:Identifier) } + COUNT { ()-[:LINKED]->() } + COUNT { (:Observation) }
  + COUNT { (:Override) } + COUNT { (:Restriction) } + COUNT { (:Change) } + COUNT { (:Membership) }
  + COUNT { (:IdempotencyKey) } + COUNT { (:Audience) } + COUNT { (:Delivery) } + COUNT { (:WaitingChange) } AS count;

// name: rules
// Returns every version of the rules.
MATCH (n:Rules) RETURN n{.*} AS values ORDER BY n.version;

// name: values
// Returns the values that are stored by name.
MATCH (n:StoredValue) RETURN n{.*} AS values ORDER BY n.name;

// name: products
// Returns the products.
MATCH (n:Product) RETURN n{.*} AS values ORDER BY n.sku;

// name: tombstones
// Returns the tombstones.
MATCH (n:Tombstone) RETURN n{.*} AS values ORDER BY n.hash;

// name: erasures
// Returns the erasures in the order of their times.
MATCH (n:Erasure) RETURN n.record AS record ORDER BY n.at, n.id;

// name: held_orders
// Returns the orders that are kept without a person.
MATCH (n:HeldOrder) RETURN n{.*} AS values ORDER BY n.hash;

// name: live_customers
// Returns the live customers with their identifiers.
MATCH (c:Customer) WHERE c.retired_at IS NULL
RETURN c{.*} AS values, null AS target,
       COLLECT { MATCH (i:Identifier)-[:IDENTIFIES]->(c) RETURN i{.*, placed_datetime: null} ORDER BY i.key } AS members;

// name: retired_customers
// Returns the retired customers, with the ids that they redirect to, and identifiers, of which they have none.
MATCH (c:Customer) WHERE c.retired_at IS NOT NULL
OPTIONAL MATCH (c)-[:REDIRECTS_TO]->(t:Customer)
RETURN c{.*} AS values, t.id AS target,
       COLLECT { MATCH (i:Identifier)-[:IDENTIFIES]->(c) RETURN i{.*, placed_datetime: null} ORDER BY i.key } AS members;

// name: identifiers_without_customer
// Returns the identifiers in no customer.
MATCH (i:Identifier) WHERE NOT EXISTS { (i)-[:IDENTIFIES]->(:Customer) }
RETURN i{.*, placed_datetime: null} AS values;

// name: links
// Returns the links with the keys of their ends.
MATCH (a:Identifier)-[l:LINKED]->(b:Identifier)
RETURN a.key AS a, b.key AS b, l{.*} AS values;

// name: observations
// Returns the observations with the identifiers that their facts are attached to.
MATCH (o:Observation)
RETURN o{.*} AS values, COLLECT { MATCH (o)-[:REPORTED]->(i:Identifier) RETURN i.key ORDER BY i.key } AS holders;

// name: observations_with_indexes
// Returns the observations as `observations`, with the identifiers that they name and do not lead to them, and the
// facts that are attached to identifiers.
MATCH (o:Observation)
RETURN o{.*} AS values, COLLECT { MATCH (o)-[:REPORTED]->(i:Identifier) RETURN i.key ORDER BY i.key } AS holders,
       COLLECT {
         UNWIND o.keys AS key
         MATCH (i:Identifier {key: key}) WHERE NOT EXISTS { (o)-[:MENTIONS]->(i) }
         RETURN key
       } AS unmentioned,
       COLLECT {
         MATCH (o)-[t:REPORTED]->(i:Identifier)
         RETURN [i.key, t.kind, t.at, t.type, t.channel, t.campaign, t.sku] ORDER BY i.key
       } AS facts;

// name: words
// Returns the words by which identifiers are found.
MATCH (i:Identifier) WHERE i.words IS NOT NULL RETURN i.key AS key, i.words AS words;

// name: overrides
// Returns the overrides in the order in which they were set.
MATCH (m:Override) RETURN m{.*, set_datetime: null} AS values ORDER BY m.at, m.id;

// name: restrictions
// Returns the restrictions in the order in which they were set.
MATCH (r:Restriction) RETURN r{.*, keys: [(r)-[:RESTRICTS]->(i) | i.key]} AS values ORDER BY r.at, r.id;

// name: changes
// Returns the history in order.
MATCH (h:Change) WHERE h.number > 0 RETURN h{.*, recorded_datetime: null} AS values ORDER BY h.number;

// name: memberships
// Returns the memberships of segments.
MATCH (m:Membership) RETURN m.segment AS segment, m.customer AS customer, m.entered_at AS entered_at;

// name: idempotency_keys
// Returns the results of requests that were executed.
MATCH (r:IdempotencyKey) RETURN r{.*} AS values;

// name: deliveries
// Returns the deliveries of audiences.
MATCH (d:Delivery) RETURN d{.*} AS values ORDER BY d.audience, d.key;

// name: waiting_changes
// Returns the changes that destinations have not taken.
MATCH (w:WaitingChange) RETURN w{.*} AS values ORDER BY w.destination, w.number;
