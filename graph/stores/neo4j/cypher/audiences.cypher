// name: audiences
// Returns all audiences, by id.
MATCH (a:Audience) RETURN a.record AS record ORDER BY a.id;

// name: due_deliveries
// Returns deliveries of a destination that are due, by that time: removals only, or no removals.
MATCH (d:Delivery) WHERE d.destination = $destination AND d.is_removal = $removals AND d.due_at <= $now
RETURN d{.*} AS values ORDER BY d.due_at LIMIT $first;

// name: next_delivery
// Returns when the next delivery of a destination is due.
UNWIND [false, true] AS is_removal
MATCH (d:Delivery) WHERE d.destination = $destination AND d.is_removal = is_removal AND d.due_at > -1
RETURN min(d.due_at) AS at;

// name: deliveries
// Returns a page of the deliveries of a destination, by audience and key.
MATCH (d:Delivery)
WHERE d.audience > '' AND d.key > '' AND d.destination = $destination
  AND ($audience IS NULL OR d.audience = $audience)
  AND ($status IS NULL OR d.status = $status)
  AND (d.audience > $after_audience OR (d.audience = $after_audience AND d.key > $after_key))
RETURN d{.*} AS values ORDER BY d.audience, d.key LIMIT $first;

// name: open_deliveries_page
// As `deliveries`, of those that have a status other than done.
MATCH (d:Delivery)
WHERE d.destination = $destination AND d.open = $status AND d.audience > '' AND d.key > ''
  AND ($audience IS NULL OR d.audience = $audience)
  AND (d.audience > $after_audience OR (d.audience = $after_audience AND d.key > $after_key))
RETURN d{.*} AS values ORDER BY d.audience, d.key LIMIT $first;

// name: deliveries_naming
// Returns the deliveries of some identifiers.
UNWIND $keys AS key
MATCH (d:Delivery) WHERE d.key = key
RETURN d{.*} AS values ORDER BY d.audience, d.key;

// name: open_deliveries
// Counts the deliveries that are not done.
MATCH (d:Delivery) WHERE d.open > ''
RETURN d.audience AS audience, d.destination AS destination, d.open AS status, count(*) AS count,
  sum(CASE WHEN d.is_removal THEN 1 ELSE 0 END) AS removals, min(d.changed_at) AS oldest
ORDER BY destination, status, audience;

// name: count_open
// Counts the deliveries of a destination that have a status other than done, up to a number.
MATCH (d:Delivery) WHERE d.destination = $destination AND d.open = $status AND d.audience > '' AND d.key > ''
WITH d LIMIT $first
RETURN count(d) AS count;

// name: count_sent
// Counts the addresses of an audience that its destination holds.
MATCH (d:Delivery) WHERE d.audience = $audience AND d.key > '' AND d.wanted <> '' AND d.sent = d.wanted
RETURN count(*) AS count;

// name: waiting_changes
// Returns the changes that a destination has not taken, by number.
MATCH (w:WaitingChange) WHERE w.destination = $destination AND w.number > $after
RETURN w{.*} AS values ORDER BY w.number LIMIT $first;

// name: lock_deliveries
// Locks and returns the deliveries that were decided for some customers, those with some ids, and those of some
// erasures, with the customers that hold their addresses.
CALL () {
  UNWIND $params.customers AS customer MATCH (d:Delivery) WHERE d.customer = customer RETURN d
  UNION
  UNWIND $params.ids AS id MATCH (d:Delivery {id: id}) RETURN d
  UNION
  UNWIND $params.erasures AS erasure MATCH (d:Delivery) WHERE d.erasure = erasure RETURN d
}
WITH DISTINCT d ORDER BY d.id
SET d.locked = true
WITH d
OPTIONAL MATCH (:Identifier {key: d.key})-[:IDENTIFIES]->(c:Customer)
RETURN d{.*} AS values, coalesce(c.id, '') AS holder;

// name: save_audiences
// Stores audiences whole.
UNWIND $params.rows AS row
MERGE (a:Audience {id: row[0]})
SET a.record = row[1];

// name: remove_audiences
// Removes audiences.
UNWIND $params.rows AS id
MATCH (a:Audience {id: id})
DELETE a;

// name: save_deliveries
// Stores deliveries whole.
UNWIND $params.rows AS row
MERGE (d:Delivery {id: row.id})
SET d = row;

// name: remove_deliveries
// Removes deliveries.
UNWIND $params.rows AS id
MATCH (d:Delivery {id: id})
DELETE d;

// name: save_waiting_changes
// Stores changes that destinations have not taken.
UNWIND $params.rows AS row
MERGE (w:WaitingChange {destination: row.destination, number: row.number})
SET w = row;

// name: remove_waiting_changes
// Removes changes that destinations have taken.
UNWIND $params.rows AS row
MATCH (w:WaitingChange {destination: row[0], number: row[1]})
DELETE w;

// name: owe_removals
// Owes the removal of addresses that are removed from the store, or whose customer is; what was never sent goes at once.
// Addresses that only lose their customer are kept for others: they are taken from lists, and so are those that no erasure
// removes.
CALL () {
  UNWIND $params.keys AS key MATCH (d:Delivery) WHERE d.key = key RETURN d
  UNION
  UNWIND $params.customers AS customer MATCH (d:Delivery) WHERE d.customer = customer RETURN d
}
WITH DISTINCT d ORDER BY d.id
SET d.locked = true
WITH d, CASE WHEN d.key IN $params.keys THEN $params.erasure ELSE '' END AS erasure
WITH d, erasure, coalesce(d.sent, '?') = '' OR (erasure = '' AND coalesce(d.sent, '?') = '-') AS unsent
FOREACH (_ IN CASE WHEN unsent THEN [1] ELSE [] END | DELETE d)
FOREACH (_ IN CASE WHEN unsent THEN [] ELSE [1] END |
  SET d.sent = CASE d.status WHEN 'pending' THEN null ELSE d.sent END,
    d.customer = '', d.wanted = '', d.is_removal = true, d.status = 'owed', d.open = 'owed',
    d.changed_at = $params.at, d.due_at = $params.at, d.attempts = 0, d.answer = '', d.erasure = erasure
);

// name: all_deliveries
// Returns all deliveries, by audience and key.
MATCH (d:Delivery) RETURN d{.*} AS values ORDER BY d.audience, d.key;

// name: all_waiting_changes
// Returns all changes that destinations have not taken.
MATCH (w:WaitingChange) RETURN w{.*} AS values ORDER BY w.destination, w.number;
