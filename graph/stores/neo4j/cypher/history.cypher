// name: changes
// Returns the entries after a number, in order.
MATCH (h:Change) WHERE h.number > $after
RETURN h{.*, recorded_datetime: null} AS change ORDER BY h.number LIMIT $first;

// name: all_changes
// Returns the entries between two numbers, oldest first.
MATCH (h:Change) WHERE h.number > $low AND h.number <= $high
RETURN h{.*, recorded_datetime: null} AS change ORDER BY h.number LIMIT $first;

// name: changes_of_kinds
// Returns the entries of some kinds between two numbers, oldest first.
UNWIND $kinds AS kind
CALL (kind) {
  MATCH (h:Change) WHERE h.kind = kind AND h.number > $low AND h.number <= $high
  RETURN h ORDER BY h.number LIMIT $first
}
RETURN h{.*, recorded_datetime: null} AS change ORDER BY h.number LIMIT $first;

// name: changes_of_customers
// Returns the entries that name one of some customers, of some kinds or all, between two numbers, oldest first.
CALL () {
  UNWIND $ids AS id
  MATCH (h:Change) WHERE h.customer = id AND h.recorded_at IS NOT NULL AND h.number IS NOT NULL RETURN h
  UNION
  UNWIND $ids AS id
  MATCH (h:Change) WHERE h.other_customer = id AND h.recorded_at IS NOT NULL AND h.number IS NOT NULL RETURN h
}
WITH DISTINCT h
WHERE h.number > $low AND h.number <= $high AND ($kinds = [] OR h.kind IN $kinds)
RETURN h{.*, recorded_datetime: null} AS change ORDER BY h.number LIMIT $first;

// name: all_changes_newest_first
// Returns the entries between two numbers, newest first.
MATCH (h:Change) WHERE h.number > $low AND h.number <= $high
RETURN h{.*, recorded_datetime: null} AS change ORDER BY h.number DESC LIMIT $first;

// name: changes_of_kinds_newest_first
// Returns the entries of some kinds between two numbers, newest first.
UNWIND $kinds AS kind
CALL (kind) {
  MATCH (h:Change) WHERE h.kind = kind AND h.number > $low AND h.number <= $high
  RETURN h ORDER BY h.number DESC LIMIT $first
}
RETURN h{.*, recorded_datetime: null} AS change ORDER BY h.number DESC LIMIT $first;

// name: changes_of_customers_newest_first
// Returns the entries that name one of some customers, of some kinds or all, between two numbers, newest first.
CALL () {
  UNWIND $ids AS id
  MATCH (h:Change) WHERE h.customer = id AND h.recorded_at IS NOT NULL AND h.number IS NOT NULL RETURN h
  UNION
  UNWIND $ids AS id
  MATCH (h:Change) WHERE h.other_customer = id AND h.recorded_at IS NOT NULL AND h.number IS NOT NULL RETURN h
}
WITH DISTINCT h
WHERE h.number > $low AND h.number <= $high AND ($kinds = [] OR h.kind IN $kinds)
RETURN h{.*, recorded_datetime: null} AS change ORDER BY h.number DESC LIMIT $first;

// name: history
// Returns all entries that name one of some customers, in order.
CALL () {
  UNWIND $ids AS id
  MATCH (h:Change) WHERE h.customer = id AND h.recorded_at IS NOT NULL AND h.number IS NOT NULL RETURN h
  UNION
  UNWIND $ids AS id
  MATCH (h:Change) WHERE h.other_customer = id AND h.recorded_at IS NOT NULL AND h.number IS NOT NULL RETURN h
}
WITH DISTINCT h ORDER BY h.number
RETURN h{.*, recorded_datetime: null} AS change;

// name: customers_mentioning
// Returns the customers of the entries that name an identifier. Reads the whole history.
MATCH (h:Change) WHERE $key IN h.keys
RETURN DISTINCT h.customer AS id;

// name: newest_change
// Returns the number of the newest entry.
OPTIONAL MATCH (h:Change) RETURN coalesce(max(h.number), 0) AS number;

// name: overrides
// Returns overrides in the order in which they were set.
MATCH (m:Override)
WHERE ($key IS NULL OR m.a = $key OR m.b = $key) AND (m.at > $at OR (m.at = $at AND m.id > $id))
RETURN m{.*, set_datetime: null} AS override ORDER BY m.at, m.id LIMIT $first;

// name: override
// Returns an override by its id.
MATCH (m:Override {id: $id}) RETURN m{.*, set_datetime: null} AS override;
