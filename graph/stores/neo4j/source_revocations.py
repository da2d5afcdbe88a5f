"""Source revocations in Neo4j, and the observations that they may cover."""

from typing import Any

from graph.domain.model.source_revocations import SourceRevocation
from graph.stores.neo4j import cypher
from graph.stores.neo4j.connection import Connected
from graph.stores.neo4j.mapping import Properties

SOURCE_REVOCATIONS = cypher.load("source_revocations")


class SourceRevocationReads(Connected):
    """The part of a `Store` that reads source revocations."""

    async def source_revocations(self) -> list[SourceRevocation]:
        records = await self._read(SOURCE_REVOCATIONS["source_revocations"])
        return [source_revocation(record["values"]) for record in records]

    async def observations_of_source(
        self, source: str, recorded_from: int | None, recorded_to: int, after: str, first: int
    ) -> list[str]:
        window = {"source": source, "recorded_from": recorded_from, "recorded_to": recorded_to}
        query = SOURCE_REVOCATIONS["observations_of_source"]
        return [record["id"] for record in await self._read(query, **window, after=after, first=first)]

    async def count_observations_of_source(self, source: str, recorded_from: int | None, recorded_to: int) -> int:
        window = {"source": source, "recorded_from": recorded_from, "recorded_to": recorded_to}
        (record,) = await self._read(SOURCE_REVOCATIONS["count_observations_of_source"], **window)
        return int(record["count"])


def source_revocation(values: Properties) -> SourceRevocation:
    """Return the source revocation of a node."""
    fields: dict[str, Any] = {name: values.get(name) for name in SourceRevocation.__struct_fields__}
    return SourceRevocation(**fields)


def source_revocation_values(revocation: SourceRevocation) -> dict[str, Any]:
    """Return the properties of a source revocation."""
    return {name: getattr(revocation, name) for name in SourceRevocation.__struct_fields__}
