"""Segments and memberships in SQLite."""

from collections.abc import Sequence

from graph.domain.model.json_text import compact
from graph.domain.model.segments import Membership, Segment, SegmentState
from graph.domain.model.store_values import Writes
from graph.stores.sqlite import mapping
from graph.stores.sqlite.connection import Connected


class SegmentReads(Connected):
    """The part of a `Store` that reads segments and memberships."""

    async def due_for_segmentation(self, now: int, first: int) -> list[str]:
        sql = "SELECT public_id FROM customers WHERE due_at <= ? AND public_id IS NOT NULL ORDER BY due_at LIMIT ?"
        return await self._read(mapping.column, sql, now, first)

    async def segments(self) -> list[Segment]:
        return await self._read_batched(segments)

    async def segment_states(self, ids: Sequence[str]) -> list[SegmentState]:
        return await self._read_batched(segment_states, ids)

    async def members(self, segment: str, after: str, first: int) -> list[Membership]:
        return await self._read(members, segment, after, first)

    async def count_members(self, segment: str) -> int:
        return await self._read(count_members, segment)


def segments(db: mapping.Connection) -> list[Segment]:
    """Return all segments, by name."""
    rows = db.execute("SELECT public_id, name, rule, version, created_at, created_by FROM segments ORDER BY name")
    return [Segment(*row) for row in rows]


def segment_states(db: mapping.Connection, ids: Sequence[str]) -> list[SegmentState]:
    """Return the recorded memberships of customers, by customer id."""
    values = (compact(ids),)
    memberships: dict[str, dict[str, int]] = {}
    for customer, segment, entered_at in db.execute(
        """SELECT m.customer, s.public_id, m.entered_at FROM memberships m JOIN segments s ON s.id = m.segment
            WHERE m.customer IN (SELECT value FROM json_each(?))""",
        values,
    ):
        memberships.setdefault(customer, {})[segment] = entered_at
    sql = """SELECT public_id, version, retired_at IS NULL, due_at FROM customers
        WHERE public_id IN (SELECT value FROM json_each(?))"""
    rows = db.execute(sql, values)
    return [
        SegmentState(id, version, bool(live), memberships.get(id, {}), due_at) for id, version, live, due_at in rows
    ]


def members(db: mapping.Connection, segment: str, after: str, first: int) -> list[Membership]:
    """Return the members of a segment, by customer id."""
    rows = db.execute(
        """SELECT customer, entered_at FROM memberships WHERE segment = (SELECT id FROM segments WHERE public_id = ?)
            AND customer > ? ORDER BY customer LIMIT ?""",
        (segment, after, first),
    )
    return [Membership(segment, customer, entered_at) for customer, entered_at in rows]


def count_members(db: mapping.Connection, segment: str) -> int:
    """Return the number of members of a segment."""
    sql = "SELECT count(*) FROM memberships WHERE segment = (SELECT id FROM segments WHERE public_id = ?)"
    return int(db.execute(sql, (segment,)).fetchone()[0])


def write(db: mapping.Connection, writes: Writes) -> None:
    """Store the segments and memberships of a write, and when the segments of customers are due."""
    db.executemany(
        """INSERT INTO segments (public_id, name, rule, version, created_at, created_by) VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (public_id) DO UPDATE SET name = excluded.name, rule = excluded.rule,
            version = excluded.version""",
        [
            (segment.id, segment.name, segment.rule, segment.version, segment.created_at, segment.created_by)
            for segment in writes.segments
        ],
    )
    deleted = [(id,) for id in writes.deleted_segments]
    db.executemany("DELETE FROM memberships WHERE segment = (SELECT id FROM segments WHERE public_id = ?)", deleted)
    db.executemany("DELETE FROM segments WHERE public_id = ?", deleted)
    merges = writes.merged_ids
    if merges and db.execute("SELECT 1 FROM memberships LIMIT 1").fetchone() is None:
        merges = []
    # In order: who was merged may have taken part in a merge before.
    for merged, survivor in merges:
        db.execute(
            """INSERT INTO memberships SELECT segment, ?, entered_at FROM memberships WHERE customer = ?
                ON CONFLICT DO UPDATE SET entered_at = min(entered_at, excluded.entered_at)""",
            (survivor, merged),
        )
        db.execute("DELETE FROM memberships WHERE customer = ?", (merged,))
    ended = [membership for membership in writes.memberships if membership.entered_at is None]
    begun = [membership for membership in writes.memberships if membership.entered_at is not None]
    db.executemany(
        "INSERT OR REPLACE INTO memberships VALUES ((SELECT id FROM segments WHERE public_id = ?), ?, ?)",
        [(membership.segment, membership.customer, membership.entered_at) for membership in begun],
    )
    db.executemany(
        "DELETE FROM memberships WHERE segment = (SELECT id FROM segments WHERE public_id = ?) AND customer = ?",
        [(membership.segment, membership.customer) for membership in ended],
    )
    db.executemany(
        "UPDATE customers SET due_at = ? WHERE public_id = ?", [(at, id) for id, at in writes.segmentation_due.items()]
    )
