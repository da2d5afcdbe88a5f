"""Loading a whole history into an empty database."""

from collections.abc import Mapping

from neo4j import AsyncManagedTransaction

from graph.domain.model.errors import Conflict
from graph.domain.model.store_values import Writes
from graph.ports import LOADING
from graph.stores.neo4j.connection import Connected
from graph.stores.neo4j.transaction import Transaction
from graph.stores.neo4j.writes import WRITING


class BulkLoad(Connected):
    """The part of a `Store` that is loaded with a whole history."""

    async def begin_load(self, mark: str) -> None:
        async def run(tx: AsyncManagedTransaction) -> bool:
            record = await (await tx.run(WRITING["begin_load"])).single(strict=True)
            if not record["begun"]:
                await tx.run(WRITING["keep"], asked={"rows": [[LOADING, mark]]})
            return bool(record["held"])

        async with self._session() as session:
            if await session.execute_write(run):
                raise Conflict("the store is not empty; what comes on top is for `kith import`")

    async def load(self, writes: Writes, numbers: Mapping[str, int]) -> None:
        async def run(tx: AsyncManagedTransaction) -> None:
            transaction = Transaction(tx, loading=True)
            await transaction.know(list(numbers))
            await transaction.write(writes)

        async with self._session() as session:
            await session.execute_write(run)

    async def end_load(self) -> None:
        await self._read(WRITING["end_load"], name=LOADING)
