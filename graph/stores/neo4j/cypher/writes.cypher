// name: write
// Stores most of a write in one query, because each query costs the driver and the server half a millisecond. New and
// stored identifiers form one list, new and stored customers another; everything else refers to them by position.
// Properties are set with `+=`, which does not look for others to remove: new nodes get those that are not null, stored
// ones those that differ from what was read. `replan=skip`: see `reads.cypher`.
CYPHER replan=skip
CALL () {
  // A second label for the namespace, so that the graph reads well in Neo4j Browser.
  UNWIND $params.new_identifiers AS row
  CREATE (i:Identifier:$(row[0]))
  SET i += row[1]
  RETURN collect(i) AS created
}
CALL () {
  UNWIND $params.identifiers AS row
  MATCH (i) WHERE elementId(i) = row[0]
  SET i += row[1]
  RETURN collect(i) AS stored
}
WITH created + stored AS identifiers
CALL (identifiers) {
  UNWIND $params.orders AS at
  WITH identifiers[at] AS o
  SET o.placed_datetime = CASE WHEN o.placed_at IS NOT NULL THEN datetime({epochMillis: o.placed_at / 1000}) END
}
CALL (identifiers) {
  // From the smaller key to the larger.
  UNWIND $params.new_links AS row
  WITH row[2] AS values, identifiers[row[0]] AS a, identifiers[row[1]] AS b
  CREATE (a)-[l:LINKED]->(b)
  SET l += values
}
CALL () {
  UNWIND $params.links AS row
  MATCH ()-[l:LINKED]->() WHERE elementId(l) = row[0]
  SET l += row[1]
}
CALL (identifiers) {
  // Ends of suspended links, and what overrides name.
  UNWIND $params.disputed AS at
  WITH identifiers[at] AS i WHERE NOT i:Disputed
  SET i:Disputed
}
CALL (identifiers) {
  // As they were sent, with the identifiers that the rules find in them.
  UNWIND $params.new_observations AS row
  CREATE (o:Observation)
  SET o += row[0]
  FOREACH (_ IN CASE WHEN row[2] THEN [] ELSE [1] END | SET o:Unindexed)
  WITH o, row[1] AS places
  UNWIND places AS at
  WITH o, identifiers[at] AS i
  CREATE (o)-[:MENTIONS]->(i)
}
CALL (identifiers) {
  // Observations with another status, sent again after a revocation, or with other identifiers under new rules.
  UNWIND $params.observations AS row
  MATCH (o:Observation {source: row[0].source, id: row[0].id})
  SET o = row[0]
  REMOVE o:Unindexed
  FOREACH (_ IN CASE WHEN row[2] THEN [] ELSE [1] END | SET o:Unindexed)
  WITH o, row[1] AS places
  CALL (o) {
    MATCH (o)-[old:MENTIONS|REPORTED]->()
    DELETE old
  }
  UNWIND places AS at
  WITH o, identifiers[at] AS i
  CREATE (o)-[:MENTIONS]->(i)
}
CALL (identifiers) {
  // The identifiers that facts are attached to, none for an observation that is not valid.
  UNWIND $params.facts AS row
  MATCH (o:Observation {source: row.source, id: row.id})
  SET o.words = row.words
  WITH o, row
  UNWIND row.holders AS holder
  WITH o, row, holder[0] AS key, identifiers[holder[1]] AS i
  SET i:FactHolder
  CREATE (o)-[t:REPORTED {key: key, kind: row.kind, at: row.at, name: row.source + ' ' + row.id}]->(i)
  SET t += row.filters
}
CALL (identifiers) {
  UNWIND $params.new_overrides AS row
  CREATE (m:Override)
  SET m = row[0], m.set_datetime = datetime({epochMillis: m.at / 1000})
  WITH m, row[1] AS places
  UNWIND places AS at
  WITH m, identifiers[at] AS i
  CREATE (m)-[:OVERRIDES]->(i)
}
CALL () {
  // Before new nodes, which may take over an id. Their segments are due, unless they are due before others already.
  UNWIND $params.customers AS row
  MATCH (c) WHERE elementId(c) = row[0]
  SET c += row[1], c.due_at = CASE WHEN row[2] IS NULL OR c.due_at < row[2] THEN c.due_at ELSE row[2] END
  RETURN collect(c) AS stored
}
CALL () {
  // `node_id` never changes. Identifiers of large customers (`is_large`) carry it, so that indexes lead to them in
  // order.
  UNWIND $params.new_customers AS values
  CREATE (c:Customer)
  SET c += values, c.node_id = randomUUID()
  RETURN collect(c) AS created
}
WITH identifiers, created + stored AS customers
CALL (customers) {
  // A retired id redirects in one hop. An id that is live again does not.
  UNWIND $params.redirects AS row
  WITH customers[row[0]] AS c, row[1] AS id
  CALL (c) {
    MATCH (c)-[old:REDIRECTS_TO]->()
    DELETE old
  }
  MATCH (target:Customer {id: id})
  CREATE (c)-[:REDIRECTS_TO]->(target)
}
CALL (customers) {
  // A membership belongs to a customer id. If the id moved to another node, its edge follows.
  UNWIND $params.moved_ids AS at
  WITH customers[at] AS c
  MATCH (m:Membership {customer: c.id})
  CALL (m) {
    MATCH (m)-[old:OF]->()
    DELETE old
  }
  CREATE (m)-[:OF]->(c)
}
CALL (identifiers, customers) {
  UNWIND $params.assignments AS row
  WITH identifiers[row[0]] AS i, customers[row[1]] AS c
  CREATE (i)-[:IDENTIFIES]->(c)
  SET i.customer_node = CASE WHEN c.is_large THEN c.node_id END
}
CALL (customers) {
  // Customers that have become large: from now on their identifiers carry their `node_id`.
  UNWIND $params.large_customers AS at
  WITH customers[at] AS c
  WITH c WHERE c.is_large IS NULL
  SET c.is_large = true
  WITH c
  MATCH (i:Identifier)-[:IDENTIFIES]->(c)
  SET i.customer_node = c.node_id
}
// The history is numbered from one node, which is locked last before commit, so that numbers have no gaps and follow
// the order of commits. Rules, source revocations, tombstones and migrations are saved under the same lock, so their
// versions are read while it is held.
MERGE (f:Feed {name: 'changes'})
SET f.last = coalesce(f.last, 0) + size($params.changes)
WITH identifiers, customers, f.last - size($params.changes) AS before
FOREACH (at IN range(0, size($params.changes) - 1) |
  CREATE (h:Change)
  SET h += $params.changes[at], h.number = before + at + 1,
      h.recorded_datetime = datetime({epochMillis: h.recorded_at / 1000})
)
RETURN coalesce(COLLECT { MATCH (r:Rules) RETURN max(r.version) }[0], 0) AS version,
       COLLECT { MATCH (s:SourceRevocation) RETURN count(s) + count(s.restored_at) }[0] AS revision,
       COLLECT { UNWIND $params.tombstones AS hash MATCH (t:Tombstone {hash: hash}) RETURN t{.*} } AS tombstones,
       COLLECT { MATCH (f:Feed {name: 'changes'}) RETURN f.loading }[0] AS loading,
       COLLECT { MATCH (m:Migration) RETURN count(m) }[0] AS migrations,
       size(identifiers) + size(customers) AS node_count;

