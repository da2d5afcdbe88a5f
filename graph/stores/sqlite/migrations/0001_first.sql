-- Identifiers. Everything else refers to them by number, so that a key is stored once.
CREATE TABLE identifiers (
    no INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    namespace TEXT NOT NULL,
    first_seen INTEGER,           -- null: only a mark names it, or nothing valid does
    last_seen INTEGER,
    seen INTEGER NOT NULL DEFAULT 0,
    sources TEXT NOT NULL DEFAULT '[]',
    degree TEXT NOT NULL DEFAULT '{}',
    shared INTEGER NOT NULL DEFAULT 0,
    blocked INTEGER NOT NULL DEFAULT 0,
    marks INTEGER NOT NULL DEFAULT 0,
    customer INTEGER
);
CREATE INDEX identifiers_of_customer ON identifiers (customer, namespace, key);

-- The facts of orders, beside the identifier of the order; the customer is repeated here for the newest first.
CREATE TABLE orders (
    identifier INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    customer INTEGER,
    placed_at INTEGER NOT NULL,
    source TEXT NOT NULL,
    facts TEXT NOT NULL
);
CREATE INDEX orders_of_customer ON orders (customer, placed_at, key);

-- Links: a cache of what observations support, and the verdict. a has the smaller key.
CREATE TABLE links (
    a INTEGER NOT NULL,
    b INTEGER NOT NULL,
    tier INTEGER NOT NULL,
    first_seen INTEGER,
    last_seen INTEGER,
    count INTEGER NOT NULL,
    sources TEXT NOT NULL,
    confidence REAL,
    state TEXT NOT NULL,
    reason_code TEXT,
    reason TEXT,
    PRIMARY KEY (a, b)
) WITHOUT ROWID;
CREATE INDEX links_at_b ON links (b, a);

-- Observations as they were sent, with what the rules made of them.
CREATE TABLE observations (
    no INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    id TEXT NOT NULL,
    digest TEXT NOT NULL,
    standing TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    keys TEXT NOT NULL,
    tier INTEGER NOT NULL,
    confidence REAL,
    sent TEXT NOT NULL,
    order_key TEXT NOT NULL,
    stated_at INTEGER NOT NULL,
    UNIQUE (source, id)
);
CREATE INDEX observations_of_order ON observations (order_key) WHERE order_key <> '';
CREATE TABLE names (
    identifier INTEGER NOT NULL,
    observation INTEGER NOT NULL,
    PRIMARY KEY (identifier, observation)
) WITHOUT ROWID;

-- Customers, live and retired. A redirect points at the row, since ids change places between rows.
CREATE TABLE customers (
    no INTEGER PRIMARY KEY,
    id TEXT UNIQUE,
    created_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    anchor TEXT NOT NULL,
    anchor_seen INTEGER NOT NULL,
    counts TEXT NOT NULL,
    suspended INTEGER NOT NULL,
    marks INTEGER NOT NULL,
    figures TEXT NOT NULL,
    retired_at INTEGER,
    redirects_to INTEGER
);
CREATE INDEX customers_by_anchor ON customers (anchor);
CREATE INDEX customers_redirecting ON customers (redirects_to) WHERE redirects_to IS NOT NULL;

CREATE TABLE marks (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    a TEXT NOT NULL,
    b TEXT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    UNIQUE (kind, a, b)
) WITHOUT ROWID;
CREATE INDEX marks_at_a ON marks (a);
CREATE INDEX marks_at_b ON marks (b);

-- The history, numbered without gaps in the order of commits: there is one writer at a time.
CREATE TABLE changes (
    no INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    customer TEXT NOT NULL,
    other TEXT NOT NULL,
    keys TEXT NOT NULL,
    rule TEXT NOT NULL,
    how TEXT NOT NULL,
    source TEXT NOT NULL,
    cause TEXT NOT NULL,
    actor TEXT NOT NULL,
    party TEXT NOT NULL,
    anchors TEXT NOT NULL
);
CREATE INDEX changes_of_customer ON changes (customer, no);
CREATE INDEX changes_of_other ON changes (other, no) WHERE other <> '';

-- Every version of the rules. While observations are read anew under one, it is pending, up to (source, id).
CREATE TABLE rules (
    version INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    text TEXT NOT NULL,
    pending INTEGER NOT NULL DEFAULT 0,
    upto_source TEXT,
    upto_id TEXT
);
