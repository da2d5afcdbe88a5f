// name: source_revocations
// Returns all source revocations, oldest first.
MATCH (s:SourceRevocation) RETURN s{.*} AS values ORDER BY s.at, s.id;

// name: lock_source_revocations
// Returns all source revocations, oldest first, under the lock on the feed's node, as all commits are made.
MERGE (f:Feed {name: 'changes'})
SET f.last = coalesce(f.last, 0)
WITH f
MATCH (s:SourceRevocation)
RETURN s{.*} AS values ORDER BY s.at, s.id;

// name: save_source_revocations
// Stores new source revocations, and stored ones with another state.
UNWIND $params.rows AS row
MERGE (s:SourceRevocation {id: row.id})
SET s = row;

// name: observations_of_source
// Returns the ids of the observations of a source that arrived in a window, by id.
MATCH (o:Observation) WHERE o.source = $source AND o.id > $after AND o.digest <> ''
  AND o.received_at >= coalesce($recorded_from, o.received_at) AND o.received_at < $recorded_to
RETURN o.id AS id ORDER BY o.source, o.id LIMIT $first;

// name: count_observations_of_source
// Counts the observations of a source that arrived in a window.
MATCH (o:Observation) WHERE o.source = $source AND o.id > '' AND o.digest <> ''
  AND o.received_at >= coalesce($recorded_from, o.received_at) AND o.received_at < $recorded_to
RETURN count(o) AS count;
