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
