"""Versions of the rules in Neo4j, and the observations that are read anew under them."""

from collections.abc import Sequence

from neo4j import AsyncManagedTransaction

from graph.domain.model.errors import Conflict, StoreUnavailable
from graph.domain.model.receipts import ObservationKey, Receipt
from graph.domain.model.rules import KeptRules
from graph.stores.neo4j import cypher, mapping
from graph.stores.neo4j.connection import Connected

RULES = cypher.load("rules")


class RulesReads(Connected):
    """The part of a `Store` that keeps rules, and reads what new ones are applied to."""

    async def rules(self) -> list[KeptRules]:
        return [mapping.kept_rules(record["r"]) for record in await self._read(RULES["newest_rules"])]

    async def adopt_rules(self, text: str, expected: int, at: int) -> int:
        async def run(tx: AsyncManagedTransaction) -> int:
            result = await tx.run(RULES["adopt_rules"], text=text, expected=expected, at=at)
            record = await result.single(strict=True)
            if record["loading"]:
                raise StoreUnavailable.loading()
            return int(record["newest"])

        async with self._session() as session:
            newest = await session.execute_write(run)
        if newest != expected:
            raise Conflict(f"the rules are at version {newest}, not {expected}", ("expectedVersion",))
        return newest + 1

    async def observations(self, after: ObservationKey | None, version: int, first: int) -> list[ObservationKey]:
        source, id = after or ("", "")
        found = await self._read(RULES["observations"], source=source, id=id, version=version, first=first)
        return [(record["source"], record["id"]) for record in found]

    async def beside(self, keys: Sequence[ObservationKey], version: int, first: int) -> list[ObservationKey]:
        asked = [list(key) for key in keys]
        found = await self._read(RULES["beside"], keys=asked, version=version, first=first)
        return [(record["source"], record["id"]) for record in found]

    async def receipts(self, after: ObservationKey | None, first: int) -> list[Receipt]:
        source, id = after or ("", "")
        found = await self._read(RULES["receipts"], source=source, id=id, first=first)
        return [mapping.receipt(record["o"]) for record in found]

    async def count_observations(self) -> int:
        (record,) = await self._read(RULES["count_observations"])
        return int(record["count"])

    async def holders(self, keys: Sequence[str]) -> list[str]:
        return [record["id"] for record in await self._read(RULES["holders"], keys=list(keys))]
