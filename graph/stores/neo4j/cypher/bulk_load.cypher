// name: begin_load
// Marks an empty store as loading, under the lock on the feed's node, as all commits are made.
MERGE (f:Feed {name: 'changes'})
SET f.last = coalesce(f.last, 0)
WITH f, coalesce(f.loading, false) AS loading
WITH f, loading, NOT loading AND (EXISTS { (:Identifier) } OR EXISTS { (:Observation) } OR EXISTS { (:Customer) }
  OR EXISTS { (:Override) }) AS not_empty
FOREACH (_ IN CASE WHEN not_empty OR loading THEN [] ELSE [1] END | SET f.loading = true)
RETURN loading, not_empty;

// name: end_load
// Marks the store as loaded.
MATCH (f:Feed {name: 'changes'}) REMOVE f.loading
WITH f
OPTIONAL MATCH (k:StoredValue {name: $name})
DELETE k;
