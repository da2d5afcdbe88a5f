// name: write
// What most writes consist of, in one query, since each costs the driver and the server half a millisecond. New and
// stored identifiers make one list, new and stored customers another: all else names them by their places in these. What
// is new takes its values with `+=`, which does not look for others to remove. Its plan is kept, as that of `around`.
CYPHER replan=skip
CALL () {
  // A label of its namespace each, so that the graph reads well in a browser.
  UNWIND $asked.new_identifiers AS row
  CREATE (i:Identifier:$(row[0]))
  SET i += row[1]
  RETURN collect(i) AS made
}
CALL () {
  UNWIND $asked.identifiers AS row
  MATCH (i) WHERE elementId(i) = row[0]
  SET i += row[1]
  RETURN collect(i) AS stored
}
WITH made + stored AS identifiers
CALL (identifiers) {
  // From the smaller key to the larger.
  UNWIND $asked.new_links AS row
  WITH row[2] AS values, identifiers[row[0]] AS a, identifiers[row[1]] AS b
  CREATE (a)-[l:LINKED]->(b)
  SET l += values
}
CALL () {
  UNWIND $asked.links AS row
  MATCH ()-[l:LINKED]->() WHERE elementId(l) = row[0]
  SET l = row[1]
}
CALL (identifiers) {
  // As they were sent, and the identifiers that the rules find in them.
  UNWIND $asked.new_observations AS row
  CREATE (o:Observation)
  SET o += row[0]
  WITH o, row[1] AS named
  UNWIND named AS at
  WITH o, identifiers[at] AS i
  CREATE (o)-[:NAMES]->(i)
}
CALL (identifiers) {
  // Whose standing changed, which come after their revocation, or which name others under new rules.
  UNWIND $asked.observations AS row
  MATCH (o:Observation {source: row[0].source, id: row[0].id})
  SET o = row[0]
  WITH o, row[1] AS named
  CALL (o) {
    MATCH (o)-[old:NAMES]->()
    DELETE old
  }
  UNWIND named AS at
  WITH o, identifiers[at] AS i
  CREATE (o)-[:NAMES]->(i)
}
CALL (identifiers) {
  // Where the facts of observations hang, nowhere where they do not count.
  UNWIND $asked.told AS row
  MATCH (o:Observation {source: row.source, id: row.id})
  SET o.words = row.words
  WITH o, row
  CALL (o) {
    MATCH (o)-[old:TOLD]->()
    DELETE old
  }
  UNWIND row.carriers AS carrier
  WITH o, row, carrier[0] AS key, identifiers[carrier[1]] AS i
  SET i:Teller
  CREATE (o)-[t:TOLD {key: key, kind: row.kind, at: row.at, name: row.source + ' ' + row.id}]->(i)
  SET t += row.filters
}
CALL (identifiers) {
  UNWIND $asked.new_marks AS row
  CREATE (m:Mark)
  SET m = row[0]
  WITH m, row[1] AS named
  UNWIND named AS at
  WITH m, identifiers[at] AS i
  CREATE (m)-[:MARKS]->(i)
}
CALL () {
  // Before new nodes: these may take over an id.
  UNWIND $asked.customers AS row
  MATCH (c) WHERE elementId(c) = row[0]
  SET c += row[1]
  RETURN collect(c) AS held
}
CALL () {
  // The place of a node never changes: identifiers of large customers (`places`) carry it, so that indexes lead to them
  // in order.
  UNWIND $asked.new_customers AS values
  CREATE (c:Customer)
  SET c += values, c.place = randomUUID()
  RETURN collect(c) AS fresh
}
WITH identifiers, fresh + held AS customers
CALL (customers) {
  // The one hop of retired ids, none where an id answers again.
  UNWIND $asked.redirects AS row
  WITH customers[row[0]] AS c, row[1] AS id
  CALL (c) {
    MATCH (c)-[old:REDIRECTS_TO]->()
    DELETE old
  }
  MATCH (target:Customer {id: id})
  CREATE (c)-[:REDIRECTS_TO]->(target)
}
CALL (identifiers, customers) {
  UNWIND $asked.joining AS row
  WITH identifiers[row[0]] AS i, customers[row[1]] AS c
  CREATE (i)-[:IDENTIFIES]->(c)
  SET i.place = CASE WHEN c.places THEN c.place END
}
CALL (customers) {
  // Customers that have become large: from now on their identifiers carry their place.
  UNWIND $asked.large AS at
  WITH customers[at] AS c
  WITH c WHERE c.places IS NULL
  SET c.places = true
  WITH c
  MATCH (i:Identifier)-[:IDENTIFIES]->(c)
  SET i.place = c.place
}
// The history is numbered from one node, which is locked last before commit, so that numbers have no gaps and follow the
// order of commits. Rules are adopted under the same lock: their version is read once it is held.
MERGE (f:Feed {name: 'changes'})
SET f.last = coalesce(f.last, 0) + size($asked.changes)
WITH identifiers, customers, f.last - size($asked.changes) AS before
FOREACH (at IN range(0, size($asked.changes) - 1) |
  CREATE (h:Change)
  SET h += $asked.changes[at], h.no = before + at + 1
)
RETURN coalesce(COLLECT { MATCH (r:Rules) RETURN max(r.version) }[0], 0) AS version,
       COLLECT { MATCH (f:Feed {name: 'changes'}) RETURN f.loading }[0] AS loading,
       size(identifiers) + size(customers) AS found;

