// What a write reads, and locks, around a large customer without reading the customer itself.

// name: disputes
// Returns the identifiers of the customers at `nodes` that are or were an end of a suspended link, or are named by an
// override, and the suspended links at them; at most one more than `first` of each. Suspended links are found along
// indexes that contain no others, since an identifier may have many links.
CYPHER replan=skip
UNWIND $params.nodes AS node
MATCH (c) WHERE elementId(c) = node
CALL (c) {
  WITH c WHERE c.is_large IS NULL
  MATCH (c)<-[:IDENTIFIES]-(i)
  WITH i WHERE i:Disputed
  RETURN i
  UNION
  WITH c WHERE c.is_large IS NOT NULL
  MATCH (i:Disputed) USING INDEX i:Disputed(customer_node) WHERE i.customer_node = c.node_id
  RETURN i LIMIT $params.first + 1
}
WITH collect(i.key)[..$params.first + 1] AS keys
CALL (keys) {
  UNWIND keys AS key
  CALL (key) {
    MATCH ()-[l:LINKED]->() USING INDEX l:LINKED(suspended_a) WHERE l.suspended_a = key
    RETURN l
    UNION
    MATCH ()-[l:LINKED]->() USING INDEX l:LINKED(suspended_b) WHERE l.suspended_b = key
    RETURN l
  }
  WITH DISTINCT l LIMIT $params.first + 1
  RETURN collect([l{.*}, elementId(l), startNode(l).key, endNode(l).key]) AS links
}
RETURN keys, links;

// name: links_at
// Returns the links at an identifier, at most one more than `first`.
MATCH (i:Identifier {key: $params.key})-[l:LINKED]-()
WITH l LIMIT $params.first + 1
RETURN collect([l{.*}, elementId(l), startNode(l).key, endNode(l).key]) AS rows;

// name: values
// Returns the identifiers of the customer at `node` whose keys begin with `prefix`. The customer is locked already.
CYPHER replan=skip
MATCH (c) WHERE elementId(c) = $params.node
CALL (c) {
  WITH c WHERE c.is_large IS NULL
  MATCH (c)<-[:IDENTIFIES]-(i)
  WITH i WHERE i.key STARTS WITH $params.prefix
  RETURN i
  UNION
  WITH c WHERE c.is_large IS NOT NULL
  MATCH (i:Identifier) USING INDEX i:Identifier(customer_node, key)
  WHERE i.customer_node = c.node_id AND i.key STARTS WITH $params.prefix
  RETURN i
}
RETURN collect(i.key) AS rows;

// name: links_between
// Returns the links between pairs of identifiers.
UNWIND $params.pairs AS pair
MATCH (a:Identifier {key: pair[0]})
MATCH (b:Identifier {key: pair[1]})
MATCH (a)-[l:LINKED]->(b)
RETURN collect([l{.*}, elementId(l), a.key, b.key]) AS rows;

// name: lock_ends
// Locks the customers that hold the identifiers of `keys`, and then reads the identifiers. If one has moved to another
// customer meanwhile, that one is not among `locked`.
CYPHER replan=skip
CALL () {
  UNWIND $params.keys AS key
  MATCH (:Identifier {key: key})-[:IDENTIFIES]->(c:Customer)
  WITH DISTINCT c, elementId(c) AS node ORDER BY node
  SET c.locked = true
  RETURN collect(node) AS locked
}
CALL (locked) {
  UNWIND $params.keys AS key
  MATCH (i:Identifier {key: key})
  OPTIONAL MATCH (i)-[:IDENTIFIES]->(c:Customer)
  RETURN collect([i{.*, placed_datetime: null}, elementId(i), elementId(c)]) AS members
}
RETURN locked, members;
