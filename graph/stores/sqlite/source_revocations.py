"""Source revocations in SQLite, and the observations that they may cover."""

from typing import Any

from graph.domain.model.source_revocations import SourceRevocation
from graph.stores.sqlite import mapping
from graph.stores.sqlite.connection import Connected

SOURCE_REVOCATION = (
    "id, source, recorded_from, recorded_to, include_refusals, actor, reason, at, restored_at, restored_by, pending, "
    "processed_to, processed, total"
)
_OBSERVATIONS = """observations WHERE source = :source AND public_id > :after AND digest <> ''
    AND received_at >= coalesce(:recorded_from, received_at) AND received_at < :recorded_to"""


class SourceRevocationReads(Connected):
    """The part of a `Store` that reads source revocations."""

    async def source_revocations(self) -> list[SourceRevocation]:
        return await self._read(source_revocations)

    async def observations_of_source(
        self, source: str, recorded_from: int | None, recorded_to: int, after: str, first: int
    ) -> list[str]:
        return await self._read(_observations_of_source, source, recorded_from, recorded_to, after, first)

    async def count_observations_of_source(self, source: str, recorded_from: int | None, recorded_to: int) -> int:
        return await self._read(_count_observations_of_source, source, recorded_from, recorded_to)


def source_revocations(db: mapping.Connection, condition: str = "true") -> list[SourceRevocation]:
    """Return the source revocations that meet a condition, oldest first."""
    rows = db.execute(f"SELECT {SOURCE_REVOCATION} FROM source_revocations WHERE {condition} ORDER BY at, id")
    return [_source_revocation(row) for row in rows]


def in_effect(db: mapping.Connection) -> list[SourceRevocation]:
    """Return the source revocations that have not been restored."""
    return source_revocations(db, "restored_at IS NULL")


def _source_revocation(row: mapping.Row) -> SourceRevocation:
    id, source, recorded_from, recorded_to, refusals, actor, reason, at, restored_at, restored_by, *progress = row
    pending, processed_to, processed, total = progress
    return SourceRevocation(
        id,
        source,
        recorded_from,
        recorded_to,
        bool(refusals),
        actor,
        reason,
        at,
        restored_at,
        restored_by,
        bool(pending),
        processed_to,
        processed,
        total,
    )


def source_revocation_values(revocation: SourceRevocation) -> tuple[Any, ...]:
    """Return the columns of `SOURCE_REVOCATION`."""
    return tuple(getattr(revocation, name) for name in SOURCE_REVOCATION.split(", "))


def _observations_of_source(
    db: mapping.Connection, source: str, recorded_from: int | None, recorded_to: int, after: str, first: int
) -> list[str]:
    values = {"source": source, "recorded_from": recorded_from, "recorded_to": recorded_to, "after": after}
    rows = db.execute(
        f"SELECT public_id FROM {_OBSERVATIONS} ORDER BY public_id LIMIT :first", {**values, "first": first}
    )
    return [id for (id,) in rows]


def _count_observations_of_source(
    db: mapping.Connection, source: str, recorded_from: int | None, recorded_to: int
) -> int:
    values = {"source": source, "recorded_from": recorded_from, "recorded_to": recorded_to, "after": ""}
    return int(db.execute(f"SELECT count(*) FROM {_OBSERVATIONS}", values).fetchone()[0])
