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
    customer INTEGER,
    told INTEGER NOT NULL DEFAULT 0,        -- 1: facts hang on it or hung
    tally TEXT NOT NULL DEFAULT '{}'        -- what hangs on it, counted
);
CREATE INDEX identifiers_of_customer ON identifiers (customer, namespace, key);
-- Of a customer with thousands of orders they are few.
CREATE INDEX identifiers_told ON identifiers (customer) WHERE told = 1;

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

-- Observations as they were sent, with what the rules made of them. `kind` is that of the fact that one tells;
-- `read_under` is the version of the rules that it was read anew under, so that they need not be read in one order.
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
    kind TEXT NOT NULL DEFAULT '',
    read_under INTEGER NOT NULL DEFAULT 0,
    UNIQUE (source, id)
);
CREATE INDEX observations_of_order ON observations (order_key) WHERE order_key <> '';
CREATE TABLE names (
    identifier INTEGER NOT NULL,
    observation INTEGER NOT NULL,
    PRIMARY KEY (identifier, observation)
) WITHOUT ROWID;

-- At which identifiers valid facts hang; newest first by walking backwards. `channel`, `type`, `campaign` and `sku` are
-- what interactions are filtered by.
CREATE TABLE told (
    identifier INTEGER NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    observation INTEGER NOT NULL,
    channel TEXT NOT NULL,
    type TEXT NOT NULL DEFAULT '',
    campaign TEXT NOT NULL DEFAULT '',
    sku TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (identifier, kind, at, observation)
) WITHOUT ROWID;
CREATE INDEX told_by_observation ON told (observation);
-- A way to the newest of a type.
CREATE INDEX told_by_type ON told (identifier, type, at) WHERE type <> '';

-- Customers, live and retired. A redirect points at the row, since ids change places between rows. `due_at` is when the
-- segments are to be looked at again; every change of a customer makes it 0, which is at once.
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
    redirects_to INTEGER,
    due_at INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX customers_by_anchor ON customers (anchor);
CREATE INDEX customers_redirecting ON customers (redirects_to) WHERE redirects_to IS NOT NULL;
CREATE INDEX customers_due ON customers (due_at);

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
-- In the order of timelines, so that a page reads no more than it shows.
CREATE INDEX changes_of_customer ON changes (customer, at, no);
CREATE INDEX changes_of_other ON changes (other, at, no) WHERE other <> '';

-- Every version of the rules. While observations are read anew under one, it is pending, up to (source, id).
CREATE TABLE rules (
    version INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    text TEXT NOT NULL,
    pending INTEGER NOT NULL DEFAULT 0,
    upto_source TEXT,
    upto_id TEXT
);

-- Requests that carry no id of their own, by the caller's idempotency key, with the mark they were answered with.
CREATE TABLE answered (
    caller TEXT NOT NULL,
    key TEXT NOT NULL,
    digest TEXT NOT NULL,
    mark TEXT NOT NULL,
    new INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (caller, key)
) WITHOUT ROWID;

-- Products by their article number: what counts of what was said of each.
CREATE TABLE products (
    sku TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    source TEXT NOT NULL,
    stated_at INTEGER NOT NULL,
    brand TEXT NOT NULL,
    categories TEXT NOT NULL
) WITHOUT ROWID;

-- The words of identifiers and of facts, folded by us. `observation` is 0 for an identifier's own.
CREATE VIRTUAL TABLE search USING fts5 (
    words, identifier UNINDEXED, observation UNINDEXED, field UNINDEXED, tokenize = "unicode61", prefix = '2 3 4'
);
CREATE VIRTUAL TABLE search_words USING fts5vocab (search, row);
-- To find the rows of an observation that is unsaid.
CREATE TABLE searched (observation INTEGER NOT NULL, row INTEGER NOT NULL, PRIMARY KEY (observation, row)) WITHOUT ROWID;

-- What was counted of all customers together, and whatever else is kept by a name.
CREATE TABLE kept (name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;

-- Segments, and who belongs to them since when: by the customer's id, since ids change places between rows.
CREATE TABLE segments (
    no INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    rule TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL
);
CREATE TABLE memberships (
    segment INTEGER NOT NULL,
    customer TEXT NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (segment, customer)
) WITHOUT ROWID;
CREATE INDEX memberships_of_customer ON memberships (customer);
