// name: hubs
// Returns the identifiers whose links lead to the most customers.
MATCH (i:Identifier)-[:LINKED]-(:Identifier)-[:IDENTIFIES]->(c:Customer)
WITH i, count(DISTINCT c) AS customers
WHERE customers > 1
RETURN i.key AS key, customers, i.shared AS shared, i.blocked AS blocked
ORDER BY customers DESC, key LIMIT $first;

// name: largest
// Returns the customers with the most identifiers.
MATCH (c:Customer) WHERE c.retired_at IS NULL
WITH c, COUNT { (c)<-[:IDENTIFIES]-() } AS size ORDER BY size DESC LIMIT $first
RETURN c.id AS id, c.counts AS counts;

// name: namespaces
// Counts the identifiers and customers of each namespace, with the most identifiers that one customer holds.
MATCH (i:Identifier)-[:IDENTIFIES]->(c:Customer)
WITH i.namespace AS namespace, c, count(i) AS size
RETURN namespace, sum(size) AS identifiers, count(c) AS customers, max(size) AS max_per_customer ORDER BY namespace;

// name: multi_value_keys
// Returns one identifier of each customer that holds several identifiers of one of $namespaces.
MATCH (i:Identifier)-[:IDENTIFIES]->(c:Customer) WHERE i.namespace IN $namespaces
WITH c, i.namespace AS namespace, count(i) AS size, min(i.key) AS key
WHERE size > 1
WITH c, max(size) AS size, min(key) AS key
RETURN key ORDER BY size DESC, key LIMIT $first;

// name: suspended
// Counts the links that were suspended, less those restored, by day.
MATCH (h:Change) WHERE h.kind IN ['link_suspended', 'link_restored']
RETURN h.recorded_at / $day AS day, sum(CASE h.kind WHEN 'link_suspended' THEN 1 ELSE -1 END) AS count;

// name: guarded
// Returns the weaker ends of the links that guards suspend; $namespaces are all, strongest first.
WITH $namespaces AS namespaces
MATCH (a:Identifier)-[l:LINKED {state: 'suspended', reason_code: 'GUARD'}]->(b:Identifier)
WITH namespaces, a, b, [at IN range(0, size(namespaces) - 1) WHERE namespaces[at] = a.namespace][0] AS rank_a,
  [at IN range(0, size(namespaces) - 1) WHERE namespaces[at] = b.namespace][0] AS rank_b
WHERE rank_a IS NOT NULL AND rank_b IS NOT NULL
WITH CASE WHEN rank_a <= rank_b THEN a ELSE b END AS strong, CASE WHEN rank_a <= rank_b THEN b ELSE a END AS weak
MATCH (strong)-[:IDENTIFIES]->(c:Customer)
WITH weak, count(DISTINCT c) + 1 AS customers
RETURN weak.key AS key, customers
ORDER BY customers DESC, key LIMIT $first;

// name: value_sets
// Returns the anchors and value sets of customers that may carry several value sets of an attribute: only a count that
// another one follows can belong to a second one. They come in one record, because many would take long.
MATCH (c:Customer) WHERE c.retired_at IS NULL AND c.value_sets =~ '(?s).*[0-9],.*'
RETURN collect([c.anchor, c.value_sets]) AS rows;
