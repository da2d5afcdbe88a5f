-- Views for analysis, with the columns of `kith export` (docs/reference/export-columns.md) but for keys that are made
-- with the secret of the store, and values that follow from the rules. Times are ISO 8601 in UTC, decimals are texts,
-- lists are JSON. As in an export, restricted customers have their id alone. Kith itself does not read them.
CREATE VIEW v_customers AS
SELECT customer_id,
    CASE WHEN NOT restricted THEN strftime('%Y-%m-%dT%H:%M:%S',
        (created_at - (created_at % 1000000 + 1000000) % 1000000) / 1000000,
        'unixepoch')
        || printf('.%06dZ', (created_at % 1000000 + 1000000) % 1000000) END AS created_at,
    CASE WHEN NOT restricted THEN (SELECT ifnull(sum(n.value), 0) FROM json_each(counts) n) END AS identifier_count,
    CASE WHEN NOT restricted THEN counts END AS identifiers_by_namespace,
    CASE WHEN NOT restricted THEN strftime('%Y-%m-%dT%H:%M:%S',
        (retired_at - (retired_at % 1000000 + 1000000) % 1000000) / 1000000,
        'unixepoch')
        || printf('.%06dZ', (retired_at % 1000000 + 1000000) % 1000000) END AS retired_at,
    CASE WHEN NOT restricted THEN redirects_to END AS redirects_to,
    restricted
FROM (
    SELECT c.public_id AS customer_id, c.created_at, c.counts, c.retired_at, t.public_id AS redirects_to,
        EXISTS (
            SELECT 1 FROM identifiers r WHERE r.customer IN (c.id, c.redirects_to) AND r.restricted = 1
        ) AS restricted
    FROM customers c LEFT JOIN customers t ON t.id = c.redirects_to
    WHERE c.public_id IS NOT NULL
);

CREATE VIEW v_identifiers AS
SELECT c.public_id AS customer_id, i.namespace, substr(i.key, length(i.namespace) + 2) AS value,
    strftime('%Y-%m-%dT%H:%M:%S',
        (i.first_seen_at - (i.first_seen_at % 1000000 + 1000000) % 1000000) / 1000000,
        'unixepoch')
        || printf('.%06dZ', (i.first_seen_at % 1000000 + 1000000) % 1000000) AS first_seen_at,
    strftime('%Y-%m-%dT%H:%M:%S',
        (i.last_seen_at - (i.last_seen_at % 1000000 + 1000000) % 1000000) / 1000000,
        'unixepoch')
        || printf('.%06dZ', (i.last_seen_at % 1000000 + 1000000) % 1000000) AS last_seen_at,
    i.observation_count, i.sources, i.shared, i.blocked
FROM identifiers i JOIN customers c ON c.id = i.customer
WHERE NOT EXISTS (SELECT 1 FROM identifiers r WHERE r.customer = c.id AND r.restricted = 1);

CREATE VIEW v_links AS
SELECT a.namespace AS identifier_a_namespace, substr(a.key, length(a.namespace) + 2) AS identifier_a_value,
    ca.public_id AS customer_a_id,
    b.namespace AS identifier_b_namespace, substr(b.key, length(b.namespace) + 2) AS identifier_b_value,
    cb.public_id AS customer_b_id,
    upper(l.state) AS state, l.reason_code,
    CASE l.tier WHEN 0 THEN 'FIRST_PARTY' WHEN 1 THEN 'SECOND_PARTY' WHEN 2 THEN 'THIRD_PARTY' ELSE 'PROBABILISTIC' END
        AS tier,
    l.confidence,
    strftime('%Y-%m-%dT%H:%M:%S',
        (l.first_seen_at - (l.first_seen_at % 1000000 + 1000000) % 1000000) / 1000000,
        'unixepoch')
        || printf('.%06dZ', (l.first_seen_at % 1000000 + 1000000) % 1000000) AS first_seen_at,
    strftime('%Y-%m-%dT%H:%M:%S',
        (l.last_seen_at - (l.last_seen_at % 1000000 + 1000000) % 1000000) / 1000000,
        'unixepoch')
        || printf('.%06dZ', (l.last_seen_at % 1000000 + 1000000) % 1000000) AS last_seen_at,
    l.observation_count, l.sources
FROM links l JOIN identifiers a ON a.id = l.a JOIN identifiers b ON b.id = l.b
LEFT JOIN customers ca ON ca.id = a.customer LEFT JOIN customers cb ON cb.id = b.customer
WHERE NOT EXISTS (SELECT 1 FROM identifiers r WHERE r.customer IN (a.customer, b.customer) AND r.restricted = 1);

