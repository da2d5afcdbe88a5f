// Pairs of queries: `check_…` counts what contradicts itself, `repair_…` mends it.

// name: check_feed
// The number of the newest entry that the feed's node knows is another one than the newest stored.
OPTIONAL MATCH (f:Feed {name: 'changes'})
WITH coalesce(f.last, 0) AS last, coalesce(COLLECT { MATCH (h:Change) RETURN max(h.number) }[0], 0) AS newest
RETURN CASE WHEN last = newest THEN 0 ELSE 1 END AS count;

// name: repair_feed
// Takes the number of the newest entry.
MERGE (f:Feed {name: 'changes'})
SET f.last = coalesce(COLLECT { MATCH (h:Change) RETURN max(h.number) }[0], 0);

// name: check_several_links
// Links between the same identifiers.
MATCH (a:Identifier)-[l:LINKED]->(b:Identifier)
WITH a, b, count(l) AS links WHERE links > 1
RETURN count(*) AS count;

// name: repair_several_links
// Deletes all but one; its evidence is compared as that of any other.
MATCH (a:Identifier)-[l:LINKED]->(b:Identifier)
WITH a, b, collect(l) AS links WHERE size(links) > 1
FOREACH (l IN links[1..] | DELETE l);

// name: check_several_customers
// Identifiers that belong to several customers.
MATCH (i:Identifier) WHERE COUNT { (i)-[:IDENTIFIES]->() } > 1 RETURN count(i) AS count;

// name: repair_several_customers
// Detaches them; resolving them again finds the right one.
MATCH (i:Identifier) WHERE COUNT { (i)-[:IDENTIFIES]->() } > 1
MATCH (i)-[old:IDENTIFIES]->()
DELETE old
REMOVE i.customer_node;

// name: check_several_redirects
// Customer ids that redirect to several others.
MATCH (c:Customer) WHERE COUNT { (c)-[:REDIRECTS_TO]->() } > 1 RETURN count(c) AS count;

// name: repair_several_redirects
// Removes the redirects; the customer's repair finds the right one.
MATCH (c:Customer) WHERE COUNT { (c)-[:REDIRECTS_TO]->() } > 1
MATCH (c)-[old:REDIRECTS_TO]->()
DELETE old;

// name: check_customer_node
// Identifiers that do not carry the number of their large customer, or carry one of another customer.
MATCH (i:Identifier)
OPTIONAL MATCH (i)-[:IDENTIFIES]->(c:Customer)
WITH i, CASE WHEN c.is_large THEN c.node_id END AS expected
WHERE coalesce(i.customer_node, '') <> coalesce(expected, '')
RETURN count(i) AS count;

// name: repair_customer_node
// Gives identifiers the number of their large customer.
MATCH (i:Identifier)
OPTIONAL MATCH (i)-[:IDENTIFIES]->(c:Customer)
WITH i, CASE WHEN c.is_large THEN c.node_id END AS expected
WHERE coalesce(i.customer_node, '') <> coalesce(expected, '')
SET i.customer_node = expected;

// name: check_fact_holder
// Identifiers that facts are attached to, without the label that says so.
MATCH (i:Identifier) WHERE NOT i:FactHolder AND EXISTS { (:Observation)-[:REPORTED]->(i) } RETURN count(i) AS count;

// name: repair_fact_holder
// Sets the label.
MATCH (i:Identifier) WHERE NOT i:FactHolder AND EXISTS { (:Observation)-[:REPORTED]->(i) } SET i:FactHolder;

// name: check_disputed
// Suspended links that are not found, and their ends and the identifiers that overrides name without the label.
CALL () {
  MATCH (a:Identifier)-[l:LINKED]->(b:Identifier)
  WHERE CASE l.state WHEN 'suspended'
    THEN coalesce(l.suspended_a <> a.key OR l.suspended_b <> b.key, true) OR NOT a:Disputed OR NOT b:Disputed
    ELSE l.suspended_a IS NOT NULL OR l.suspended_b IS NOT NULL END
  RETURN l AS found
  UNION
  MATCH (found:Identifier) WHERE found.override_count > 0 AND NOT found:Disputed
  RETURN found
}
RETURN count(found) AS count;

