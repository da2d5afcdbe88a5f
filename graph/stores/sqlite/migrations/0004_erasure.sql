-- Identifiers that must not be stored, by their keyed hash: erased ones, and those whose owner objected.
CREATE TABLE tombstones (
    hash TEXT PRIMARY KEY,
    namespace TEXT NOT NULL,
    at INTEGER NOT NULL,
    mode TEXT NOT NULL,
    key_version INTEGER NOT NULL,
    rules_version INTEGER NOT NULL,
    erasure_id TEXT NOT NULL,
    lifted_at INTEGER                                -- null: it is in effect
) WITHOUT ROWID;
CREATE INDEX tombstones_by_version ON tombstones (key_version, rules_version);

-- What was erased, without what it was; `record` is JSON.
CREATE TABLE erasures (
    id TEXT PRIMARY KEY,
    request_id TEXT NOT NULL UNIQUE,
    at INTEGER NOT NULL,
    record TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX erasures_by_time ON erasures (at, id);
-- The ids of erased customers.
CREATE TABLE erased_customers (
    customer TEXT PRIMARY KEY,
    erasure_id TEXT NOT NULL
) WITHOUT ROWID;

-- Orders that the law keeps, without a person, by the hash of their identifier.
CREATE TABLE held_orders (
    hash TEXT PRIMARY KEY,
    number TEXT NOT NULL,
    source TEXT NOT NULL,
    reported_at INTEGER NOT NULL,
    facts TEXT NOT NULL,
    until INTEGER NOT NULL,
    erasure_id TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX held_orders_by_end ON held_orders (until);
