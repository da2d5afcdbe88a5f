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

-- When a customer's segments are to be looked at again; every change of a customer makes it 0, which is at once.
ALTER TABLE customers ADD COLUMN due_at INTEGER NOT NULL DEFAULT 0;
CREATE INDEX customers_due ON customers (due_at);
