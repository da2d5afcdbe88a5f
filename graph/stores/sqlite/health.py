"""Health counts of the graph in SQLite."""

import orjson

from graph.domain.model.dates import DAY
from graph.domain.model.json_text import compact
from graph.domain.model.rules import Rules
from graph.domain.resolution.health import (
    ClaimedIdentifier,
    HealthCounts,
    Hub,
    LargeCustomer,
    NamespaceUsage,
    contradictory_keys,
)
from graph.stores.sqlite import mapping
from graph.stores.sqlite.connection import Connected

HUBS = """SELECT i.key, count(DISTINCT n.customer) AS customers, i.shared, i.blocked
    FROM (SELECT a AS x, b AS y FROM links UNION ALL SELECT b, a FROM links) l
    JOIN identifiers i ON i.id = l.x JOIN identifiers n ON n.id = l.y
    GROUP BY l.x HAVING customers > 1 ORDER BY customers DESC, i.key LIMIT ?"""
LARGEST = """SELECT c.public_id, c.counts FROM customers c JOIN (
        SELECT customer, count(*) AS size FROM identifiers WHERE customer IS NOT NULL
        GROUP BY customer ORDER BY size DESC LIMIT ?
    ) i ON i.customer = c.id ORDER BY i.size DESC"""
NAMESPACES = """SELECT namespace, sum(size), count(*), max(size) FROM (
        SELECT namespace, customer, count(*) AS size FROM identifiers WHERE customer IS NOT NULL
        GROUP BY customer, namespace
    ) GROUP BY namespace ORDER BY namespace"""
MULTI_VALUE_KEYS = """SELECT min(key) FROM (
        SELECT customer, count(*) AS size, min(key) AS key FROM identifiers
        WHERE customer IS NOT NULL AND namespace IN (SELECT value FROM json_each(?))
        GROUP BY customer, namespace HAVING size > 1
    ) GROUP BY customer ORDER BY max(size) DESC, min(key) LIMIT ?"""
SUSPENDED = """SELECT recorded_at / ?, sum(CASE kind WHEN 'link_suspended' THEN 1 ELSE -1 END) FROM changes
    WHERE kind IN ('link_suspended', 'link_restored') GROUP BY 1"""
GUARDED = """SELECT w.key, count(DISTINCT s.customer) + 1 AS customers
    FROM (
        SELECT iif(ra.rank <= rb.rank, l.b, l.a) AS weak, iif(ra.rank <= rb.rank, l.a, l.b) AS strong
        FROM links l JOIN identifiers a ON a.id = l.a JOIN identifiers b ON b.id = l.b
        JOIN (SELECT value AS namespace, key AS rank FROM json_each(:namespaces)) ra ON ra.namespace = a.namespace
        JOIN (SELECT value AS namespace, key AS rank FROM json_each(:namespaces)) rb ON rb.namespace = b.namespace
        WHERE l.state = 'suspended' AND l.reason_code = 'GUARD'
    ) l JOIN identifiers w ON w.id = l.weak JOIN identifiers s ON s.id = l.strong
    GROUP BY l.weak ORDER BY customers DESC, w.key LIMIT :first"""
VALUE_SETS = "SELECT anchor, value_sets FROM customers WHERE retired_at IS NULL AND value_sets GLOB '*[0-9],*'"
"""Only a count that another one follows can belong to a second value set."""


class Health(Connected):
    """The part of a `Store` that counts what is stored."""

    async def health_counts(self, rules: Rules, first: int) -> HealthCounts:
        return await self._read(health_counts, rules, first)


def health_counts(db: mapping.Connection, rules: Rules, first: int) -> HealthCounts:
    """Return the counts. The caller holds a transaction."""
    return HealthCounts(
        [Hub(key, count, bool(shared), bool(blocked)) for key, count, shared, blocked in db.execute(HUBS, (first,))],
        [LargeCustomer(id, orjson.loads(counts)) for id, counts in db.execute(LARGEST, (first,))],
        [NamespaceUsage(*row) for row in db.execute(NAMESPACES)],
        [key for (key,) in db.execute(MULTI_VALUE_KEYS, (compact(sorted(rules.known_namespaces)), first))],
        dict(db.execute(SUSPENDED, (DAY,)).fetchall()),
        _guarded(db, rules, first) if rules.guards else (),
        contradictory_keys(db.execute(VALUE_SETS), rules, first) if rules.guards else (),
    )


def _guarded(db: mapping.Connection, rules: Rules, first: int) -> list[ClaimedIdentifier]:
    rows = db.execute(GUARDED, {"namespaces": compact(rules.names), "first": first})
    return [ClaimedIdentifier(*row) for row in rows]
