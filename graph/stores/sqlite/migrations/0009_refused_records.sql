-- Records that were refused, for those who look after sources; `path` is JSON. Nothing else refers to them.
CREATE TABLE refused_records (
    id TEXT NOT NULL UNIQUE,
    source TEXT NOT NULL,
    code TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    last_received_at INTEGER NOT NULL,
    count INTEGER NOT NULL,
    mapping TEXT NOT NULL,
    record_id TEXT NOT NULL,                         -- empty: it has none
    path TEXT NOT NULL,
    message TEXT NOT NULL,
    is_cut INTEGER NOT NULL,
    beside TEXT NOT NULL,                            -- JSON
    content TEXT NOT NULL
);
CREATE INDEX refused_records_in_order ON refused_records (last_received_at, id);
CREATE INDEX refused_records_of_source ON refused_records (source, last_received_at, id);