// name: delete_links
// Links that nothing supports any more.
UNWIND $asked.rows AS handle
MATCH ()-[l:LINKED]->() WHERE elementId(l) = handle
DELETE l;

// name: create_answered
// Requests that were carried out.
UNWIND $asked.rows AS row
CREATE (r:Answered)
SET r = row;

// name: delete_marks
// Marks that a steward removed.
UNWIND $asked.rows AS id
MATCH (m:Mark {id: id})
DETACH DELETE m;

// name: absorb
// All identifiers of one customer's node, and all redirects to it, come to another node.
UNWIND $asked.rows AS row
MATCH (source) WHERE elementId(source) = row[0]
MATCH (target) WHERE elementId(target) = row[1]
CALL (source, target) {
  MATCH (i:Identifier)-[old:IDENTIFIES]->(source)
  DELETE old
  CREATE (i)-[:IDENTIFIES]->(target)
  SET i.place = CASE WHEN target.places THEN target.place END
}
CALL (source, target) {
  MATCH (retired:Customer)-[old:REDIRECTS_TO]->(source)
  DELETE old
  CREATE (retired)-[:REDIRECTS_TO]->(target)
};

// name: release_ids
// Ids may change places between nodes; uniqueness is checked at each write, so they are taken away first.
UNWIND $asked.rows AS node
MATCH (c) WHERE elementId(c) = node
REMOVE c.id;

// name: leave
// Identifiers leave their customer.
UNWIND $asked.rows AS handle
MATCH (i) WHERE elementId(i) = handle
MATCH (i)-[old:IDENTIFIES]->()
DELETE old
REMOVE i.place;

// name: keep
// Texts under names.
UNWIND $asked.rows AS row
MERGE (k:Kept {name: row[0]}) SET k.text = row[1];

// name: begin_load
// Make the store ready for being loaded, if nothing is stored of anyone; locked on the feed's node, as all commits are.
MERGE (f:Feed {name: 'changes'})
SET f.last = coalesce(f.last, 0)
WITH f, coalesce(f.loading, false) AS begun
WITH f, begun, NOT begun AND (EXISTS { (:Identifier) } OR EXISTS { (:Observation) } OR EXISTS { (:Customer) }
  OR EXISTS { (:Mark) }) AS held
FOREACH (_ IN CASE WHEN held OR begun THEN [] ELSE [1] END | SET f.loading = true)
RETURN begun, held;

// name: end_load
// Everything is loaded.
MATCH (f:Feed {name: 'changes'}) REMOVE f.loading
WITH f
OPTIONAL MATCH (k:Kept {name: $name})
DELETE k;
