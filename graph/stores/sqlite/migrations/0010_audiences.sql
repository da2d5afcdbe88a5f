-- Audiences, as JSON records.
CREATE TABLE audiences (
    id TEXT PRIMARY KEY,
    record TEXT NOT NULL
) WITHOUT ROWID;
-- The ledger: what destinations should hold of the addresses of audiences, and what they were sent.
CREATE TABLE deliveries (
    audience TEXT NOT NULL,
    key TEXT NOT NULL,
    destination TEXT NOT NULL,
    customer TEXT NOT NULL,                          -- empty: nobody holds the address
    wanted TEXT NOT NULL,                            -- empty: the address should not be there
    sent TEXT,                                       -- null: not known
    status TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    due_at INTEGER,                                  -- null: nothing is to be done
    attempts INTEGER NOT NULL,
    answer TEXT NOT NULL,
    reference TEXT NOT NULL,
    erasure TEXT NOT NULL,                           -- empty: no erasure is the reason
    PRIMARY KEY (audience, key)
) WITHOUT ROWID;
CREATE INDEX deliveries_due ON deliveries (destination, wanted <> '', due_at) WHERE due_at IS NOT NULL;
-- With all that counts of them need.
CREATE INDEX deliveries_not_done ON deliveries (destination, status, audience, key, wanted, changed_at)
    WHERE status <> 'done';
CREATE INDEX deliveries_of_customer ON deliveries (customer);
CREATE INDEX deliveries_of_key ON deliveries (key);
CREATE INDEX deliveries_of_erasure ON deliveries (erasure) WHERE erasure <> '';
-- Entries of the history that destinations have not taken.
CREATE TABLE waiting_changes (
    destination TEXT NOT NULL,
    number INTEGER NOT NULL,
    customer TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    due_at INTEGER,                                  -- null: it was refused for good
    answer TEXT NOT NULL,
    other_customer TEXT NOT NULL,                    -- empty: none takes part
    PRIMARY KEY (destination, number)
) WITHOUT ROWID;
