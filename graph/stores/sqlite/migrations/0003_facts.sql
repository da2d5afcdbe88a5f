-- What kind of fact an observation tells, and at which identifiers valid ones hang; newest first by walking backwards.
-- `detail` is what timelines filter by: the channel of an interaction.
ALTER TABLE observations ADD COLUMN kind TEXT NOT NULL DEFAULT '';
UPDATE observations SET kind = 'order' WHERE order_key <> '';
CREATE TABLE told (
    identifier INTEGER NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    observation INTEGER NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (identifier, kind, at, observation)
) WITHOUT ROWID;
CREATE INDEX told_by_observation ON told (observation);

-- The identifiers on which facts hang or hung: of a customer with thousands of orders they are few.
ALTER TABLE identifiers ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
CREATE INDEX identifiers_told ON identifiers (customer) WHERE told = 1;