// name: delete_links
// Deletes links that no evidence supports any longer.
CYPHER replan=skip
UNWIND $params.rows AS handle
MATCH ()-[l:LINKED]->() WHERE elementId(l) = handle
DELETE l;

// name: create_idempotency_keys
// Stores the results of requests that were executed.
UNWIND $params.rows AS row
CREATE (r:IdempotencyKey)
SET r = row;

// name: delete_overrides
// Deletes overrides that a steward removed.
UNWIND $params.rows AS id
MATCH (m:Override {id: id})
DETACH DELETE m;

// name: absorb
// Moves all identifiers of one customer node, and all redirects to it, to another node.
CYPHER replan=skip
UNWIND $params.rows AS row
MATCH (source) WHERE elementId(source) = row[0]
MATCH (target) WHERE elementId(target) = row[1]
CALL (source, target) {
  MATCH (i:Identifier)-[old:IDENTIFIES]->(source)
  DELETE old
  CREATE (i)-[:IDENTIFIES]->(target)
  SET i.customer_node = CASE WHEN target.is_large THEN target.node_id END
}
CALL (source, target) {
  MATCH (retired:Customer)-[old:REDIRECTS_TO]->(source)
  DELETE old
  CREATE (retired)-[:REDIRECTS_TO]->(target)
};

// name: release_ids
// Removes the ids of customer nodes before they get others: uniqueness is checked at each write, and nodes may swap
// ids.
CYPHER replan=skip
UNWIND $params.rows AS node
MATCH (c) WHERE elementId(c) = node
REMOVE c.id;

// name: detach_identifiers
// Detaches identifiers from their customer.
CYPHER replan=skip
UNWIND $params.rows AS handle
MATCH (i) WHERE elementId(i) = handle
MATCH (i)-[old:IDENTIFIES]->()
DELETE old
REMOVE i.customer_node;

// name: put_values
// Stores values by name.
UNWIND $params.rows AS row
MERGE (k:StoredValue {name: row[0]}) SET k.value = row[1];
