// name: changes
// The history behind an entry, in order.
MATCH (h:Change) WHERE h.no > $after
RETURN h ORDER BY h.no LIMIT $first;

// name: history
// All entries that name one of some customers, in order.
CALL () {
  UNWIND $ids AS id MATCH (h:Change {customer: id}) RETURN h
  UNION
  UNWIND $ids AS id MATCH (h:Change {other: id}) RETURN h
}
RETURN DISTINCT h ORDER BY h.no;

// name: naming
// The entries that name an identifier; reads the whole history.
MATCH (h:Change) WHERE $key IN h.keys
RETURN DISTINCT h.customer AS id;

// name: marks
// Marks by the time they were set.
MATCH (m:Mark)
WHERE ($key IS NULL OR m.a = $key OR m.b = $key) AND (m.at > $at OR (m.at = $at AND m.id > $id))
RETURN m ORDER BY m.at, m.id LIMIT $first;
