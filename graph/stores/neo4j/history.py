"""The history and marks, read from Neo4j."""

from collections.abc import Sequence

from graph.domain.model.changes import Entry
from graph.domain.model.overrides import Mark
from graph.stores.neo4j import cypher, mapping
from graph.stores.neo4j.connection import Connected

HISTORY = cypher.load("history")


class HistoryReads(Connected):
    """The part of a `Store` that reads the history and marks."""

    async def changes(self, after: int, first: int) -> list[Entry]:
        return [mapping.entry(record["h"]) for record in await self._read(HISTORY["changes"], after=after, first=first)]

    async def newest_change(self) -> int:
        (record,) = await self._read(HISTORY["newest_change"])
        return int(record["no"])

    async def history(self, ids: Sequence[str]) -> list[Entry]:
        return [mapping.entry(record["h"]) for record in await self._read(HISTORY["history"], ids=list(ids))]

    async def naming(self, key: str) -> list[str]:
        return [record["id"] for record in await self._read(HISTORY["naming"], key=key)]

    async def marks(self, key: str | None, after: tuple[int, str] | None, first: int) -> list[Mark]:
        at, id = after or (-1, "")
        found = await self._read(HISTORY["marks"], key=key, at=at, id=id, first=first)
        return [mapping.mark(record["m"]) for record in found]

    async def mark(self, id: str) -> Mark | None:
        found = await self._read(HISTORY["mark"], id=id)
        return mapping.mark(found[0]["m"]) if found else None
