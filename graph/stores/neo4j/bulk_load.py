"""Loading of a whole history into an empty database."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from graph.domain.model.errors import StoreNotEmpty
from graph.domain.model.rules import StoredRules
from graph.domain.model.store_values import Writes
from graph.ports import LOADING
from graph.stores.neo4j import cypher
from graph.stores.neo4j.connection import Connected, OpenTransaction
from graph.stores.neo4j.migrator import check_transaction
from graph.stores.neo4j.transaction import Transaction
from graph.stores.neo4j.writes import WRITING

BULK_LOAD = cypher.load("bulk_load")
PART_SECONDS = 600
"""Seconds within which a part of a history must be stored; there are no other writers that wait."""


class BulkLoad(Connected):
    """The part of a `Store` that is loaded with a whole history."""

    async def begin_load(self, progress: str) -> None:
        async def run(tx: OpenTransaction) -> bool:
            await check_transaction(tx)
            (record,) = await tx.run(BULK_LOAD["begin_load"], {})
            if not record["loading"] and not record["not_empty"]:
                await tx.run(WRITING["put_values"], {"params": {"rows": [[LOADING, progress]]}})
            return bool(record["not_empty"])

        if await self._transact(run):
            raise StoreNotEmpty("the store is not empty; use `kith import` to add to it")

    async def load(self, writes: Writes, numbers: Mapping[str, int], loaded: Collection[str] = ()) -> None:
        async def run(tx: OpenTransaction) -> None:
            transaction = Transaction(tx, loading=True)
            await transaction.load_handles([*numbers, *loaded])
            await transaction.write(writes)

        await self._transact(run, PART_SECONDS)

    async def load_rules(self, rules: Sequence[StoredRules]) -> None:
        await self._read(BULK_LOAD["load_rules"], params={"rows": list(map(_rules_values, rules))})

    async def count_imported(self) -> dict[str, int]:
        """Return how many nodes and relationships there are, by label and type, of those that import files may hold."""
        (record,) = await self._read(BULK_LOAD["count_imported"])
        return dict(record["counts"])

    async def complete_import(self) -> None:
        """Store what import files cannot hold: empty lists, and labels that follow from links."""
        async with self._session() as session:
            for name in ("complete_import", "complete_disputes"):
                await (await session.run(BULK_LOAD[name])).consume()

    async def is_empty(self) -> bool:
        """Return whether nothing is stored but rules and values that are stored by name."""
        (record,) = await self._read(BULK_LOAD["is_empty"])
        return bool(record["empty"])

    async def clear(self) -> None:
        """Delete everything that Kith stores. What else the database holds remains."""
        # In many transactions of the server's own, however long that takes.
        async with self._session() as session:
            await (await session.run(BULK_LOAD["clear"])).consume()

    async def end_load(self) -> None:
        await self._read(BULK_LOAD["end_load"], name=LOADING)


def _rules_values(rules: StoredRules) -> dict[str, Any]:
    """Return the properties of a version of the rules."""
    return {
        "version": rules.version,
        "created_at": rules.created_at,
        "text": rules.text,
        "pending": rules.pending,
        "processed_to": None if rules.processed_to is None else list(rules.processed_to),
    }
