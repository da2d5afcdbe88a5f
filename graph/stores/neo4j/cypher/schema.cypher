// name: 0000_migration_name
// One node for each migration that is complete. The node of this one is locked while a process migrates.
CREATE CONSTRAINT migration_name IF NOT EXISTS FOR (m:Migration) REQUIRE m.name IS UNIQUE;

// name: 0001_identifier_key
// One node for each identifier. The constraint is also the index of every look-up by identifier.
CREATE CONSTRAINT identifier_key IF NOT EXISTS FOR (i:Identifier) REQUIRE i.key IS UNIQUE;

// name: 0002_customer_id
// One node for each customer id, live or retired.
CREATE CONSTRAINT customer_id IF NOT EXISTS FOR (c:Customer) REQUIRE c.id IS UNIQUE;

// name: 0003_customer_anchor
// Retired ids are found by their anchor when its group changes.
CREATE INDEX customer_anchor IF NOT EXISTS FOR (c:Customer) ON (c.anchor);

// name: 0004_observation_key
// Observations are unique by source and id, so that they may be delivered more than once.
CREATE CONSTRAINT observation_key IF NOT EXISTS FOR (o:Observation) REQUIRE (o.source, o.id) IS UNIQUE;

// name: 0005_observation_order
// Finds all statements of an order.
CREATE INDEX observation_order IF NOT EXISTS FOR (o:Observation) ON (o.order_key);

// name: 0006_override_id
// Overrides are removed by id.
CREATE CONSTRAINT override_id IF NOT EXISTS FOR (m:Override) REQUIRE m.id IS UNIQUE;

// name: 0007_override_identifiers
// One override of a kind for the same identifiers.
CREATE CONSTRAINT override_identifiers IF NOT EXISTS FOR (m:Override) REQUIRE (m.kind, m.a, m.b) IS UNIQUE;

// name: 0008_change_number
// The history is numbered without gaps.
CREATE CONSTRAINT change_number IF NOT EXISTS FOR (h:Change) REQUIRE h.number IS UNIQUE;

// name: 0009_feed_name
// The single node that numbers the history.
CREATE CONSTRAINT feed_name IF NOT EXISTS FOR (f:Feed) REQUIRE f.name IS UNIQUE;

// name: 0010_rules_version
// Every version of the rules is stored.
CREATE CONSTRAINT rules_version IF NOT EXISTS FOR (r:Rules) REQUIRE r.version IS UNIQUE;

// name: 0011_idempotency_key
// Requests without an id of their own are unique by caller and idempotency key.
CREATE CONSTRAINT idempotency_key IF NOT EXISTS FOR (r:IdempotencyKey) REQUIRE (r.caller, r.key) IS UNIQUE;

// name: 0012_reported_time
// The facts of a kind at an identifier, by time: a timeline begins anywhere and reads no more than a page.
CREATE INDEX reported_time IF NOT EXISTS FOR ()-[t:REPORTED]-() ON (t.key, t.kind, t.at, t.name);

// name: 0013_product_sku
// One node for each product.
CREATE CONSTRAINT product_sku IF NOT EXISTS FOR (p:Product) REQUIRE p.sku IS UNIQUE;

// name: 0014_stored_value_name
// Statistics of all customers together, and other values that are stored by name.
CREATE CONSTRAINT stored_value_name IF NOT EXISTS FOR (k:StoredValue) REQUIRE k.name IS UNIQUE;

// name: 0015_reported_type
// The newest interactions of a type at an identifier.
CREATE INDEX reported_type IF NOT EXISTS FOR ()-[t:REPORTED]-() ON (t.key, t.type, t.at, t.name);

// name: 0016_segment_id
// One node for each segment.
CREATE CONSTRAINT segment_id IF NOT EXISTS FOR (s:Segment) REQUIRE s.id IS UNIQUE;

// name: 0017_segment_name
// Segments are found by name too.
CREATE CONSTRAINT segment_name IF NOT EXISTS FOR (s:Segment) REQUIRE s.name IS UNIQUE;

// name: 0018_membership
// The members of a segment, by customer id, because ids move between nodes.
CREATE CONSTRAINT membership IF NOT EXISTS FOR (m:Membership) REQUIRE (m.segment, m.customer) IS UNIQUE;

