// name: head
// Begins the query of customer pages: finds the customers of $refs ({id} or {key}). Id, version and number of
// identifiers are read first and, in `tail` and by another path, last; if they differ, a change was committed in
// between, and the reader tries again. The pages are read between the two. A commit is applied record by record, so the
// number is also compared with the counts that the customer carries: if relationships and properties disagree, half of
// a change was read. A store in which nothing is restricted does not look for restricted identifiers.
UNWIND range(0, size($refs) - 1) AS at
WITH at, $refs[at] AS ref
OPTIONAL MATCH (named:Customer {id: ref.id})
OPTIONAL MATCH (named)-[:REDIRECTS_TO]->(target:Customer)
OPTIONAL MATCH (:Identifier {key: ref.key})-[:IDENTIFIES]->(holder:Customer)
WITH at, ref, target IS NOT NULL AS redirected, coalesce(target, named, holder) AS c
WHERE c IS NOT NULL
WITH at, ref, redirected, c, elementId(c) AS node, [c.id, c.version, COUNT { (c)<-[:IDENTIFIES]-() }] AS first
WITH at, ref, redirected, c, node, first, c{.*, restricted: EXISTS {
       CALL (c) {
         WITH c WHERE EXISTS { (:Restricted) }
         MATCH (i:Identifier)-[:IDENTIFIES]->(c) WHERE i:Restricted
         RETURN i LIMIT 1
       }
       RETURN i
     }} AS customer, [$pages] AS pages;

// name: identifiers
// Returns a page of identifiers by the rank of their namespace, then by key. `$page` is replaced by the page's own
// parameter. All identifiers of a small customer are read, so that their number can be checked (see `head`); those of a
// large customer are read along the index, one namespace after the other.
COLLECT {
  CALL (c, first) {
    WITH c, first WHERE first[2] <= $small
    MATCH (i:Identifier)-[:IDENTIFIES]->(c)
    WHERE $page.rank[i.namespace] IS NOT NULL AND ($page.after IS NULL OR $page.rank[i.namespace] > $page.after[0]
      OR ($page.rank[i.namespace] = $page.after[0] AND i.key > $page.after[1]))
    RETURN i ORDER BY $page.rank[i.namespace], i.key LIMIT $page.first
    UNION ALL
    WITH c, first WHERE first[2] > $small
    UNWIND $page.ranges AS range
    WITH c, range WHERE c.counts CONTAINS range[0]
    CALL (c, range) {
      MATCH (i:Identifier) WHERE i.customer_node = c.node_id AND i.key > range[1] AND i.key < range[2]
      RETURN i ORDER BY i.customer_node, i.key LIMIT $page.first
    }
    RETURN i LIMIT $page.first
  }
  RETURN i{.key, .first_seen_at, .last_seen_at, .observation_count, .sources, .shared, .blocked}
};

// name: orders
// Returns a page of orders, newest first; small and large customers as with identifiers.
COLLECT {
  CALL (c, first) {
    WITH c, first WHERE first[2] <= $small
    MATCH (o:Order)-[:IDENTIFIES]->(c)
    WHERE o.placed_at IS NOT NULL
      AND (o.placed_at < $page.after[0] OR (o.placed_at = $page.after[0] AND o.key < $page.after[1]))
    RETURN o ORDER BY o.placed_at DESC, o.key DESC LIMIT $page.first
    UNION ALL
    WITH c, first WHERE first[2] > $small
    MATCH (o:Order) WHERE o.customer_node = c.node_id AND o.placed_at <= $page.after[0] AND o.key IS NOT NULL
      AND (o.placed_at < $page.after[0] OR o.key < $page.after[1])
    RETURN o ORDER BY o.customer_node DESC, o.placed_at DESC, o.key DESC LIMIT $page.first
  }
  RETURN [o.key, o.facts_source, o.facts]
};

// name: fact_holders
// The customer's identifiers that facts are attached to. Replaces `$fact_holders` in the queries below.
CALL (c, first) {
  WITH c, first WHERE first[2] <= $small
  MATCH (i:FactHolder)-[:IDENTIFIES]->(c) RETURN i
  UNION ALL
  WITH c, first WHERE first[2] > $small
  MATCH (i:FactHolder) WHERE i.customer_node = c.node_id RETURN i
};

// name: facts
// Returns a page of the facts of a kind at the customer's identifiers, newest first. Neo4j uses an index on several
// properties only if the query has a condition on each of them.
COLLECT {
  $fact_holders
  MATCH (o:Observation)-[t:REPORTED]->()
  WHERE t.key = i.key AND t.kind = $page.kind AND t.at IS NOT NULL AND t.name IS NOT NULL
  WITH i, t, o ORDER BY t.at DESC, o.tier, o.source, o.id, i.key LIMIT $page.first
  RETURN [i.key, t.at, o.source, o.id, o.tier, o.sent]
};

// name: interaction_counts
// Returns the interaction counts of the customer's identifiers.
COLLECT {
  $fact_holders
  WITH i WHERE i.interaction_counts IS NOT NULL
  RETURN i{.interaction_counts}
};

