"""Segments and memberships in SQLite."""

from collections.abc import Sequence

from graph.domain.model.json_text import compact
from graph.domain.model.segments import Belonging, Membership, Segment
from graph.domain.model.store_values import Writes
from graph.stores.sqlite import mapping
from graph.stores.sqlite.connection import Connected


class SegmentReads(Connected):
    """The part of a `Store` that reads segments and memberships."""

    async def due(self, now: int, first: int) -> list[str]:
        sql = "SELECT id FROM customers WHERE due_at <= ? AND id IS NOT NULL ORDER BY due_at LIMIT ?"
        return await self._read(mapping.column, sql, now, first)

    async def segments(self) -> list[Segment]:
        return await self._quick(segments)

    async def belongings(self, ids: Sequence[str]) -> list[Belonging]:
        return await self._quick(belongings, ids)

    async def members(self, segment: str, after: str, first: int) -> list[Membership]:
        return await self._read(members, segment, after, first)

    async def count_members(self, segment: str) -> int:
        return await self._read(count_members, segment)


def segments(db: mapping.Connection) -> list[Segment]:
    """All segments, by name."""
    found = db.execute("SELECT id, name, rule, version, created_at, created_by FROM segments ORDER BY name")
    return [Segment(*row) for row in found]


def belongings(db: mapping.Connection, ids: Sequence[str]) -> list[Belonging]:
    """What is recorded of the customers of some ids."""
    asked = (compact(ids),)
    held: dict[str, dict[str, int]] = {}
    for customer, segment, since in db.execute(
        """SELECT m.customer, s.id, m.since FROM memberships m JOIN segments s ON s.no = m.segment
            WHERE m.customer IN (SELECT value FROM json_each(?))""",
        asked,
    ):
        held.setdefault(customer, {})[segment] = since
    sql = "SELECT id, version, retired_at IS NULL FROM customers WHERE id IN (SELECT value FROM json_each(?))"
    return [Belonging(id, version, bool(live), held.get(id, {})) for id, version, live in db.execute(sql, asked)]


def members(db: mapping.Connection, segment: str, after: str, first: int) -> list[Membership]:
    """Who belongs to a segment."""
    found = db.execute(
        """SELECT customer, since FROM memberships WHERE segment = (SELECT no FROM segments WHERE id = ?)
            AND customer > ? ORDER BY customer LIMIT ?""",
        (segment, after, first),
    )
    return [Membership(segment, customer, since) for customer, since in found]


def count_members(db: mapping.Connection, segment: str) -> int:
    """How many belong to a segment."""
    sql = "SELECT count(*) FROM memberships WHERE segment = (SELECT no FROM segments WHERE id = ?)"
    return int(db.execute(sql, (segment,)).fetchone()[0])


def write(db: mapping.Connection, writes: Writes) -> None:
    """Store what a write says of segments."""
    db.executemany(
        """INSERT INTO segments (id, name, rule, version, created_at, created_by) VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, rule = excluded.rule, version = excluded.version""",
        [(one.id, one.name, one.rule, one.version, one.created_at, one.created_by) for one in writes.segments],
    )
    dropped = [(id,) for id in writes.dropped_segments]
    db.executemany("DELETE FROM memberships WHERE segment = (SELECT no FROM segments WHERE id = ?)", dropped)
    db.executemany("DELETE FROM segments WHERE id = ?", dropped)
    db.executemany(
        "INSERT OR REPLACE INTO memberships VALUES ((SELECT no FROM segments WHERE id = ?), ?, ?)",
        [(one.segment, one.customer, one.since) for one in writes.memberships if one.since is not None],
    )
    db.executemany(
        "DELETE FROM memberships WHERE segment = (SELECT no FROM segments WHERE id = ?) AND customer = ?",
        [(one.segment, one.customer) for one in writes.memberships if one.since is None],
    )
    db.executemany("UPDATE customers SET due_at = ? WHERE id = ?", [(at, id) for id, at in writes.looked_at.items()])
