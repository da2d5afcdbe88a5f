// name: erasures
// Returns erasures by time and id.
MATCH (e:Erasure) WHERE e.at > $at OR (e.at = $at AND e.id > $id)
RETURN e.record AS record ORDER BY e.at, e.id LIMIT $first;

// name: erasures_named
// Returns the erasures with some ids or request ids.
UNWIND $params.ids AS id
CALL (id) {
  MATCH (e:Erasure {id: id}) RETURN e
  UNION
  MATCH (e:Erasure {request_id: id}) RETURN e
}
RETURN DISTINCT e.record AS record;

// name: lock_erasures_named
// Locks the erasures with some ids or request ids, and returns them, read after that.
UNWIND $params.ids AS id
CALL (id) {
  MATCH (e:Erasure {id: id}) RETURN e
  UNION
  MATCH (e:Erasure {request_id: id}) RETURN e
}
WITH DISTINCT e ORDER BY e.id
SET e.locked = true
RETURN e.record AS record;

// name: erasure_of_customer
// Returns the erasure of a customer.
MATCH (c:ErasedCustomer {id: $id})
MATCH (e:Erasure {id: c.erasure_id})
RETURN e.record AS record;

// name: tombstones
// Returns the tombstones with some hashes.
UNWIND $hashes AS hash
MATCH (t:Tombstone {hash: hash})
RETURN DISTINCT t{.*} AS values;

// name: all_tombstones
// Returns tombstones by hash.
MATCH (t:Tombstone) WHERE t.hash > $after
RETURN t{.*} AS values ORDER BY t.hash LIMIT $first;

// name: tombstone_versions
// Returns which versions of the keys and of the rules tombstones were made with.
MATCH (t:Tombstone) RETURN DISTINCT t.key_version AS key_version, t.rules_version AS rules_version;

// name: held_orders
// Returns held orders by hash.
MATCH (h:HeldOrder) WHERE h.hash > $after
RETURN h{.*} AS values ORDER BY h.hash LIMIT $first;

// name: identifier_keys
// Returns keys of identifiers, in order.
MATCH (i:Identifier) WHERE i.key > $after
RETURN i.key AS key ORDER BY i.key LIMIT $first;

// name: lock_customer_keys
// Locks the live customer that an id leads to, or that holds an identifier.
CALL () {
  UNWIND $params.ids AS id
  MATCH (c:Customer {id: id}) RETURN c
  UNION
  UNWIND $params.keys AS key
  MATCH (:Identifier {key: key})-[:IDENTIFIES]->(c:Customer) RETURN c
}
OPTIONAL MATCH (c)-[:REDIRECTS_TO]->(t:Customer)
WITH coalesce(t, c) AS c WHERE c.retired_at IS NULL
SET c.locked = true
RETURN elementId(c) AS node;

// name: customer_keys
// Returns the same customer as it is once it is locked, with the keys of its identifiers.
CALL () {
  UNWIND $params.ids AS id
  MATCH (c:Customer {id: id}) RETURN c
  UNION
  UNWIND $params.keys AS key
  MATCH (:Identifier {key: key})-[:IDENTIFIES]->(c:Customer) RETURN c
}
OPTIONAL MATCH (c)-[:REDIRECTS_TO]->(t:Customer)
WITH coalesce(t, c) AS c WHERE c.retired_at IS NULL
RETURN elementId(c) AS node, c{.*} AS values,
       COLLECT { MATCH (i:Identifier)-[:IDENTIFIES]->(c) RETURN i.key ORDER BY i.key } AS keys;

// name: lock_observations_naming
// Locks and returns the observations that name one of `keys`, and those without identifiers, because the rules reject
// them: these may name one in what was sent.
CALL () {
  UNWIND $params.keys AS key
  MATCH (:Identifier {key: key})<-[:MENTIONS]-(o:Observation)
  RETURN o
  UNION
  MATCH (o:Unindexed) WHERE size(o.keys) = 0 OR any(key IN o.keys WHERE key IN $params.keys)
  RETURN o
}
WITH DISTINCT o ORDER BY o.source, o.id
SET o.locked = true
WITH o WHERE o.digest IS NOT NULL
RETURN collect([o{.*}, COLLECT { MATCH (o)-[:REPORTED]->(i:Identifier) RETURN i.key ORDER BY i.key }]) AS rows;

// name: names
// Returns which of `keys` are stored, and which observations `lock_observations_naming` returns. A write runs it under
// the lock on the feed's node: what others have stored since it read them is visible then.
RETURN COLLECT { UNWIND $params.keys AS key MATCH (i:Identifier {key: key}) RETURN i.key } AS identifiers,
       COLLECT {
         UNWIND $params.keys AS key
         MATCH (:Identifier {key: key})<-[:MENTIONS]-(o:Observation)
         RETURN [o.source, o.id]
         UNION
         MATCH (o:Unindexed) WHERE size(o.keys) = 0 OR any(key IN o.keys WHERE key IN $params.keys)
         RETURN [o.source, o.id]
       } AS observations;

// name: save_tombstones
// Stores tombstones by hash.
UNWIND $params.rows AS row
MERGE (t:Tombstone {hash: row.hash})
SET t += row;

// name: save_held_orders
// Stores held orders by hash.
UNWIND $params.rows AS row
MERGE (h:HeldOrder {hash: row.hash})
SET h += row;

// name: end_holds
// Deletes orders whose hold has ended.
UNWIND $params.rows AS hash
MATCH (h:HeldOrder {hash: hash})
DELETE h;

// name: save_erasures
// Stores erasures, and which customers they erased.
UNWIND $params.rows AS row
MERGE (e:Erasure {id: row[0].id})
SET e += row[0]
WITH e, row
UNWIND row[1] AS customer
MERGE (c:ErasedCustomer {id: customer})
SET c.erasure_id = e.id;

// name: remove_observations
// Deletes observations for good.
UNWIND $params.rows AS row
MATCH (o:Observation {source: row[0], id: row[1]})
DETACH DELETE o;

// name: remove_identifiers
// Deletes identifiers for good, with their links. Ids whose anchor they are, which are no longer live, lose it.
UNWIND $params.rows AS key
CALL (key) {
  MATCH (c:Customer {anchor: key})
  SET c.anchor = $params.no_anchor, c.caption = '', c.anchor_first_seen_at = $params.never_seen
}
MATCH (i:Identifier {key: key})
DETACH DELETE i;

// name: remove_idempotency_keys
// Deletes the results of requests whose override names some identifiers, as JSON: `fragments` are their fields `a` and
// `b`, `beginnings` the values of these up to the first quotation mark. Reads all results.
MATCH (r:IdempotencyKey)
WHERE (split(split(r.override, '"a": "')[1], '"')[0] IN $params.beginnings
    OR split(split(r.override, '"b": "')[1], '"')[0] IN $params.beginnings)
  AND any(fragment IN $params.fragments WHERE r.override CONTAINS fragment)
DELETE r;

// name: remove_customers
// Deletes customers for good, with their memberships.
UNWIND $params.rows AS id
CALL (id) {
  MATCH (m:Membership {customer: id})
  DETACH DELETE m
}
MATCH (c:Customer {id: id})
DETACH DELETE c;

// name: replace_changes
// Replaces entries of the history by those with the same numbers.
UNWIND $params.rows AS row
MATCH (h:Change {number: row[0]})
SET h += row[1];
