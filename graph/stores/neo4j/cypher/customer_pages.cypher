// name: head
// The customers $asked ({id} or {key}). Id, version and number of identifiers are read first and, in `tail` and by another
// path, last: where they differ a change came in between, and the reader asks again. Between the two come the pages.
// A commit is applied record by record, so the number is also held against the counts that the customer carries: where
// relationships and properties do not agree, half of a change was seen.
UNWIND range(0, size($asked) - 1) AS at
WITH at, $asked[at] AS one
OPTIONAL MATCH (named:Customer {id: one.id})
OPTIONAL MATCH (named)-[:REDIRECTS_TO]->(target:Customer)
OPTIONAL MATCH (:Identifier {key: one.key})-[:IDENTIFIES]->(holder:Customer)
WITH at, one, target IS NOT NULL AS redirected, coalesce(target, named, holder) AS c
WHERE c IS NOT NULL
WITH at, one, redirected, c, elementId(c) AS node, [c.id, c.version, COUNT { (c)<-[:IDENTIFIES]-() }] AS first
WITH at, one, redirected, c, node, first, c{.*} AS customer, [$pages] AS pages;

// name: identifiers
// A page of identifiers by the rank of their namespace and key. `$page` becomes the page's own parameter. Of a small
// customer all are read, which can be checked whole (see `head`); of a large one each namespace along the index.
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
      MATCH (i:Identifier) WHERE i.place = c.place AND i.key > range[1] AND i.key < range[2]
      RETURN i ORDER BY i.place, i.key LIMIT $page.first
    }
    RETURN i LIMIT $page.first
  }
  RETURN i{.key, .first_seen, .last_seen, .seen, .sources, .shared, .blocked}
};

// name: orders
// A page of orders, newest first; as with identifiers.
COLLECT {
  CALL (c, first) {
    WITH c, first WHERE first[2] <= $small
    MATCH (o:Order)-[:IDENTIFIES]->(c)
    WHERE o.placed_at IS NOT NULL AND (o.placed_at < $page.after[0] OR (o.placed_at = $page.after[0] AND o.key < $page.after[1]))
    RETURN o ORDER BY o.placed_at DESC, o.key DESC LIMIT $page.first
    UNION ALL
    WITH c, first WHERE first[2] > $small
    MATCH (o:Order) WHERE o.place = c.place AND o.placed_at <= $page.after[0] AND o.key IS NOT NULL
      AND (o.placed_at < $page.after[0] OR o.key < $page.after[1])
    RETURN o ORDER BY o.place DESC, o.placed_at DESC, o.key DESC LIMIT $page.first
  }
  RETURN [o.key, o.facts_source, o.facts]
};

// name: tellers
// The customer's identifiers on which facts hang; stands for `$tellers` in what follows.
CALL (c, first) {
  WITH c, first WHERE first[2] <= $small
  MATCH (i:Teller)-[:IDENTIFIES]->(c) RETURN i
  UNION ALL
  WITH c, first WHERE first[2] > $small
  MATCH (i:Teller) WHERE i.place = c.place RETURN i
};

// name: facts
// A page of what is told of a kind at the customer's identifiers, newest first. An index on several properties is used
// only where each of them is spoken of.
COLLECT {
  $tellers
  MATCH (o:Observation)-[t:TOLD]->()
  WHERE t.key = i.key AND t.kind = $page.kind AND t.at IS NOT NULL AND t.name IS NOT NULL
  WITH i, t, o ORDER BY t.at DESC, o.tier, o.source, o.id, i.key LIMIT $page.first
  RETURN [i.key, t.at, o.source, o.id, o.tier, o.sent]
};

// name: tallies
// What hangs on the customer's identifiers, counted.
COLLECT {
  $tellers
  WITH i WHERE i.tally IS NOT NULL
  RETURN i{.tally}
};

// name: skim
// The newest interactions, as much of each as stands in the relationships.
COLLECT {
  $tellers
  CALL (i) {
    MATCH ()-[t:TOLD]->()
    WHERE t.key = i.key AND t.kind = 'interaction' AND t.at IS NOT NULL AND t.name IS NOT NULL
    RETURN t ORDER BY t.key DESC, t.kind DESC, t.at DESC, t.name DESC LIMIT $page.first
  }
  WITH t ORDER BY t.at DESC, t.name DESC LIMIT $page.first
  RETURN [t.at, t.type, t.channel, t.campaign, t.sku]
};

