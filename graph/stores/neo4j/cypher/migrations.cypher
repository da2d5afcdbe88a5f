// name: lock
// Locks out other processes that migrate. The transaction is rolled back when this one is done, or has died.
MATCH (m:Migration {name: $name})
SET m.locked = true;

// name: create_lock
// The node of the first migration is the one that is locked.
MERGE (m:Migration {name: $name})
ON CREATE SET m.digest = $digest, m.applied_at = datetime();

// name: applied
// Returns the migrations that are complete, by name, with the digests of their statements.
MATCH (m:Migration) RETURN m.name AS name, m.digest AS digest ORDER BY name;

// name: is_empty
// Returns whether nothing is stored yet.
RETURN NOT EXISTS { MATCH (n) WHERE NOT n:Migration } AS empty;

// name: indexes
// Returns the indexes that exist, constraints included, with their states.
SHOW INDEXES YIELD name, state RETURN name, state;

// name: await_indexes
// Waits until all indexes are complete, or for an hour.
CALL db.awaitIndexes(3600);

// name: record
// Records migrations as complete, under the lock on the feed's node, as all commits are made: a program that does not
// know them commits nothing afterwards.
OPTIONAL MATCH (f:Feed {name: 'changes'})
SET f.last = f.last
WITH 1 AS locked
UNWIND $migrations AS migration
MERGE (m:Migration {name: migration.name})
SET m.digest = migration.digest, m.applied_at = datetime();

// name: count
// Counts the migrations that are complete.
MATCH (m:Migration) RETURN count(m) AS count;
