"""Versions of the rules in Neo4j, and the observations that are reprocessed under them."""

from collections.abc import Sequence

from graph.domain.model.errors import StoreUnavailable, VersionConflict
from graph.domain.model.receipts import ObservationKey, Receipt
from graph.domain.model.rules import StoredRules
from graph.stores.neo4j import cypher, mapping
from graph.stores.neo4j.connection import Connected, OpenTransaction
from graph.stores.neo4j.mapping import Properties
from graph.stores.neo4j.migrator import check_transaction

RULES = cypher.load("rules")


class RulesVersions(Connected):
    """The part of a `Store` that stores rules, and reads the observations that new rules are applied to."""

    async def rules(self) -> list[StoredRules]:
        return [stored_rules(record["r"]) for record in await self._read(RULES["newest_rules"])]

    async def rules_of(self, versions: Sequence[int]) -> list[StoredRules]:
        return [stored_rules(record["r"]) for record in await self._read(RULES["rules_of"], versions=list(versions))]

    async def save_rules(self, text: str, expected_version: int, at: int) -> int:
        async def run(tx: OpenTransaction) -> int:
            await check_transaction(tx)
            values = {"text": text, "expected_version": expected_version, "at": at}
            (record,) = await tx.run(RULES["save_rules"], values)
            if record["loading"]:
                raise StoreUnavailable.loading()
            return int(record["newest"])

        newest = await self._transact(run)
        if newest != expected_version:
            raise VersionConflict(f"the rules are at version {newest}, not {expected_version}", ("expectedVersion",))
        return newest + 1

    async def observations(self, after: ObservationKey | None, version: int, first: int) -> list[ObservationKey]:
        source, id = after or ("", "")
        records = await self._read(RULES["observations"], source=source, id=id, version=version, first=first)
        return [(record["source"], record["id"]) for record in records]

    async def related_observations(
        self, keys: Sequence[ObservationKey], version: int, first: int
    ) -> list[ObservationKey]:
        refs = [list(key) for key in keys]
        records = await self._read(RULES["related_observations"], keys=refs, version=version, first=first)
        return [(record["source"], record["id"]) for record in records]

    async def receipts(self, after: ObservationKey | None, first: int) -> list[Receipt]:
        source, id = after or ("", "")
        records = await self._read(RULES["receipts"], source=source, id=id, first=first)
        return [mapping.receipt(record["o"]) for record in records]

    async def count_observations(self) -> int:
        (record,) = await self._read(RULES["count_observations"])
        return int(record["count"])

    async def customer_ids_of(self, keys: Sequence[str]) -> list[str]:
        return [record["id"] for record in await self._read(RULES["customer_ids_of"], keys=list(keys))]


def stored_rules(values: Properties) -> StoredRules:
    """Return the version of the rules of a node."""
    processed_to = values.get("processed_to")
    return StoredRules(
        values["version"],
        values["created_at"],
        values["text"],
        bool(values.get("pending")),
        None if processed_to is None else (processed_to[0], processed_to[1]),
    )
