"""Segments and memberships, read from Neo4j."""

from collections.abc import Sequence

from graph.domain.model.segments import Belonging, Membership, Segment
from graph.stores.neo4j import cypher, mapping
from graph.stores.neo4j.connection import Connected

SEGMENTS = cypher.load("segments")


class SegmentReads(Connected):
    """The part of a `Store` that reads segments and memberships."""

    async def due(self, now: int, first: int) -> list[str]:
        return [record["id"] for record in await self._read(SEGMENTS["due"], now=now, first=first)]

    async def segments(self) -> list[Segment]:
        return [mapping.segment(record["s"]) for record in await self._read(SEGMENTS["segments"])]

    async def belongings(self, ids: Sequence[str]) -> list[Belonging]:
        found = await self._read(SEGMENTS["belongings"], ids=list(ids))
        return [mapping.belonging(record.values()) for record in found]

    async def members(self, segment: str, after: str, first: int) -> list[Membership]:
        found = await self._read(SEGMENTS["members"], segment=segment, after=after, first=first)
        return [Membership(segment, *record.values()) for record in found]

    async def count_members(self, segment: str) -> int:
        (record,) = await self._read(SEGMENTS["count_members"], segment=segment)
        return int(record["count"])
