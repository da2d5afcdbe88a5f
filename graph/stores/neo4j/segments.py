"""Segments and memberships in Neo4j."""

from collections.abc import Sequence
from typing import Any

from graph.domain.model.segments import Membership, Segment, SegmentState
from graph.stores.neo4j import cypher
from graph.stores.neo4j.connection import Connected
from graph.stores.neo4j.mapping import Properties

SEGMENTS = cypher.load("segments")


class SegmentReads(Connected):
    """The part of a `Store` that reads segments and memberships."""

    async def due_for_segmentation(self, now: int, first: int) -> list[str]:
        return [record["id"] for record in await self._read(SEGMENTS["due_for_segmentation"], now=now, first=first)]

    async def segments(self) -> list[Segment]:
        return [segment(record["s"]) for record in await self._read(SEGMENTS["segments"])]

    async def segment_states(self, ids: Sequence[str]) -> list[SegmentState]:
        records = await self._read(SEGMENTS["segment_states"], ids=list(ids))
        return [segment_state(record.values()) for record in records]

    async def members(self, segment: str, after: str, first: int) -> list[Membership]:
        records = await self._read(SEGMENTS["members"], segment=segment, after=after, first=first)
        return [Membership(segment, *record.values()) for record in records]

    async def count_members(self, segment: str) -> int:
        (record,) = await self._read(SEGMENTS["count_members"], segment=segment)
        return int(record["count"])


def segment(values: Properties) -> Segment:
    """Return the segment of a node."""
    return Segment(*(values[name] for name in ("id", "name", "rule", "version", "created_at", "created_by")))


def segment_values(segment: Segment) -> dict[str, Any]:
    """Return the properties of a segment."""
    return {
        "id": segment.id,
        "name": segment.name,
        "rule": segment.rule,
        "version": segment.version,
        "created_at": segment.created_at,
        "created_by": segment.created_by,
    }


def segment_state(row: Sequence[Any]) -> SegmentState:
    """Return the recorded memberships of a customer."""
    id, version, live, segments, due_at = row
    return SegmentState(id, version, live, dict(segments), due_at)