// name: repair_disputed
// Sets the properties and the label.
CALL () {
  MATCH (a:Identifier)-[l:LINKED]->(b:Identifier)
  WHERE l.state = 'suspended' OR l.suspended_a IS NOT NULL OR l.suspended_b IS NOT NULL
  SET l.suspended_a = CASE l.state WHEN 'suspended' THEN a.key END,
      l.suspended_b = CASE l.state WHEN 'suspended' THEN b.key END
  WITH a, l, b WHERE l.state = 'suspended'
  SET a:Disputed, b:Disputed
}
MATCH (i:Identifier) WHERE i.override_count > 0 AND NOT i:Disputed
SET i:Disputed;

// name: check_override
// Overrides that do not lead to the identifiers that they name.
MATCH (m:Override)
UNWIND [key IN [m.a, m.b] WHERE key <> ''] AS key
MATCH (i:Identifier {key: key}) WHERE NOT EXISTS { (m)-[:OVERRIDES]->(i) }
RETURN count(*) AS count;

// name: repair_override
// Connects overrides with their identifiers.
MATCH (m:Override)
UNWIND [key IN [m.a, m.b] WHERE key <> ''] AS key
MATCH (i:Identifier {key: key}) WHERE NOT EXISTS { (m)-[:OVERRIDES]->(i) }
CREATE (m)-[:OVERRIDES]->(i);

// name: check_unindexed
// Observations that name an identifier which does not lead to them, without the label that says so.
MATCH (o:Observation) WHERE NOT o:Unindexed AND o.status <> 'valid' AND o.sent <> ''
  AND (size(o.keys) = 0 OR COUNT { (o)-[:MENTIONS]->() } < size(o.keys))
RETURN count(o) AS count;

// name: repair_unindexed
// Sets the label.
MATCH (o:Observation) WHERE NOT o:Unindexed AND o.status <> 'valid' AND o.sent <> ''
  AND (size(o.keys) = 0 OR COUNT { (o)-[:MENTIONS]->() } < size(o.keys))
SET o:Unindexed;

// name: check_restricted
// Identifiers that are marked as restricted and are not, or the other way round.
MATCH (i:Identifier) WHERE i:Restricted <> EXISTS { (i)<-[:RESTRICTS]-(:Restriction) } RETURN count(i) AS count;

// name: repair_restricted
// Sets and removes the label.
MATCH (i:Identifier) WHERE i:Restricted <> EXISTS { (i)<-[:RESTRICTS]-(:Restriction) }
FOREACH (_ IN CASE WHEN i:Restricted THEN [1] ELSE [] END | REMOVE i:Restricted)
FOREACH (_ IN CASE WHEN i:Restricted THEN [] ELSE [1] END | SET i:Restricted);

// name: check_membership
// Memberships that do not lead to their customer, or lead to another one.
MATCH (m:Membership)
OPTIONAL MATCH (c:Customer {id: m.customer})
WITH m, c WHERE c IS NOT NULL AND NOT EXISTS { (m)-[:OF]->(c) }
  OR EXISTS { MATCH (m)-[:OF]->(other) WHERE other.id <> m.customer }
RETURN count(m) AS count;

// name: repair_membership
// Connects memberships with their customers.
MATCH (m:Membership)
OPTIONAL MATCH (c:Customer {id: m.customer})
CALL (m) {
  MATCH (m)-[old:OF]->()
  DELETE old
}
FOREACH (_ IN CASE WHEN c IS NULL THEN [] ELSE [1] END | CREATE (m)-[:OF]->(c));

// name: rewrite_words
// Writes the words of identifiers.
UNWIND $params.rows AS row
MATCH (i:Identifier {key: row[0]})
SET i.words = row[1];

// name: keys
// Returns keys of identifiers, in order.
MATCH (i:Identifier) WHERE i.key > $after
RETURN i.key AS key ORDER BY key LIMIT $first;

// name: check_delivery
// Deliveries of audiences that are not stored: nothing says to which list an address went.
MATCH (d:Delivery) WHERE NOT EXISTS { MATCH (a:Audience) WHERE a.id = d.audience } RETURN count(d) AS count;

// name: repair_delivery
// Deletes them.
MATCH (d:Delivery) WHERE NOT EXISTS { MATCH (a:Audience) WHERE a.id = d.audience }
DELETE d;
