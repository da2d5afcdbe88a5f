-- 1: the identifier is or was an end of a suspended link, or an override names it. Few of a large customer's are.
ALTER TABLE identifiers ADD COLUMN disputed INTEGER NOT NULL DEFAULT 0;
UPDATE identifiers SET disputed = 1 WHERE override_count > 0 OR id IN (
    SELECT a FROM links WHERE state = 'suspended' UNION SELECT b FROM links WHERE state = 'suspended');
CREATE INDEX identifiers_disputed ON identifiers (customer) WHERE disputed = 1;
-- An identifier may have many links, of which few are suspended.
CREATE INDEX links_suspended_at_a ON links (a) WHERE state = 'suspended';
CREATE INDEX links_suspended_at_b ON links (b) WHERE state = 'suspended';
