"""Health counts of the graph in SQLite."""

from collections.abc import Sequence

import orjson

from graph.domain.model.dates import DAY
from graph.domain.model.json_text import compact
from graph.domain.resolution.health import HealthCounts, Hub, LargeCustomer, NamespaceUsage
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


class Health(Connected):
    """The part of a `Store` that counts what is stored."""

    async def health_counts(self, known_namespaces: Sequence[str], first: int) -> HealthCounts:
        return await self._read(health_counts, known_namespaces, first)


def health_counts(db: mapping.Connection, known_namespaces: Sequence[str], first: int) -> HealthCounts:
    """Return the counts. The caller holds a transaction."""
    return HealthCounts(
        [Hub(key, count, bool(shared), bool(blocked)) for key, count, shared, blocked in db.execute(HUBS, (first,))],
        [LargeCustomer(id, orjson.loads(counts)) for id, counts in db.execute(LARGEST, (first,))],
        [NamespaceUsage(*row) for row in db.execute(NAMESPACES)],
        [key for (key,) in db.execute(MULTI_VALUE_KEYS, (compact(known_namespaces), first))],
        dict(db.execute(SUSPENDED, (DAY,)).fetchall()),
    )
