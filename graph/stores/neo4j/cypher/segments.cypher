// name: segments
// All segments, by name.
MATCH (s:Segment) RETURN s ORDER BY s.name;

// name: lock_segments
// All segments, locked: who changes one, or who belongs to it, waits.
MATCH (s:Segment)
WITH s ORDER BY s.id
SET s.locked = true
RETURN s ORDER BY s.name;

// name: belongings
// What is recorded of the customers of some ids.
UNWIND $ids AS id
MATCH (c:Customer {id: id})
RETURN c.id AS id, c.version AS version, c.retired_at IS NULL AS live,
       COLLECT { MATCH (m:Membership {customer: c.id}) RETURN [m.segment, m.since] } AS segments;

// name: lock_belongings
// The same, read once the customers are locked.
UNWIND $asked.ids AS id
MATCH (c:Customer {id: id})
WITH c ORDER BY elementId(c)
SET c.locked = true
WITH c
RETURN c.id AS id, c.version AS version, c.retired_at IS NULL AS live,
       COLLECT { MATCH (m:Membership {customer: c.id}) RETURN [m.segment, m.since] } AS segments;

// name: members
// Who belongs to a segment, by id.
MATCH (m:Membership) WHERE m.segment = $segment AND m.customer > $after
RETURN m.customer AS customer, m.since AS since ORDER BY m.segment, m.customer LIMIT $first;

// name: count_members
// How many belong to a segment.
MATCH (m:Membership) WHERE m.segment = $segment AND m.customer > '' RETURN count(m) AS count;

// name: customer_ids
// The ids of live customers, by id.
MATCH (c:Customer) WHERE c.id > $after AND c.retired_at IS NULL
RETURN c.id AS id ORDER BY c.id LIMIT $first;

// name: count_customers
// How many live customers there are.
MATCH (c:Customer) WHERE c.retired_at IS NULL RETURN count(c) AS count;

// name: due
// The customers whose segments are due.
MATCH (c:Customer) WHERE c.due_at <= $now AND c.id IS NOT NULL
RETURN c.id AS id ORDER BY c.due_at LIMIT $first;

// name: put_segments
// New segments, and new rules or names of those that are there.
UNWIND $asked.rows AS row
MERGE (s:Segment {id: row.id})
SET s += row;

// name: drop_memberships
// Some of the memberships of a segment that goes; as often as any are left.
MATCH (m:Membership) WHERE m.segment = $asked.id AND m.customer > ''
WITH m LIMIT 10000
DETACH DELETE m
RETURN count(*) AS gone;

// name: drop_segments
// Segments that go.
UNWIND $asked.rows AS id
MATCH (s:Segment {id: id})
DETACH DELETE s;

// name: enter
// Customers that come to belong to segments.
UNWIND $asked.rows AS row
MERGE (m:Membership {segment: row[0], customer: row[1]})
SET m.since = row[2];

// name: leave
// Customers that cease to.
UNWIND $asked.rows AS row
MATCH (m:Membership {segment: row[0], customer: row[1]})
DELETE m;

// name: looked_at
// When the segments of customers are due again.
UNWIND $asked.rows AS row
MATCH (c:Customer {id: row[0]})
SET c.due_at = row[1];
