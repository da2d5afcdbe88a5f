// name: create_identifiers
// New identifiers, each with a label of its namespace so that the graph reads well in a browser.
UNWIND $rows AS row
CREATE (i:Identifier:$(row.label))
SET i = row.values
RETURN collect([row.values.key, elementId(i)]) AS found;

// name: update_identifiers
// What is known of identifiers that are stored.
UNWIND $rows AS row
MATCH (i) WHERE elementId(i) = row.handle
SET i += row.values;

// name: create_links
// New links, from the smaller key to the larger.
UNWIND $rows AS row
MATCH (a) WHERE elementId(a) = row.a
MATCH (b) WHERE elementId(b) = row.b
CREATE (a)-[l:LINKED]->(b)
SET l = row.values;

// name: update_links
// Evidence and verdict of links that are stored.
UNWIND $rows AS row
MATCH ()-[l:LINKED]->() WHERE elementId(l) = row.handle
SET l = row.values;

// name: delete_links
// Links that nothing supports any more.
UNWIND $handles AS handle
MATCH ()-[l:LINKED]->() WHERE elementId(l) = handle
DELETE l;

// name: create_observations
// New observations as they were sent, and the identifiers that the rules find in them.
UNWIND $rows AS row
CREATE (o:Observation)
SET o = row.values
WITH o, row
UNWIND row.named AS handle
MATCH (i) WHERE elementId(i) = handle
CREATE (o)-[:NAMES]->(i);

// name: update_observations
// Observations whose standing changed, which come after their revocation, or which name others under new rules.
UNWIND $rows AS row
MATCH (o:Observation {source: row.values.source, id: row.values.id})
SET o = row.values
WITH o, row
CALL (o) {
  MATCH (o)-[old:NAMES]->()
  DELETE old
}
WITH o, row
UNWIND row.named AS handle
MATCH (i) WHERE elementId(i) = handle
MERGE (o)-[:NAMES]->(i);

// name: tell
// Where the facts of observations hang; nowhere, where they do not count.
UNWIND $rows AS row
MATCH (o:Observation {source: row.source, id: row.id})
SET o.words = row.words
WITH o, row
CALL (o) {
  MATCH (o)-[old:TOLD]->()
  DELETE old
}
WITH o, row
UNWIND row.carriers AS carrier
MATCH (i) WHERE elementId(i) = carrier[1]
SET i:Teller
CREATE (o)-[t:TOLD {key: carrier[0], kind: row.kind, at: row.at, name: row.source + ' ' + row.id}]->(i)
SET t += row.filters;

// name: create_answered
// Requests that were carried out.
UNWIND $rows AS row
CREATE (r:Answered)
SET r = row;

// name: create_marks
// New marks of stewards.
UNWIND $rows AS row
CREATE (m:Mark)
SET m = row.values
WITH m, row
UNWIND row.named AS handle
MATCH (i) WHERE elementId(i) = handle
CREATE (m)-[:MARKS]->(i);

// name: delete_marks
// Marks that a steward removed.
UNWIND $ids AS id
MATCH (m:Mark {id: id})
DETACH DELETE m;

// name: absorb
// All identifiers of one customer's node, and all redirects to it, come to another node.
UNWIND $rows AS row
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

// name: create_customers
// New ids at new nodes. The place of a node never changes: identifiers of large customers (`places`) carry it, so that
// indexes lead to them in order.
UNWIND $rows AS row
CREATE (c:Customer)
SET c = row.values, c.place = randomUUID()
RETURN collect([row.number, elementId(c)]) AS found;

// name: release_ids
// Ids may change places between nodes; uniqueness is checked at each write, so they are taken away first.
UNWIND $nodes AS node
MATCH (c) WHERE elementId(c) = node
REMOVE c.id;

// name: update_customers
// What is kept at customers that are stored.
UNWIND $rows AS row
MATCH (c) WHERE elementId(c) = row.node
SET c += row.values;

// name: redirect
// The one hop of retired ids; a pair of a node and the id that answers, or null for none.
UNWIND $rows AS row
MATCH (c) WHERE elementId(c) = row[0]
OPTIONAL MATCH (c)-[old:REDIRECTS_TO]->()
DELETE old
WITH c, row
MATCH (target:Customer {id: row[1]})
CREATE (c)-[:REDIRECTS_TO]->(target);

// name: join
// Identifiers that were in no customer come to one.
UNWIND $rows AS row
MATCH (i) WHERE elementId(i) = row[0]
MATCH (c) WHERE elementId(c) = row[1]
CREATE (i)-[:IDENTIFIES]->(c)
SET i.place = CASE WHEN c.places THEN c.place END;

// name: place
// Customers that have become large: from now on their identifiers carry their place.
UNWIND $nodes AS node
MATCH (c:Customer) WHERE elementId(c) = node AND c.places IS NULL
SET c.places = true
WITH c
MATCH (i:Identifier)-[:IDENTIFIES]->(c)
SET i.place = c.place;

// name: leave
// Identifiers leave their customer.
UNWIND $handles AS handle
MATCH (i) WHERE elementId(i) = handle
MATCH (i)-[old:IDENTIFIES]->()
DELETE old
REMOVE i.place;

// name: history
// A block of the history: numbered from one node, which is locked last before commit, so that numbers have no gaps and
// follow the order of commits. Rules are adopted under the same lock: their version is read once it is held.
MERGE (f:Feed {name: 'changes'})
SET f.last = coalesce(f.last, 0) + size($rows)
WITH f.last - size($rows) AS before
FOREACH (at IN range(0, size($rows) - 1) |
  CREATE (h:Change)
  SET h = $rows[at], h.no = before + at + 1
)
RETURN coalesce(COLLECT { MATCH (r:Rules) RETURN max(r.version) }[0], 0) AS version,
       COLLECT { MATCH (f:Feed {name: 'changes'}) RETURN f.loading }[0] AS loading;

// name: keep
// Texts under names.
UNWIND $rows AS row
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