// name: 0019_membership_customer
// The segments of a customer.
CREATE INDEX membership_customer IF NOT EXISTS FOR (m:Membership) ON (m.customer);

// name: 0020_customer_due
// Finds the customers whose segments are to be evaluated.
CREATE INDEX customer_due IF NOT EXISTS FOR (c:Customer) ON (c.due_at);

// name: 0021_identifier_customer_node
// The identifiers of a large customer, in order, a page at a time.
CREATE INDEX identifier_customer_node IF NOT EXISTS FOR (i:Identifier) ON (i.customer_node, i.key);

// name: 0022_order_customer_node
// The newest orders of a large customer.
CREATE INDEX order_customer_node IF NOT EXISTS FOR (o:Order) ON (o.customer_node, o.placed_at, o.key);

// name: 0023_fact_holder_customer_node
// The identifiers of a large customer that facts are attached to: few of thousands.
CREATE INDEX fact_holder_customer_node IF NOT EXISTS FOR (i:FactHolder) ON (i.customer_node);

// name: 0024_change_customer_recorded_at
// The history of a customer in the order of timelines.
CREATE INDEX change_customer_recorded_at IF NOT EXISTS FOR (h:Change) ON (h.customer, h.recorded_at, h.number);

// name: 0025_change_other_customer_recorded_at
// The history of the other customer of a change.
CREATE INDEX change_other_customer_recorded_at IF NOT EXISTS
FOR (h:Change) ON (h.other_customer, h.recorded_at, h.number);

// name: 0026_words
// The words of identifiers and of facts, folded by Kith, so that the index takes them as they are. The index follows
// commits in the background, because commits that wait for it take twice as long. A search waits until it has caught
// up.
CREATE FULLTEXT INDEX words IF NOT EXISTS FOR (n:Identifier|Observation) ON EACH [n.words]
OPTIONS {indexConfig: {`fulltext.analyzer`: 'whitespace', `fulltext.eventually_consistent`: true}};

// name: 0027_source_revocation_id
// Source revocations are restored by id.
CREATE CONSTRAINT source_revocation_id IF NOT EXISTS FOR (s:SourceRevocation) REQUIRE s.id IS UNIQUE;

// name: 0028_tombstone_hash
// Each write looks for the tombstones of the identifiers that it names. Not a constraint: in a query that writes, a
// look-up along a constraint locks what it does not find. Tombstones are stored under the lock on the feed's node.
CREATE INDEX tombstone_hash IF NOT EXISTS FOR (t:Tombstone) ON (t.hash);

// name: 0029_erasure_id
// Erasures are found by id.
CREATE CONSTRAINT erasure_id IF NOT EXISTS FOR (e:Erasure) REQUIRE e.id IS UNIQUE;

// name: 0030_erasure_request_id
// A request is carried out once.
CREATE CONSTRAINT erasure_request_id IF NOT EXISTS FOR (e:Erasure) REQUIRE e.request_id IS UNIQUE;

// name: 0031_erased_customer_id
// The ids of erased customers are known.
CREATE CONSTRAINT erased_customer_id IF NOT EXISTS FOR (c:ErasedCustomer) REQUIRE c.id IS UNIQUE;

// name: 0032_held_order_hash
// Later reports of an order that is kept without a person find it by the hash of its identifier, as tombstones.
CREATE INDEX held_order_hash IF NOT EXISTS FOR (h:HeldOrder) ON (h.hash);

// name: 0033_restriction_id
// Restrictions are lifted by id.
CREATE CONSTRAINT restriction_id IF NOT EXISTS FOR (r:Restriction) REQUIRE r.id IS UNIQUE;

// name: 0034_restriction_request
// A request with an idempotency key sets one restriction. Nodes without one are not part of the index.
CREATE CONSTRAINT restriction_request IF NOT EXISTS
FOR (r:Restriction) REQUIRE (r.caller, r.idempotency_key) IS UNIQUE;

// name: 0035_unindexed_observations
// Observations that name an identifier which does not lead to them: the rules reject them as a whole, or they were
// revoked before they arrived, and nothing else named it then. Who looks for all that names a person reads these too.
MATCH (o:Observation) WHERE o.status <> 'valid' AND o.sent <> ''
  AND (size(o.keys) = 0 OR COUNT { (o)-[:MENTIONS]->() } < size(o.keys))
