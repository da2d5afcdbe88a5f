-- Identifiers. Everything else refers to them by id, so that a key is stored once.
CREATE TABLE identifiers (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    namespace TEXT NOT NULL,
    customer INTEGER,                                -- null: no valid observation mentions it
    first_seen_at INTEGER,                           -- null: no valid observation mentions it
    last_seen_at INTEGER,
    observation_count INTEGER NOT NULL DEFAULT 0,
    sources TEXT NOT NULL DEFAULT '[]',
    degree TEXT NOT NULL DEFAULT '{}',
    shared INTEGER NOT NULL DEFAULT 0,
    blocked INTEGER NOT NULL DEFAULT 0,
    override_count INTEGER NOT NULL DEFAULT 0,
    holds_facts INTEGER NOT NULL DEFAULT 0,          -- 1: a fact is or was attached to it
    interaction_counts TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX identifiers_of_customer ON identifiers (customer, namespace, key);
-- Of the identifiers of a customer with thousands of orders, few hold facts.
CREATE INDEX identifiers_holding_facts ON identifiers (customer) WHERE holds_facts = 1;

-- The facts of orders, beside the identifier of the order. The customer is repeated here for the index.
CREATE TABLE orders (
    identifier INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    customer INTEGER,
    placed_at INTEGER NOT NULL,
    source TEXT NOT NULL,
    facts TEXT NOT NULL
);
CREATE INDEX orders_of_customer ON orders (customer, placed_at, key);

-- Links: what observations support, cached, and the result of resolution. `a` has the smaller key.
CREATE TABLE links (
    a INTEGER NOT NULL,
    b INTEGER NOT NULL,
    tier INTEGER NOT NULL,
    first_seen_at INTEGER,
    last_seen_at INTEGER,
    observation_count INTEGER NOT NULL,
    sources TEXT NOT NULL,
    confidence REAL,
    state TEXT NOT NULL,
    reason_code TEXT,
    reason TEXT,
    PRIMARY KEY (a, b)
) WITHOUT ROWID;
CREATE INDEX links_at_b ON links (b, a);

-- Observations as they were sent, with what the rules made of them. `public_id` is the id that the source gave;
-- `rules_version` is the version of the rules that it was reprocessed under, 0 if it never was.
CREATE TABLE observations (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    public_id TEXT NOT NULL,
    digest TEXT NOT NULL,
    status TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    keys TEXT NOT NULL,
    tier INTEGER NOT NULL,
    confidence REAL,
    sent TEXT NOT NULL,
    order_key TEXT NOT NULL,
    reported_at INTEGER NOT NULL,
    kind TEXT NOT NULL DEFAULT '',
    rules_version INTEGER NOT NULL DEFAULT 0,
    UNIQUE (source, public_id)
);
CREATE INDEX observations_of_order ON observations (order_key) WHERE order_key <> '';
CREATE TABLE observation_identifiers (
    identifier INTEGER NOT NULL,
    observation INTEGER NOT NULL,
    PRIMARY KEY (identifier, observation)
) WITHOUT ROWID;

-- The identifiers that valid facts are attached to; the newest are read by walking backwards. `type`, `channel`,
-- `campaign` and `sku` are what lists of interactions are filtered by.
CREATE TABLE facts (
    identifier INTEGER NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    observation INTEGER NOT NULL,
    type TEXT NOT NULL DEFAULT '',
    channel TEXT NOT NULL,
    campaign TEXT NOT NULL DEFAULT '',
    sku TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (identifier, kind, at, observation)
) WITHOUT ROWID;
CREATE INDEX facts_by_observation ON facts (observation);
CREATE INDEX facts_by_type ON facts (identifier, type, at) WHERE type <> '';

-- Customers, live and retired. A redirect refers to the row, because public ids move between rows.
CREATE TABLE customers (
    id INTEGER PRIMARY KEY,
    public_id TEXT UNIQUE,
    created_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    anchor TEXT NOT NULL,
    anchor_first_seen_at INTEGER NOT NULL,
    counts TEXT NOT NULL,
    suspended INTEGER NOT NULL,
    override_count INTEGER NOT NULL,
    order_totals TEXT NOT NULL,
    retired_at INTEGER,
    redirects_to INTEGER,
    due_at INTEGER NOT NULL DEFAULT 0                -- when its segments are evaluated next; 0 is at once
);
CREATE INDEX customers_by_anchor ON customers (anchor);
CREATE INDEX customers_redirecting ON customers (redirects_to) WHERE redirects_to IS NOT NULL;
CREATE INDEX customers_due ON customers (due_at);

CREATE TABLE overrides (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    a TEXT NOT NULL,
    b TEXT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    UNIQUE (kind, a, b)
) WITHOUT ROWID;
CREATE INDEX overrides_at_a ON overrides (a);
CREATE INDEX overrides_at_b ON overrides (b);

-- The history, numbered without gaps in the order of commits, because there is one writer at a time.
CREATE TABLE changes (
    id INTEGER PRIMARY KEY,
    recorded_at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    customer TEXT NOT NULL,
    other_customer TEXT NOT NULL,
    keys TEXT NOT NULL,
    reason TEXT NOT NULL,
    cause_type TEXT NOT NULL,
    source TEXT NOT NULL,
    cause_id TEXT NOT NULL,
    actor TEXT NOT NULL,
    party TEXT NOT NULL,
    anchors TEXT NOT NULL
);
-- In the order of timelines, so that a page reads no more than it shows.
CREATE INDEX changes_of_customer ON changes (customer, recorded_at, id);
CREATE INDEX changes_of_other_customer ON changes (other_customer, recorded_at, id) WHERE other_customer <> '';

-- Every version of the rules. While observations are reprocessed under one, it is pending, up to (source, id).
CREATE TABLE rules (
    version INTEGER PRIMARY KEY,
    created_at INTEGER NOT NULL,
    text TEXT NOT NULL,
    pending INTEGER NOT NULL DEFAULT 0,
    processed_to_source TEXT,
    processed_to_id TEXT
);

-- Requests without an id of their own, by the caller's idempotency key, with the override that they returned.
CREATE TABLE idempotency_keys (
    caller TEXT NOT NULL,
    key TEXT NOT NULL,
    digest TEXT NOT NULL,
    override TEXT NOT NULL,
    new INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (caller, key)
) WITHOUT ROWID;

-- Products by SKU, each with its current description.
CREATE TABLE products (
    sku TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    source TEXT NOT NULL,
    reported_at INTEGER NOT NULL,
    brand TEXT NOT NULL,
    categories TEXT NOT NULL
) WITHOUT ROWID;

-- The words of identifiers and of facts, already folded. `observation` is 0 for an identifier's own.
CREATE VIRTUAL TABLE search USING fts5 (
    words, identifier UNINDEXED, observation UNINDEXED, field UNINDEXED, tokenize = "unicode61", prefix = '2 3 4'
);
CREATE VIRTUAL TABLE search_words USING fts5vocab (search, row);
-- Finds the rows of an observation whose fact is removed.
CREATE TABLE fact_search_rows (
    observation INTEGER NOT NULL,
    row INTEGER NOT NULL,
    PRIMARY KEY (observation, row)
) WITHOUT ROWID;

-- Values stored by name: statistics of all customers, models, and the progress of background work.
CREATE TABLE stored_values (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- Segments and their members, by the customer's public id, because public ids move between rows.
CREATE TABLE segments (
    id INTEGER PRIMARY KEY,
    public_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    rule TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL
);
CREATE TABLE memberships (
    segment INTEGER NOT NULL,
    customer TEXT NOT NULL,
    entered_at INTEGER NOT NULL,
    PRIMARY KEY (segment, customer)
) WITHOUT ROWID;
CREATE INDEX memberships_of_customer ON memberships (customer);
