-- Observations that name an identifier which does not lead to them: the rules reject them as a whole, or they were
-- revoked before they arrived, and nothing else named it then. Who looks for all that names a person reads these too.
CREATE TABLE unindexed_observations (observation INTEGER PRIMARY KEY);
INSERT INTO unindexed_observations
SELECT o.id FROM observations o
WHERE o.status <> 'valid' AND o.sent <> '' AND (o.keys = '[]' OR EXISTS (
    SELECT 1 FROM json_each(o.keys) k WHERE NOT EXISTS (
        SELECT 1 FROM identifiers i JOIN observation_identifiers n ON n.identifier = i.id
        WHERE i.key = k.value AND n.observation = o.id)));
