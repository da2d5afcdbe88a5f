-- Through whom an observation came: the name of the caller that sent it; empty for those that arrived before.
ALTER TABLE observations ADD COLUMN received_from TEXT NOT NULL DEFAULT '';
