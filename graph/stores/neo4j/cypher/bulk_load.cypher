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

// name: load_rules
// Replaces all versions of the rules.
CALL () {
  MATCH (r:Rules)
  DELETE r
}
UNWIND $params.rows AS row
CREATE (r:Rules)
SET r = row;

// name: count_imported
// Returns how many nodes and relationships there are, by label and type. The database keeps these counts.
RETURN {
  Identifier: COUNT { (:Identifier) }, Customer: COUNT { (:Customer) }, Observation: COUNT { (:Observation) },
  Change: COUNT { (:Change) }, Feed: COUNT { (:Feed) },
  IDENTIFIES: COUNT { ()-[:IDENTIFIES]->() }, LINKED: COUNT { ()-[:LINKED]->() },
  MENTIONS: COUNT { ()-[:MENTIONS]->() }, REPORTED: COUNT { ()-[:REPORTED]->() }
} AS counts;

// name: complete_disputes
// Marks the ends of suspended links, which the importer stores after the identifiers.
MATCH (a)-[l:LINKED]->(b) WHERE l.suspended_a IS NOT NULL
CALL (a, b) {
  SET a:Disputed, b:Disputed
} IN TRANSACTIONS OF 5000 ROWS;

// name: complete_import
// Completes the observations that name no identifier: the importer stores no empty lists.
MATCH (o:WithoutKeys)
CALL (o) {
  SET o.keys = []
  REMOVE o:WithoutKeys
} IN TRANSACTIONS OF 5000 ROWS;

// name: is_empty
// Returns whether nothing is stored but rules and values that are stored by name.
RETURN NOT (EXISTS { (:Identifier) } OR EXISTS { (:Observation) } OR EXISTS { (:Customer) } OR EXISTS { (:Override) }
  OR EXISTS { (:Change) } OR EXISTS { (:Segment) } OR EXISTS { (:Membership) } OR EXISTS { (:Product) }
  OR EXISTS { (:IdempotencyKey) } OR EXISTS { (:SourceRevocation) } OR EXISTS { (:Tombstone) }
  OR EXISTS { (:Erasure) } OR EXISTS { (:HeldOrder) } OR EXISTS { (:Restriction) } OR EXISTS { (:Audience) }
  OR EXISTS { (:Delivery) } OR EXISTS { (:WaitingChange) }) AS empty;

// name: clear
// Deletes everything that Kith stores, in transactions of its own.
MATCH (n:Identifier|Observation|Customer|Override|Change|Feed|Segment|Membership|Product|IdempotencyKey
  |SourceRevocation|Audience|Delivery|WaitingChange|Restriction|Tombstone|Erasure|ErasedCustomer|HeldOrder|Rules|StoredValue)
CALL (n) {
  DETACH DELETE n
} IN TRANSACTIONS OF 5000 ROWS;
