// name: hubs
// The identifiers whose links lead to the most customers.
MATCH (i:Identifier)-[:LINKED]-(:Identifier)-[:IDENTIFIES]->(c:Customer)
WITH i, count(DISTINCT c) AS customers
WHERE customers > 1
RETURN i.key AS key, customers, i.shared AS shared, i.blocked AS blocked
ORDER BY customers DESC, key LIMIT $first;

// name: largest
// The customers with the most identifiers.
MATCH (c:Customer) WHERE c.retired_at IS NULL
WITH c, COUNT { (c)<-[:IDENTIFIES]-() } AS size ORDER BY size DESC LIMIT $first
RETURN c.id AS id, c.counts AS counts;

// name: namespaces
// Identifiers and customers of each namespace, and the most that one customer holds.
MATCH (i:Identifier)-[:IDENTIFIES]->(c:Customer)
WITH i.namespace AS namespace, c, count(i) AS held
RETURN namespace, sum(held) AS identifiers, count(c) AS customers, max(held) AS most ORDER BY namespace;

// name: doubles
// One identifier of each customer that holds several of one of $namespaces.
MATCH (i:Identifier)-[:IDENTIFIES]->(c:Customer) WHERE i.namespace IN $namespaces
WITH c, i.namespace AS namespace, count(i) AS held, min(i.key) AS key
WHERE held > 1
WITH c, max(held) AS held, min(key) AS key
RETURN key ORDER BY held DESC, key LIMIT $first;

// name: suspended
// Links that came to be suspended, less those restored, by day.
MATCH (h:Change) WHERE h.kind IN ['link_suspended', 'link_restored']
RETURN h.at / $day AS day, sum(CASE h.kind WHEN 'link_suspended' THEN 1 ELSE -1 END) AS count;
