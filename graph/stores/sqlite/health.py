"""What SQLite counts of the graph."""

from collections.abc import Sequence

import orjson

from graph.domain.model.dates import DAY
from graph.domain.model.json_text import compact
from graph.domain.resolution.health import Hub, Large, NamespaceUse, Survey
from graph.stores.sqlite import mapping
from graph.stores.sqlite.connection import Connected

HUBS = """SELECT i.key, count(DISTINCT o.customer) AS customers, i.shared, i.blocked
    FROM (SELECT a AS x, b AS y FROM links UNION ALL SELECT b, a FROM links) l
    JOIN identifiers i ON i.no = l.x JOIN identifiers o ON o.no = l.y
    GROUP BY l.x HAVING customers > 1 ORDER BY customers DESC, i.key LIMIT ?"""
LARGEST = """SELECT c.id, c.counts FROM customers c JOIN (
        SELECT customer, count(*) AS size FROM identifiers WHERE customer IS NOT NULL
        GROUP BY customer ORDER BY size DESC LIMIT ?
    ) i ON i.customer = c.no ORDER BY i.size DESC"""
NAMESPACES = """SELECT namespace, sum(held), count(*), max(held) FROM (
        SELECT namespace, customer, count(*) AS held FROM identifiers WHERE customer IS NOT NULL
        GROUP BY customer, namespace
    ) GROUP BY namespace ORDER BY namespace"""
DOUBLES = """SELECT min(key) FROM (
        SELECT customer, count(*) AS held, min(key) AS key FROM identifiers
        WHERE customer IS NOT NULL AND namespace IN (SELECT value FROM json_each(?))
        GROUP BY customer, namespace HAVING held > 1
    ) GROUP BY customer ORDER BY max(held) DESC, min(key) LIMIT ?"""
SUSPENDED = """SELECT at / ?, sum(CASE kind WHEN 'link_suspended' THEN 1 ELSE -1 END) FROM changes
    WHERE kind IN ('link_suspended', 'link_restored') GROUP BY 1"""


class Health(Connected):
    """The part of a `Store` that counts what is stored."""

    async def survey(self, known: Sequence[str], first: int) -> Survey:
        return await self._read(survey, known, first)


def survey(db: mapping.Connection, known: Sequence[str], first: int) -> Survey:
    """The survey; the caller holds a transaction."""
    return Survey(
        [Hub(key, count, bool(shared), bool(blocked)) for key, count, shared, blocked in db.execute(HUBS, (first,))],
        [Large(id, orjson.loads(counts)) for id, counts in db.execute(LARGEST, (first,))],
        [NamespaceUse(*row) for row in db.execute(NAMESPACES)],
        [key for (key,) in db.execute(DOUBLES, (compact(known), first))],
        dict(db.execute(SUSPENDED, (DAY,)).fetchall()),
    )
