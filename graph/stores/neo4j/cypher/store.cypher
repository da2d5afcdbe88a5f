// name: orders
// Returns the facts of orders by key.
UNWIND range(0, size($keys) - 1) AS at
OPTIONAL MATCH (o:Identifier {key: $keys[at]})
RETURN at, CASE WHEN o.facts IS NULL THEN null ELSE [o.facts_source, o.facts] END AS order ORDER BY at;

// name: order_totals
// Returns the order totals of live customers with orders that are not restricted, by id.
MATCH (c:Customer) WHERE c.id > $after AND c.retired_at IS NULL AND c.order_totals <> '{}'
  AND NOT EXISTS {
    CALL (c) {
      WITH c WHERE EXISTS { (:Restricted) }
      MATCH (i:Identifier)-[:IDENTIFIES]->(c) WHERE i:Restricted
      RETURN i LIMIT 1
    }
    RETURN i
  }
RETURN c.id AS id, c.order_totals AS order_totals ORDER BY c.id LIMIT $first;

// name: customer_ids
// Returns the ids of live customers, in order.
MATCH (c:Customer) WHERE c.id > $after AND c.retired_at IS NULL
RETURN c.id AS id ORDER BY c.id LIMIT $first;

// name: count_customers
// Counts live customers.
MATCH (c:Customer) WHERE c.retired_at IS NULL RETURN count(c) AS count;

// name: count_identifiers
// Returns the number of identifiers, which the database keeps.
MATCH (i:Identifier) RETURN count(i) AS count;

// name: get_value
// Returns the value that is stored under a name.
MATCH (k:StoredValue {name: $name}) RETURN k.value AS value;

// name: create_value
// Stores a value under a name without one. If another transaction creates the same name, the constraint fails and this
// is tried again.
OPTIONAL MATCH (old:StoredValue {name: $name})
WITH old WHERE old IS NULL
CREATE (k:StoredValue {name: $name, value: $text})
RETURN true AS stored;

// name: replace_value
// Replaces the value of a name if it is the expected one, which is read under a lock on the node.
MATCH (k:StoredValue {name: $name})
SET k.locked = true
REMOVE k.locked
WITH k WHERE k.value = $expected
SET k.value = $text
RETURN true AS stored;
