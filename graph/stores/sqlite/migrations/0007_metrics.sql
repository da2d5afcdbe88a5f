-- What interactions are filtered by, and a way to the newest of a type. The rest of this migration is in upgrades.py.
ALTER TABLE told RENAME COLUMN detail TO channel;
ALTER TABLE told ADD COLUMN type TEXT NOT NULL DEFAULT '';
ALTER TABLE told ADD COLUMN campaign TEXT NOT NULL DEFAULT '';
ALTER TABLE told ADD COLUMN sku TEXT NOT NULL DEFAULT '';
CREATE INDEX told_by_type ON told (identifier, type, at) WHERE type <> '';

-- What hangs on an identifier, counted.
ALTER TABLE identifiers ADD COLUMN tally TEXT NOT NULL DEFAULT '{}';
