// name: changes
// The history behind an entry, in order.
MATCH (h:Change) WHERE h.no > $after
RETURN h ORDER BY h.no LIMIT $first;

// name: history
// All entries that name one of some customers, in order.
CALL () {
  UNWIND $ids AS id
  MATCH (h:Change) WHERE h.customer = id AND h.at IS NOT NULL AND h.no IS NOT NULL RETURN h
  UNION
  UNWIND $ids AS id
  MATCH (h:Change) WHERE h.other = id AND h.at IS NOT NULL AND h.no IS NOT NULL RETURN h
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

// name: newest_change
// The number of the newest entry.
OPTIONAL MATCH (h:Change) RETURN coalesce(max(h.no), 0) AS no;

// name: mark
// A mark by its id.
MATCH (m:Mark {id: $id}) RETURN m;

// name: orders
// The facts of orders by their keys.
UNWIND range(0, size($keys) - 1) AS at
OPTIONAL MATCH (o:Identifier {key: $keys[at]})
RETURN at, CASE WHEN o.facts IS NULL THEN null ELSE [o.facts_source, o.facts] END AS order ORDER BY at;
