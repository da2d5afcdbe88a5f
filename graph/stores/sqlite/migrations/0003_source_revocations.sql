-- Source revocations, also those that were restored, and how far observations have been evaluated again.
CREATE TABLE source_revocations (
    id TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    recorded_from INTEGER,                           -- null: everything before recorded_to
    recorded_to INTEGER NOT NULL,
    include_refusals INTEGER NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    restored_at INTEGER,                             -- null: it is in effect
    restored_by TEXT NOT NULL,
    pending INTEGER NOT NULL,
    processed_to TEXT NOT NULL,
    processed INTEGER NOT NULL,
    total INTEGER                                    -- null: not counted yet
) WITHOUT ROWID;