// name: timeline
// A page of interactions, orders and history. `bounds` says for each kind where its items begin: a time and a name.
COLLECT {
  CALL (c, first) {
    $tellers
    WITH i WHERE 0 IN $page.kinds
    CALL (i) {
      WITH i WHERE $page.types IS NULL
      MATCH (o:Observation)-[t:TOLD]->()
      WHERE t.key = i.key AND t.kind = 'interaction' AND t.at <= $page.bounds[0][0] AND t.at >= $page.since
        AND t.name IS NOT NULL
        AND ($page.channels IS NULL OR t.channel IN $page.channels)
        AND ($page.campaign IS NULL OR t.campaign = $page.campaign) AND ($page.sku IS NULL OR t.sku = $page.sku)
        AND (t.at < $page.bounds[0][0] OR t.name < $page.bounds[0][1])
      RETURN t, o ORDER BY t.key DESC, t.kind DESC, t.at DESC, t.name DESC LIMIT $page.first
      UNION ALL
      UNWIND coalesce($page.types, []) AS type
      CALL (i, type) {
        MATCH (o:Observation)-[t:TOLD]->()
        WHERE t.key = i.key AND t.type = type AND t.at <= $page.bounds[0][0] AND t.at >= $page.since
          AND t.name IS NOT NULL
          AND ($page.channels IS NULL OR t.channel IN $page.channels)
          AND ($page.campaign IS NULL OR t.campaign = $page.campaign) AND ($page.sku IS NULL OR t.sku = $page.sku)
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
    MATCH (i:Order) WHERE i.place = c.place AND i.placed_at >= $page.since AND i.placed_at <= $page.bounds[1][0]
      AND i.key IS NOT NULL AND (i.placed_at < $page.bounds[1][0] OR i.key < $page.bounds[1][1])
    WITH i ORDER BY i.place DESC, i.placed_at DESC, i.key DESC LIMIT $page.first
    RETURN [1, [i.key, i.facts_source, i.facts]] AS item
    UNION ALL
    WITH c WHERE 2 IN $page.kinds
    CALL (c) {
      MATCH (h:Change) WHERE h.customer = c.id AND h.at >= $page.since AND h.at <= $page.bounds[2][0] AND h.no IS NOT NULL
        AND (h.at < $page.bounds[2][0] OR h.no < $page.bounds[2][1])
      RETURN h ORDER BY h.customer DESC, h.at DESC, h.no DESC LIMIT $page.first
      UNION
      MATCH (h:Change) WHERE h.other = c.id AND h.at >= $page.since AND h.at <= $page.bounds[2][0] AND h.no IS NOT NULL
        AND (h.at < $page.bounds[2][0] OR h.no < $page.bounds[2][1])
      RETURN h ORDER BY h.other DESC, h.at DESC, h.no DESC LIMIT $page.first
    }
    RETURN [2, h{.*}] AS item
  }
  RETURN item
};

// name: history
// A page of what happened to the customer, newest first: before the entry that was seen last, where one was.
COLLECT {
  CALL (c) {
    CALL () {
      OPTIONAL MATCH (seen:Change {no: $page.after})
      RETURN CASE WHEN $page.after IS NULL THEN $end ELSE coalesce(seen.at, -$end) END AS at
    }
    CALL (c, at) {
      MATCH (h:Change) WHERE h.customer = c.id AND h.at <= at AND h.no IS NOT NULL AND (h.at < at OR h.no < $page.after)
      RETURN h ORDER BY h.customer DESC, h.at DESC, h.no DESC LIMIT $page.first
      UNION
      MATCH (h:Change) WHERE h.other = c.id AND h.at <= at AND h.no IS NOT NULL AND (h.at < at OR h.no < $page.after)
      RETURN h ORDER BY h.other DESC, h.at DESC, h.no DESC LIMIT $page.first
    }
    RETURN DISTINCT h ORDER BY h.at DESC, h.no DESC LIMIT $page.first
  }
  RETURN h{.*}
};

// name: links
// A page of the links with an end at the customer, by both keys; a link inside the customer comes once.
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
// A page of the links below the threshold, with the customers at both ends and the marks there.
COLLECT {
  MATCH (i:Identifier)-[:IDENTIFIES]->(c)
  MATCH (i)-[l:LINKED]-()
  WHERE l.state = 'idle' AND l.reason_code = 'BELOW_THRESHOLD'
  WITH DISTINCT l, startNode(l) AS a, endNode(l) AS b
  WHERE $page.after IS NULL OR a.key > $page.after[0] OR (a.key = $page.after[0] AND b.key > $page.after[1])
  WITH l, a, b ORDER BY a.key, b.key LIMIT $page.first
  MATCH (a)-[:IDENTIFIES]->(x:Customer)
  MATCH (b)-[:IDENTIFIES]->(y:Customer)
  RETURN [a.key, b.key, l{.*}, x{.*}, y{.*}, [side IN [x, y] |
    COLLECT { MATCH (side)<-[:IDENTIFIES]-()<-[:MARKS]-(m:Mark) WHERE m.kind <> 'blocked' RETURN m{.*} }]]
};

// name: tail
// The answer, and whether it is whole: nothing changed, and what was asked for still leads here.
MATCH (again:Customer) WHERE elementId(again) = node
RETURN at, node, customer, pages, first[2] AS held,
  first = [again.id, again.version, COUNT { (again)<-[:IDENTIFIES]-() }]
  AND NOT EXISTS { (again)-[:REDIRECTS_TO]->() }
  AND (one.key IS NULL OR EXISTS { (:Identifier {key: one.key})-[:IDENTIFIES]->(again) })
  AND (one.id IS NULL OR redirected OR again.id = one.id) AS whole;

// name: alive
// Which of $keys belong to a customer, so that a view without one has met half of a change.
UNWIND $keys AS key
MATCH (i:Identifier {key: key}) WHERE i.seen > 0 OR i.marks > 0
RETURN key;
