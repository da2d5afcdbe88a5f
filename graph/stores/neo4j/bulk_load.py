"""Loading of a whole history into an empty database."""

from collections.abc import Mapping

from neo4j import AsyncManagedTransaction

from graph.domain.model.errors import StoreNotEmpty
from graph.domain.model.store_values import Writes
from graph.ports import LOADING
from graph.stores.neo4j import cypher
from graph.stores.neo4j.connection import Connected
from graph.stores.neo4j.migrator import check_transaction
from graph.stores.neo4j.transaction import Transaction
from graph.stores.neo4j.writes import WRITING

BULK_LOAD = cypher.load("bulk_load")


class BulkLoad(Connected):
    """The part of a `Store` that is loaded with a whole history."""

    async def begin_load(self, progress: str) -> None:
        async def run(tx: AsyncManagedTransaction) -> bool:
            await check_transaction(tx)
            record = await (await tx.run(BULK_LOAD["begin_load"])).single(strict=True)
            if not record["loading"]:
                await tx.run(WRITING["put_values"], params={"rows": [[LOADING, progress]]})
            return bool(record["not_empty"])

        async with self._session() as session:
            if await session.execute_write(run):
                raise StoreNotEmpty("the store is not empty; use `kith import` to add to it")

    async def load(self, writes: Writes, numbers: Mapping[str, int]) -> None:
        async def run(tx: AsyncManagedTransaction) -> None:
            transaction = Transaction(tx, loading=True)
            await transaction.load_handles(list(numbers))
            await transaction.write(writes)

        async with self._session() as session:
            await session.execute_write(run)

    async def end_load(self) -> None:
        await self._read(BULK_LOAD["end_load"], name=LOADING)
