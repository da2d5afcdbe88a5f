-- What kind of fact an observation tells, and at which identifiers valid ones hang; newest first by walking backwards.
ALTER TABLE observations ADD COLUMN kind TEXT NOT NULL DEFAULT '';
UPDATE observations SET kind = 'order' WHERE order_key <> '';
CREATE TABLE told (
    identifier INTEGER NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    observation INTEGER NOT NULL,
    PRIMARY KEY (identifier, kind, at, observation)
) WITHOUT ROWID;
CREATE INDEX told_by_observation ON told (observation);