// name: interaction_summaries
// Returns the newest interactions, with the properties that the relationships carry.
COLLECT {
  $fact_holders
  CALL (i) {
    MATCH ()-[t:REPORTED]->()
    WHERE t.key = i.key AND t.kind = 'interaction' AND t.at IS NOT NULL AND t.name IS NOT NULL
    RETURN t ORDER BY t.key DESC, t.kind DESC, t.at DESC, t.name DESC LIMIT $page.first
  }
  WITH t ORDER BY t.at DESC, t.name DESC LIMIT $page.first
  RETURN [t.at, t.type, t.channel, t.campaign, t.sku]
};

// name: email_events
// Returns of the emails to the customer's identifiers of some namespaces which ones bounced, and by source when the last
// one arrived; small and large customers as with identifiers.
COLLECT {
  CALL (c, first) {
    WITH c, first WHERE first[2] <= $small
    MATCH (i:Identifier)-[:IDENTIFIES]->(c) WHERE i.namespace IN $page.namespaces
    RETURN i
    UNION ALL
    WITH c, first WHERE first[2] > $small
    UNWIND $page.ranges AS range
    WITH c, range WHERE c.counts CONTAINS range[0]
    MATCH (i:Identifier) WHERE i.customer_node = c.node_id AND i.key > range[1] AND i.key < range[2]
    RETURN i
  }
  MATCH (i)<-[:MENTIONS]-(o:Observation)-[t:REPORTED]->() WHERE t.type IN $page.types
  WITH i.key AS key, o.source AS source, t.type = $page.bounced AS bounced, t.at AS reported
  WITH key, source, bounced, CASE WHEN bounced THEN reported END AS bounce, max(reported) AS last
  RETURN [key, source, bounced, last]
};

// name: timeline
// Returns a page of interactions, orders and history. `bounds` holds a time and a name for each kind: items before it
// are returned. Conditions on properties are decided where the answer is read; of interactions that name one of
// `property_names` nowhere none can match.
COLLECT {
  CALL (c, first) {
    $fact_holders
    WITH i WHERE 0 IN $page.kinds
    CALL (i) {
      WITH i WHERE $page.types IS NULL
      MATCH (o:Observation)-[t:REPORTED]->()
      WHERE t.key = i.key AND t.kind = 'interaction' AND t.at <= $page.bounds[0][0] AND t.at >= $page.since
        AND t.name IS NOT NULL
        AND ($page.channels IS NULL OR t.channel IN $page.channels)
        AND ($page.campaign IS NULL OR t.campaign = $page.campaign) AND ($page.sku IS NULL OR t.sku = $page.sku)
        AND all(name IN $page.property_names WHERE o.sent CONTAINS name)
        AND (t.at < $page.bounds[0][0] OR t.name < $page.bounds[0][1])
      RETURN t, o ORDER BY t.key DESC, t.kind DESC, t.at DESC, t.name DESC LIMIT $page.first
      UNION ALL
      UNWIND coalesce($page.types, []) AS type
      CALL (i, type) {
        MATCH (o:Observation)-[t:REPORTED]->()
        WHERE t.key = i.key AND t.type = type AND t.at <= $page.bounds[0][0] AND t.at >= $page.since
          AND t.name IS NOT NULL
          AND ($page.channels IS NULL OR t.channel IN $page.channels)
          AND ($page.campaign IS NULL OR t.campaign = $page.campaign) AND ($page.sku IS NULL OR t.sku = $page.sku)
          AND all(name IN $page.property_names WHERE o.sent CONTAINS name)
          AND (t.at < $page.bounds[0][0] OR t.name < $page.bounds[0][1])
        RETURN t, o ORDER BY t.key DESC, t.type DESC, t.at DESC, t.name DESC LIMIT $page.first
      }
      RETURN t, o
    }
    RETURN [0, [i.key, t.at, o.source, o.id, o.tier, o.sent]] AS item
    UNION ALL
    WITH c, first WHERE first[2] <= $small AND 1 IN $page.kinds
    MATCH (i:Order)-[:IDENTIFIES]->(c)
    WHERE i.placed_at >= $page.since
      AND (i.placed_at < $page.bounds[1][0] OR (i.placed_at = $page.bounds[1][0] AND i.key < $page.bounds[1][1]))
    WITH i ORDER BY i.placed_at DESC, i.key DESC LIMIT $page.first
    RETURN [1, [i.key, i.facts_source, i.facts]] AS item
    UNION ALL
    WITH c, first WHERE first[2] > $small AND 1 IN $page.kinds
    MATCH (i:Order) WHERE i.customer_node = c.node_id AND i.placed_at >= $page.since
      AND i.placed_at <= $page.bounds[1][0] AND i.key IS NOT NULL
      AND (i.placed_at < $page.bounds[1][0] OR i.key < $page.bounds[1][1])
    WITH i ORDER BY i.customer_node DESC, i.placed_at DESC, i.key DESC LIMIT $page.first
    RETURN [1, [i.key, i.facts_source, i.facts]] AS item
    UNION ALL
    WITH c WHERE 2 IN $page.kinds
    CALL (c) {
      MATCH (h:Change) WHERE h.customer = c.id AND h.recorded_at >= $page.since AND h.recorded_at <= $page.bounds[2][0]
        AND h.number IS NOT NULL AND (h.recorded_at < $page.bounds[2][0] OR h.number < $page.bounds[2][1])
      RETURN h ORDER BY h.customer DESC, h.recorded_at DESC, h.number DESC LIMIT $page.first
      UNION
      MATCH (h:Change) WHERE h.other_customer = c.id AND h.recorded_at >= $page.since
        AND h.recorded_at <= $page.bounds[2][0] AND h.number IS NOT NULL
        AND (h.recorded_at < $page.bounds[2][0] OR h.number < $page.bounds[2][1])
      RETURN h ORDER BY h.other_customer DESC, h.recorded_at DESC, h.number DESC LIMIT $page.first
    }
    RETURN [2, h{.*, recorded_datetime: null}] AS item
  }
  RETURN item
};

