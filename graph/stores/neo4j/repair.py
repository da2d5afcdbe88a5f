"""What contradicts itself within a Neo4j database. Neo4j itself checks its files, offline."""

from collections.abc import Sequence

from graph.domain.model.stored_records import StorageDamage
from graph.domain.profile.search import text_of_identifier
from graph.stores.neo4j import cypher
from graph.stores.neo4j.connection import Connected

REPAIR = cypher.load("repair")
BATCH_SIZE = 5_000
"""Identifiers whose words are written in one transaction."""
_DESCRIPTIONS = {
    "feed": "numbers of the feed differ from the history",
    "several_links": "links are stored more than once",
    "several_customers": "identifiers belong to several customers",
    "several_redirects": "customer ids redirect to several others",
    "customer_node": "identifiers are not found by their large customer",
    "fact_holder": "identifiers hold facts and are not marked",
    "restricted": "identifiers are marked as restricted and are not, or the other way round",
    "disputed": "identifiers of suspended links or overrides are not marked",
    "override": "overrides do not lead to their identifiers",
    "unindexed": "observations that no identifier leads to are not found without one",
    "membership": "memberships do not lead to their customers",
    "delivery": "deliveries are of an audience that is not stored",
}


class Repair(Connected):
    """The part of a `Store` that finds and repairs what contradicts itself."""

    async def check_storage(self) -> list[StorageDamage]:
        found: list[StorageDamage] = []
        for name, description in _DESCRIPTIONS.items():
            (record,) = await self._read(REPAIR[f"check_{name}"])
            if record["count"]:
                found.append(StorageDamage(description, record["count"]))
        return found

    async def repair_storage(self) -> None:
        for name in _DESCRIPTIONS:
            await self._read(REPAIR[f"repair_{name}"])

    async def rewrite_words(self, keys: Sequence[str] | None = None) -> None:
        if keys is not None:
            await self._rewrite_words(keys)
            return
        after = ""
        while batch := [row["key"] for row in await self._read(REPAIR["keys"], after=after, first=BATCH_SIZE)]:
            await self._rewrite_words(batch)
            after = batch[-1]

    async def _rewrite_words(self, keys: Sequence[str]) -> None:
        rows = [[key, text_of_identifier(key) or None] for key in keys]
        await self._read(REPAIR["rewrite_words"], params={"rows": rows})
