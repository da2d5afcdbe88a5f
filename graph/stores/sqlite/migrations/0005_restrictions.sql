-- Restrictions, also those that were lifted, with the idempotency key of the request that set them.
CREATE TABLE restrictions (
    id TEXT PRIMARY KEY,
    customer TEXT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    caller TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,                   -- empty: the request had none
    digest TEXT NOT NULL,
    lifted_at INTEGER,                               -- null: it is in effect
    lifted_by TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX restrictions_in_order ON restrictions (at, id);
CREATE INDEX restrictions_of_customer ON restrictions (customer);
CREATE UNIQUE INDEX restrictions_by_request ON restrictions (caller, idempotency_key) WHERE idempotency_key <> '';
-- The identifiers that restrictions in effect are on.
CREATE TABLE restricted_identifiers (
    identifier INTEGER NOT NULL,
    restriction TEXT NOT NULL,
    PRIMARY KEY (identifier, restriction)
) WITHOUT ROWID;
CREATE INDEX identifiers_of_restriction ON restricted_identifiers (restriction);
-- Views of customers look for a restricted identifier: the index of these is empty in most stores.
ALTER TABLE identifiers ADD COLUMN restricted INTEGER NOT NULL DEFAULT 0;
CREATE INDEX identifiers_restricted ON identifiers (customer) WHERE restricted = 1;
