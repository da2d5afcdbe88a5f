// name: without_words
// Identifiers from before there was a search.
MATCH (i:Identifier) WHERE i.words IS NULL AND NOT i.namespace IN $namespaces
RETURN elementId(i) AS handle, i.key AS key LIMIT 5000;

// name: give_words
// The words of identifiers.
UNWIND $rows AS row
MATCH (i) WHERE elementId(i) = row[0]
SET i.words = coalesce(row[1], '');

// name: with_orders
// Customers with orders by id, and the facts of all of these.
MATCH (c:Customer) WHERE c.id > $after AND c.figures <> '{}'
WITH c ORDER BY c.id LIMIT 1000
RETURN c.id AS id, [(c)<-[:IDENTIFIES]-(o:Order) WHERE o.facts IS NOT NULL | [o.facts_source, o.facts]] AS orders
ORDER BY id;

// name: give_figures
// The figures of customers.
UNWIND $rows AS row
MATCH (c:Customer {id: row[0]})
SET c.figures = row[1];

// name: carriers
// Identifiers on which facts hang.
MATCH (i:Teller) WHERE i.key > $after
RETURN i.key AS key ORDER BY key LIMIT 1000;

// name: interactions
// All interactions that hang on an identifier.
MATCH (o:Observation)-[t:TOLD]->()
WHERE t.key = $key AND t.kind = $kind AND t.at IS NOT NULL AND t.name IS NOT NULL
RETURN elementId(t) AS handle, t.at AS at, o.sent AS sent;

// name: give_details
// What lists of interactions are filtered by, and what they count for.
MATCH (i:Identifier {key: $key})
SET i.tally = $tally
WITH i
UNWIND $rows AS row
MATCH ()-[t:TOLD]->() WHERE elementId(t) = row[0]
SET t += row[1]
REMOVE t.detail;

// name: make_due
// Customers from before there were segments are looked at once there are any.
MATCH (c:Customer) WHERE c.due_at IS NULL
WITH c LIMIT 10000
SET c.due_at = 0
RETURN count(*) AS found;

// name: give_places
// The places of customers from before there were any, and of the identifiers of large ones.
MATCH (c:Customer) WHERE c.place IS NULL
WITH c LIMIT 1000
SET c.place = randomUUID(), c.places = CASE WHEN COUNT { (c)<-[:IDENTIFIES]-() } > $small THEN true END
WITH c
OPTIONAL MATCH (i:Identifier)-[:IDENTIFIES]->(c) WHERE c.places
FOREACH (one IN CASE WHEN i IS NULL THEN [] ELSE [i] END | SET one.place = c.place)
RETURN count(DISTINCT c) AS found;

// name: drop_change_customer
// An index that another one took the place of.
DROP INDEX change_customer IF EXISTS;

// name: drop_change_other
// An index that another one took the place of.
DROP INDEX change_other IF EXISTS;

// name: drop_search
// The index of words that every commit waited for; two of the same properties cannot be.
DROP INDEX search IF EXISTS;
