// name: restrictions
// Returns a page of restrictions by the time at which they were set, with the identifiers that they are on. With
// `customer`, those that are on an identifier of the customer, and those that were set on it.
MATCH (r:Restriction)
WHERE (r.at > $at OR (r.at = $at AND r.id > $id)) AND (NOT $in_effect OR r.lifted_at IS NULL)
  AND ($customer IS NULL OR r.customer = $customer
    OR EXISTS { (r)-[:RESTRICTS]->(:Identifier)-[:IDENTIFIES]->(:Customer {id: $customer}) })
WITH r ORDER BY r.at, r.id LIMIT $first
RETURN r{.*, keys: [(r)-[:RESTRICTS]->(i) | i.key]} AS values;

// name: has_restrictions
// Returns whether any identifier is restricted.
RETURN EXISTS { (:Restricted) } AS restricted;

// name: lock_restrictions
// Returns the restrictions on some identifiers, with some ids and of some requests, under the lock on the feed's node, as
// all commits are made.
MERGE (f:Feed {name: 'changes'})
SET f.last = coalesce(f.last, 0)
WITH f
CALL () {
  UNWIND $params.keys AS key MATCH (:Restricted {key: key})<-[:RESTRICTS]-(r:Restriction) RETURN r
  UNION
  UNWIND $params.ids AS id MATCH (r:Restriction {id: id}) RETURN r
  UNION
  UNWIND $params.requests AS request
  MATCH (r:Restriction {caller: request[0], idempotency_key: request[1]})
  RETURN r
}
WITH DISTINCT r ORDER BY r.at, r.id
RETURN r{.*, keys: [(r)-[:RESTRICTS]->(i) | i.key]} AS values;

// name: save_restrictions
// Stores restrictions whole. Those in effect are on the identifiers of `keys`; of those that are lifted, identifiers
// stay restricted that others are on.
UNWIND $params.rows AS row
MERGE (r:Restriction {id: row.values.id})
SET r = row.values
WITH r, row
CALL (r) {
  MATCH (r)-[old:RESTRICTS]->(i)
  DELETE old
  WITH i WHERE NOT EXISTS { (i)<-[:RESTRICTS]-() }
  REMOVE i:Restricted
}
CALL (r, row) {
  WITH r, row WHERE row.values.lifted_at IS NULL
  UNWIND row.keys AS key
  MATCH (i:Identifier {key: key})
  SET i:Restricted
  CREATE (r)-[:RESTRICTS]->(i)
};

// name: inherit_restrictions
// Puts the restrictions on an identifier on those that the rules of now make of the same value.
UNWIND $params.rows AS row
MATCH (r:Restriction)-[:RESTRICTS]->(:Restricted {key: row[0]})
MATCH (i:Identifier {key: row[1]})
SET i:Restricted
MERGE (r)-[:RESTRICTS]->(i);

// name: remove_restrictions
// Removes the restrictions of customers that are erased. Of one that is on identifiers of others, the words go.
UNWIND $params.rows AS id
MATCH (r:Restriction {customer: id})
SET r.reason = ''
REMOVE r.caller, r.idempotency_key, r.digest
WITH r WHERE NOT EXISTS { (r)-[:RESTRICTS]->() }
DELETE r;
