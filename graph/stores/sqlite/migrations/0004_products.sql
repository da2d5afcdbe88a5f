-- Products by their article number: what counts of what was said of each.
CREATE TABLE products (
    sku TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    source TEXT NOT NULL,
    stated_at INTEGER NOT NULL,
    brand TEXT NOT NULL,
    categories TEXT NOT NULL
) WITHOUT ROWID;