CALL (o) {
  SET o:Unindexed
} IN TRANSACTIONS OF 5000 ROWS;

// name: 0036_refused_record_id
// A repeated delivery finds the refused record by id.
CREATE CONSTRAINT refused_record_id IF NOT EXISTS FOR (r:RefusedRecord) REQUIRE r.id IS UNIQUE;

// name: 0037_refused_record_order
// Refused records are listed by the time of the last delivery.
CREATE INDEX refused_record_order IF NOT EXISTS FOR (r:RefusedRecord) ON (r.last_received_at, r.id);

// name: 0038_refused_record_source
// The refused records of a source, of which only the newest stay.
CREATE INDEX refused_record_source IF NOT EXISTS FOR (r:RefusedRecord) ON (r.source, r.last_received_at, r.id);

// name: 0039_audience_id
// Audiences are found by id.
CREATE CONSTRAINT audience_id IF NOT EXISTS FOR (a:Audience) REQUIRE a.id IS UNIQUE;

// name: 0040_delivery_id
// An audience has one delivery for an address. The id has both.
CREATE CONSTRAINT delivery_id IF NOT EXISTS FOR (d:Delivery) REQUIRE d.id IS UNIQUE;

// name: 0041_delivery_due
// Deliveries are sent when they are due, removals first.
CREATE INDEX delivery_due IF NOT EXISTS FOR (d:Delivery) ON (d.destination, d.is_removal, d.due_at);

// name: 0042_delivery_place
// The deliveries of an audience are listed by key.
CREATE INDEX delivery_place IF NOT EXISTS FOR (d:Delivery) ON (d.audience, d.key);

// name: 0043_delivery_open
// Those that are not done are counted, and listed by status.
CREATE INDEX delivery_open IF NOT EXISTS FOR (d:Delivery) ON (d.open);

// name: 0044_delivery_open_place
// Those that are not done are listed by status.
CREATE INDEX delivery_open_place IF NOT EXISTS FOR (d:Delivery) ON (d.destination, d.open, d.audience, d.key);

// name: 0045_delivery_customer
// A decision about a customer finds the deliveries that were decided for it.
CREATE INDEX delivery_customer IF NOT EXISTS FOR (d:Delivery) ON (d.customer);

// name: 0046_delivery_key
// The removal of an identifier finds its deliveries.
CREATE INDEX delivery_key IF NOT EXISTS FOR (d:Delivery) ON (d.key);

// name: 0047_delivery_erasure
// The last removal of an erasure is looked for.
CREATE INDEX delivery_erasure IF NOT EXISTS FOR (d:Delivery) ON (d.erasure);

// name: 0048_waiting_change
// A change waits once for a destination.
CREATE CONSTRAINT waiting_change IF NOT EXISTS FOR (w:WaitingChange) REQUIRE (w.destination, w.number) IS UNIQUE;

// name: 0049_change_kind
// Readers of the feed ask for entries of some kinds; those of a rare kind are found without reading all others.
CREATE INDEX change_kind IF NOT EXISTS FOR (h:Change) ON (h.kind, h.number);

// name: 0050_disputed_customer_node
// The identifiers of a large customer that are or were an end of a suspended link, or that an override names.
CREATE INDEX disputed_customer_node IF NOT EXISTS FOR (i:Disputed) ON (i.customer_node);

// name: 0051_link_suspended_a
// The suspended links at an identifier that may have many others: only these have the property.
CREATE INDEX link_suspended_a IF NOT EXISTS FOR ()-[l:LINKED]-() ON (l.suspended_a);

// name: 0052_link_suspended_b
// The same for the other end.
CREATE INDEX link_suspended_b IF NOT EXISTS FOR ()-[l:LINKED]-() ON (l.suspended_b);

// name: 0053_disputed_links
// Marks the suspended links that are stored, and their ends.
MATCH (a:Identifier)-[l:LINKED]->(b:Identifier) WHERE l.state = 'suspended'
CALL (a, l, b) {
  SET l.suspended_a = a.key, l.suspended_b = b.key, a:Disputed, b:Disputed
} IN TRANSACTIONS OF 5000 ROWS;

// name: 0054_disputed_overrides
// Marks the identifiers that overrides name.
MATCH (i:Identifier) WHERE i.override_count > 0
CALL (i) {
  SET i:Disputed
} IN TRANSACTIONS OF 5000 ROWS;
