// name: newest_rules
// The rules that the customers were resolved with.
MATCH (r:Rules) RETURN r.text AS text ORDER BY r.version DESC LIMIT 1;

// name: adopt_rules
// One version of the rules more.
OPTIONAL MATCH (r:Rules)
WITH coalesce(max(r.version), 0) + 1 AS version
CREATE (:Rules {version: version, at: $at, text: $text});

// name: applied_migrations
// The constraints and indexes that are there.
SHOW INDEXES YIELD name, state RETURN name, state;