// name: history
// Returns a page of the customer's history, newest first, before the entry `after` if there is one.
COLLECT {
  CALL (c) {
    CALL () {
      OPTIONAL MATCH (last:Change {number: $page.after})
      RETURN CASE WHEN $page.after IS NULL THEN $end ELSE coalesce(last.recorded_at, -$end) END AS at
    }
    CALL (c, at) {
      MATCH (h:Change) WHERE h.customer = c.id AND h.recorded_at <= at AND h.number IS NOT NULL
        AND (h.recorded_at < at OR h.number < $page.after)
      RETURN h ORDER BY h.customer DESC, h.recorded_at DESC, h.number DESC LIMIT $page.first
      UNION
      MATCH (h:Change) WHERE h.other_customer = c.id AND h.recorded_at <= at AND h.number IS NOT NULL
        AND (h.recorded_at < at OR h.number < $page.after)
      RETURN h ORDER BY h.other_customer DESC, h.recorded_at DESC, h.number DESC LIMIT $page.first
    }
    RETURN DISTINCT h ORDER BY h.recorded_at DESC, h.number DESC LIMIT $page.first
  }
  RETURN h{.*, recorded_datetime: null}
};

// name: links
// Returns a page of the links with an end at the customer, by both keys. A link inside the customer is returned once.
COLLECT {
  MATCH (i:Identifier)-[:IDENTIFIES]->(c)
  MATCH (i)-[l:LINKED]-()
  WHERE l.state IN $page.states
  WITH DISTINCT l, startNode(l).key AS a, endNode(l).key AS b
  WHERE $page.after IS NULL OR a > $page.after[0] OR (a = $page.after[0] AND b > $page.after[1])
  WITH l, a, b ORDER BY a, b LIMIT $page.first
  RETURN [a, b, l{.*}]
};

// name: matches
// Returns a page of the links below the threshold, with the customers at both ends and the overrides there.
COLLECT {
  MATCH (i:Identifier)-[:IDENTIFIES]->(c)
  MATCH (i)-[l:LINKED]-()
  WHERE l.state = 'excluded' AND l.reason_code = 'BELOW_THRESHOLD'
  WITH DISTINCT l, startNode(l) AS a, endNode(l) AS b
  WHERE $page.after IS NULL OR a.key > $page.after[0] OR (a.key = $page.after[0] AND b.key > $page.after[1])
  WITH l, a, b ORDER BY a.key, b.key LIMIT $page.first
  MATCH (a)-[:IDENTIFIES]->(x:Customer)
  MATCH (b)-[:IDENTIFIES]->(y:Customer)
  RETURN [a.key, b.key, l{.*}, x{.*}, y{.*}, [side IN [x, y] |
    COLLECT { MATCH (side)<-[:IDENTIFIES]-()<-[:OVERRIDES]-(m:Override) WHERE m.kind <> 'blocked'
      RETURN m{.*, set_datetime: null} }]]
};

// name: tail
// Ends the query: returns the customer with its pages, and whether they are consistent, that is, nothing changed in
// between and the reference still leads here.
MATCH (again:Customer) WHERE elementId(again) = node
RETURN at, node, customer, pages, first[2] AS identifier_count,
  first = [again.id, again.version, COUNT { (again)<-[:IDENTIFIES]-() }]
  AND NOT EXISTS { (again)-[:REDIRECTS_TO]->() }
  AND (ref.key IS NULL OR EXISTS { (:Identifier {key: ref.key})-[:IDENTIFIES]->(again) })
  AND (ref.id IS NULL OR redirected OR again.id = ref.id) AS consistent;

// name: live_keys
// Returns those of $keys that belong to a customer: a look-up that did not find it has read half of a change.
UNWIND $keys AS key
MATCH (i:Identifier {key: key}) WHERE i.observation_count > 0 OR i.override_count > 0
RETURN key;
