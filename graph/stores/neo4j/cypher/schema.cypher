// name: 0001_identifier_key
// One node an identifier; its constraint is also the index of every look-up by identifier.
CREATE CONSTRAINT identifier_key IF NOT EXISTS FOR (i:Identifier) REQUIRE i.key IS UNIQUE;

// name: 0002_customer_id
// One node an id, live or retired.
CREATE CONSTRAINT customer_id IF NOT EXISTS FOR (c:Customer) REQUIRE c.id IS UNIQUE;

// name: 0003_customer_anchor
// Retired ids are found by their anchor when its group changes.
CREATE INDEX customer_anchor IF NOT EXISTS FOR (c:Customer) ON (c.anchor);

// name: 0004_observation_key
// Observations are known by source and id, so that delivery may repeat.
CREATE CONSTRAINT observation_key IF NOT EXISTS FOR (o:Observation) REQUIRE (o.source, o.id) IS UNIQUE;

// name: 0005_observation_order
// All statements of one order.
CREATE INDEX observation_order IF NOT EXISTS FOR (o:Observation) ON (o.order_key);

// name: 0006_mark_id
// Marks are removed by their id.
CREATE CONSTRAINT mark_id IF NOT EXISTS FOR (m:Mark) REQUIRE m.id IS UNIQUE;

// name: 0007_mark_place
// One mark of a kind on the same identifiers.
CREATE CONSTRAINT mark_place IF NOT EXISTS FOR (m:Mark) REQUIRE (m.kind, m.a, m.b) IS UNIQUE;

// name: 0008_change_no
// The history is numbered without gaps.
CREATE CONSTRAINT change_no IF NOT EXISTS FOR (h:Change) REQUIRE h.no IS UNIQUE;

// name: 0011_feed
// The one node that numbers the history.
CREATE CONSTRAINT feed_name IF NOT EXISTS FOR (f:Feed) REQUIRE f.name IS UNIQUE;

// name: 0012_rules_version
// Every version of the rules is kept.
CREATE CONSTRAINT rules_version IF NOT EXISTS FOR (r:Rules) REQUIRE r.version IS UNIQUE;

// name: 0013_answered_key
// Requests that carry no id of their own are known by the caller's idempotency key.
CREATE CONSTRAINT answered_key IF NOT EXISTS FOR (r:Answered) REQUIRE (r.caller, r.key) IS UNIQUE;

// name: 0014_told_place
// What hangs on an identifier, of a kind, by its time: timelines begin anywhere and read no more than a page.
CREATE INDEX told_place IF NOT EXISTS FOR ()-[t:TOLD]-() ON (t.key, t.kind, t.at, t.name);

// name: 0015_product_sku
// One node an article.
CREATE CONSTRAINT product_sku IF NOT EXISTS FOR (p:Product) REQUIRE p.sku IS UNIQUE;

// name: 0017_kept_name
// What was counted of all customers together, and whatever else is kept by a name.
CREATE CONSTRAINT kept_name IF NOT EXISTS FOR (k:Kept) REQUIRE k.name IS UNIQUE;

// name: 0018_told_type
// The newest interactions of a type that hang on an identifier.
CREATE INDEX told_type IF NOT EXISTS FOR ()-[t:TOLD]-() ON (t.key, t.type, t.at, t.name);

// name: 0019_segment_id
// One node a segment.
CREATE CONSTRAINT segment_id IF NOT EXISTS FOR (s:Segment) REQUIRE s.id IS UNIQUE;

// name: 0020_segment_name
// People call segments by their names.
CREATE CONSTRAINT segment_name IF NOT EXISTS FOR (s:Segment) REQUIRE s.name IS UNIQUE;

// name: 0021_membership
// Who belongs to a segment, by the customer's id, since ids change places between nodes.
CREATE CONSTRAINT membership IF NOT EXISTS FOR (m:Membership) REQUIRE (m.segment, m.customer) IS UNIQUE;

// name: 0022_membership_customer
// The segments of a customer.
CREATE INDEX membership_customer IF NOT EXISTS FOR (m:Membership) ON (m.customer);

// name: 0023_customer_due
// Customers whose segments are to be looked at again.
CREATE INDEX customer_due IF NOT EXISTS FOR (c:Customer) ON (c.due_at);

// name: 0024_identifier_place
// The identifiers of a large customer in order, a page at a time.
CREATE INDEX identifier_place IF NOT EXISTS FOR (i:Identifier) ON (i.place, i.key);

// name: 0025_order_place
// The newest orders of a large customer.
CREATE INDEX order_place IF NOT EXISTS FOR (o:Order) ON (o.place, o.placed_at, o.key);

// name: 0026_teller_place
// The identifiers of a customer on which facts hang: of thousands they are few.
CREATE INDEX teller_place IF NOT EXISTS FOR (i:Teller) ON (i.place);

// name: 0027_change_customer_at
// The history of a customer in the order of timelines.
CREATE INDEX change_customer_at IF NOT EXISTS FOR (h:Change) ON (h.customer, h.at, h.no);

// name: 0028_change_other_at
// The history of the other customer of a change.
CREATE INDEX change_other_at IF NOT EXISTS FOR (h:Change) ON (h.other, h.at, h.no);

// name: 0029_words
// The words of identifiers and of facts, folded by us, so that the index takes them as they are. The index follows commits
// in the background, which else take twice as long; who searches waits until it has caught up.
CREATE FULLTEXT INDEX words IF NOT EXISTS FOR (n:Identifier|Observation) ON EACH [n.words]
OPTIONS {indexConfig: {`fulltext.analyzer`: 'whitespace', `fulltext.eventually_consistent`: true}};
