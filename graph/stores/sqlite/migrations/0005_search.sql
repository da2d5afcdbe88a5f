-- The words of identifiers and of facts, folded by us. `observation` is 0 for an identifier's own.
CREATE VIRTUAL TABLE search USING fts5 (
    words, identifier UNINDEXED, observation UNINDEXED, field UNINDEXED, tokenize = "unicode61", prefix = '2 3 4'
);
CREATE VIRTUAL TABLE search_words USING fts5vocab (search, row);
INSERT INTO search (words, identifier, observation, field)
    SELECT lower(substr(key, instr(key, '=') + 1)), no, 0, 0 FROM identifiers
    WHERE namespace NOT IN ('cookie', 'device', 'ip', 'payment_token');
-- To find the rows of an observation that is unsaid.
CREATE TABLE searched (observation INTEGER NOT NULL, row INTEGER NOT NULL, PRIMARY KEY (observation, row)) WITHOUT ROWID;
