-- Readers of the feed ask for entries of some kinds; those of a rare kind are found without reading all others.
CREATE INDEX changes_of_kind ON changes (kind, id);