CREATE VIEW v_orders AS
SELECT c.public_id AS customer_id, json_extract(o.facts, '$.number') AS number, o.source,
    strftime('%Y-%m-%dT%H:%M:%S', (o.placed_at - (o.placed_at % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
        || printf('.%06dZ', (o.placed_at % 1000000 + 1000000) % 1000000) AS placed_at,
    strftime('%Y-%m-%dT%H:%M:%S',
        (json_extract(o.facts, '$.reported_at')
        - (json_extract(o.facts, '$.reported_at') % 1000000 + 1000000) % 1000000) / 1000000,
        'unixepoch')
        || printf('.%06dZ', (json_extract(o.facts, '$.reported_at') % 1000000 + 1000000) % 1000000) AS reported_at,
    upper(json_extract(o.facts, '$.status')) AS status,
    json_extract(o.facts, '$.currency') AS currency,
    json_extract(o.facts, '$.total') AS total,
    ifnull(json_extract(o.facts, '$.refunded'), '0') AS refunded, json_array_length(o.facts, '$.lines') AS line_count
FROM orders o JOIN identifiers i ON i.id = o.identifier JOIN customers c ON c.id = i.customer
WHERE NOT EXISTS (SELECT 1 FROM identifiers r WHERE r.customer = c.id AND r.restricted = 1);

CREATE VIEW v_order_lines AS
SELECT c.public_id AS customer_id, json_extract(o.facts, '$.number') AS order_number, l.key + 1 AS position,
    json_extract(l.value, '$[0]') AS sku,
    nullif(json_extract(l.value, '$[3]'), '') AS name,
    json_extract(l.value, '$[1]') AS quantity,
    json_extract(l.value, '$[2]') AS total,
    json_extract(o.facts, '$.currency') AS currency
FROM orders o JOIN identifiers i ON i.id = o.identifier JOIN customers c ON c.id = i.customer,
    json_each(o.facts, '$.lines') l
WHERE NOT EXISTS (SELECT 1 FROM identifiers r WHERE r.customer = c.id AND r.restricted = 1);

CREATE VIEW v_interactions AS
SELECT customer_id, identifier_namespace, identifier_value, json_extract(facts, '$.type') AS type,
    strftime('%Y-%m-%dT%H:%M:%S', (at - (at % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
        || printf('.%06dZ', (at % 1000000 + 1000000) % 1000000) AS occurred_at,
    strftime('%Y-%m-%dT%H:%M:%S', (received_at - (received_at % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
        || printf('.%06dZ', (received_at % 1000000 + 1000000) % 1000000) AS recorded_at,
    source, party,
    json_extract(facts, '$.channel') AS channel,
    json_extract(facts, '$.device') AS device,
    json_extract(facts, '$.campaign') AS campaign,
    json_extract(facts, '$.sku') AS sku,
    json_extract(facts, '$.offer_type') AS offer_type,
    json_extract(facts, '$.text') AS text,
    json_extract(facts, '$.properties') AS properties
FROM (
    SELECT c.public_id AS customer_id, i.namespace AS identifier_namespace,
        substr(i.key, length(i.namespace) + 2) AS identifier_value, f.at, o.received_at, o.source,
        json_extract(o.sent, '$.party') AS party,
        CASE WHEN json_valid(json_extract(o.sent, '$.facts')) THEN json_extract(o.sent, '$.facts') END AS facts
    FROM facts f JOIN observations o ON o.id = f.observation JOIN identifiers i ON i.id = f.identifier
    JOIN customers c ON c.id = i.customer
    WHERE f.kind = 'interaction'
    AND NOT EXISTS (SELECT 1 FROM identifiers r WHERE r.customer = c.id AND r.restricted = 1)
);

-- Consent that somebody gives for an address that is only claimed does not count.
CREATE VIEW v_consents AS
WITH stated AS (
    SELECT f.identifier, f.at, o.received_at, o.source, o.public_id AS id, o.tier,
        json_extract(o.sent, '$.party') AS party,
        json_extract(o.sent, '$.facts') AS facts
    FROM facts f JOIN observations o ON o.id = f.observation WHERE f.kind = 'consent'
),
counted AS (
    SELECT *, json_extract(facts, '$[0]') AS purpose,
    upper(json_extract(facts, '$[1]')) AS channel,
    upper(json_extract(facts, '$[2]')) AS decision,
        row_number() OVER (
            PARTITION BY identifier, json_extract(facts, '$[0]')
            ORDER BY at DESC,
                CASE json_extract(facts, '$[2]') WHEN 'withdrawn' THEN 3 WHEN 'refused' THEN 2 ELSE 1 END DESC, tier,
                source, id
        ) AS place
    FROM stated WHERE NOT (json_extract(facts, '$[2]') = 'given' AND source LIKE '%:claimed')
)
SELECT c.public_id AS customer_id, i.namespace AS identifier_namespace,
    substr(i.key, length(i.namespace) + 2) AS identifier_value, d.purpose, nullif(d.channel, '') AS channel, d.decision,
    NOT EXISTS (
        SELECT 1 FROM counted later WHERE later.identifier = d.identifier AND later.purpose = d.purpose
        AND later.place < d.place AND later.channel IN ('', d.channel)
    ) AS in_effect,
    strftime('%Y-%m-%dT%H:%M:%S', (d.at - (d.at % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
        || printf('.%06dZ', (d.at % 1000000 + 1000000) % 1000000) AS decided_at,
    strftime('%Y-%m-%dT%H:%M:%S',
        (d.received_at - (d.received_at % 1000000 + 1000000) % 1000000) / 1000000,
        'unixepoch')
        || printf('.%06dZ', (d.received_at % 1000000 + 1000000) % 1000000) AS recorded_at,
    d.source, d.party,
    nullif(json_extract(d.facts, '$[3]'), '') AS policy_version,
    upper(json_extract(d.facts, '$[4].method')) AS method
FROM counted d JOIN identifiers i ON i.id = d.identifier JOIN customers c ON c.id = i.customer
WHERE NOT EXISTS (SELECT 1 FROM identifiers r WHERE r.customer = c.id AND r.restricted = 1);

CREATE VIEW v_segment_members AS
SELECT s.public_id || ':' || m.customer AS membership_id, s.public_id AS segment_id, s.name AS segment_name,
    m.customer AS customer_id,
    strftime('%Y-%m-%dT%H:%M:%S', (m.entered_at - (m.entered_at % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
        || printf('.%06dZ', (m.entered_at % 1000000 + 1000000) % 1000000) AS entered_at
FROM memberships m JOIN segments s ON s.id = m.segment
WHERE NOT EXISTS (SELECT 1 FROM v_customers v WHERE v.customer_id = m.customer AND v.restricted);
