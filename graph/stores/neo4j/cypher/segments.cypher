// name: segments
// Returns all segments, by name.
MATCH (s:Segment) RETURN s ORDER BY s.name;

// name: lock_segments
// Locks and returns all segments: writes that change a segment or its members wait.
MATCH (s:Segment)
WITH s ORDER BY s.id
SET s.locked = true
RETURN s ORDER BY s.name;

// name: segment_states
// Returns the recorded memberships of customers, by customer id.
UNWIND $ids AS id
MATCH (c:Customer {id: id})
RETURN c.id AS id, c.version AS version, c.retired_at IS NULL AS live,
       COLLECT { MATCH (m:Membership {customer: c.id}) RETURN [m.segment, m.entered_at] } AS segments,
       c.due_at AS due_at;

// name: lock_segment_states
// Locks customers and returns their memberships, read after that; none of one that was erased meanwhile.
UNWIND $params.ids AS id
MATCH (c:Customer {id: id})
WITH c ORDER BY elementId(c)
SET c.locked = true
WITH c WHERE c.version IS NOT NULL
RETURN c.id AS id, c.version AS version, c.retired_at IS NULL AS live,
       COLLECT { MATCH (m:Membership {customer: c.id}) RETURN [m.segment, m.entered_at] } AS segments,
       c.due_at AS due_at;

// name: members
// Returns the members of a segment, by customer id.
MATCH (m:Membership) WHERE m.segment = $segment AND m.customer > $after
RETURN m.customer AS customer, m.entered_at AS entered_at ORDER BY m.segment, m.customer LIMIT $first;

// name: count_members
// Counts the members of a segment.
MATCH (m:Membership) WHERE m.segment = $segment AND m.customer > '' RETURN count(m) AS count;

// name: due_for_segmentation
// Returns the customers whose segments are to be evaluated.
MATCH (c:Customer) WHERE c.due_at <= $now AND c.id IS NOT NULL
RETURN c.id AS id ORDER BY c.due_at LIMIT $first;

// name: save_segments
// Stores new segments, and new names and rules of stored ones.
UNWIND $params.rows AS row
MERGE (s:Segment {id: row.id})
SET s += row;

// name: delete_memberships
// Deletes up to 10 000 memberships of a deleted segment; is run until none is left.
MATCH (m:Membership) WHERE m.segment = $params.id AND m.customer > ''
WITH m LIMIT 10000
DETACH DELETE m
RETURN count(*) AS deleted;

// name: delete_segments
// Deletes segments.
UNWIND $params.rows AS id
MATCH (s:Segment {id: id})
DETACH DELETE s;

// name: add_members
// Stores the memberships of customers that entered segments. Their customers are locked.
UNWIND $params.rows AS row
MERGE (m:Membership {segment: row[0], customer: row[1]})
SET m.entered_at = row[2], m.entered_datetime = datetime({epochMillis: row[2] / 1000})
WITH m, row
MATCH (c:Customer {id: row[1]})
MERGE (m)-[:OF]->(c);

// name: pass_on_memberships
// Passes the memberships of ids that were merged to the surviving ids, and that their segments are due before others.
// Nodes are changed instead of replaced, so that the deletion of a segment, which may run at the same time, finds them.
CYPHER replan=skip
UNWIND $params.rows AS row
MATCH (c:Customer {id: row[1]})
CALL (row, c) {
  MATCH (merged:Customer {id: row[0]}) WHERE merged.due_at < 0
  SET c.due_at = merged.due_at
}
CALL (row, c) {
  MATCH (m:Membership {customer: row[0]})
  OPTIONAL MATCH (kept:Membership {segment: m.segment, customer: row[1]})
  FOREACH (_ IN CASE WHEN kept IS NULL THEN [] ELSE [1] END |
    FOREACH (_ IN CASE WHEN m.entered_at < kept.entered_at THEN [1] ELSE [] END |
      SET kept.entered_at = m.entered_at, kept.entered_datetime = m.entered_datetime)
    DETACH DELETE m
  )
  WITH m, c, kept WHERE kept IS NULL
  CALL (m) {
    MATCH (m)-[old:OF]->()
    DELETE old
  }
  SET m.customer = c.id
  CREATE (m)-[:OF]->(c)
};

// name: remove_members
// Deletes the memberships of customers that exited segments.
UNWIND $params.rows AS row
MATCH (m:Membership {segment: row[0], customer: row[1]})
DETACH DELETE m;

// name: set_due_at
// Stores when the segments of customers are to be evaluated next.
CYPHER replan=skip
UNWIND $params.rows AS row
MATCH (c:Customer {id: row[0]})
SET c.due_at = row[1];
