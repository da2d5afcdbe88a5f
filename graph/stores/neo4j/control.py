"""Questions to the server about itself: what it runs of ours, and requests to end or plan that."""

import asyncio
import secrets
from collections.abc import Iterable, Sequence

import neo4j
from neo4j import AsyncDriver

from graph.stores.neo4j import cypher
from graph.stores.neo4j.answer_watch import RunningTransaction
from graph.stores.neo4j.failures import DRIVER_CALL

TRANSACTIONS = cypher.load("transactions")
PLAN_SECONDS = 60.0
"""Seconds after an outage within which the server must have planned the queries of writes."""


class Control:
    """Talks to the server over a driver of its own, so that it never waits for the connections of reads and writes."""

    def __init__(self, driver: AsyncDriver, database: str, write_queries: Sequence[str]) -> None:
        self.driver = driver
        self.process = f"{secrets.token_hex(8)}-"
        """The beginning of the names of this process's transactions."""
        self._database = database
        self._write_queries = write_queries

    async def own_transactions(self) -> dict[str, RunningTransaction]:
        """Return the transactions of this process by name."""
        rows = await self._run(TRANSACTIONS["own_transactions"], process=self.process)
        return {row["name"]: RunningTransaction(row["id"], row["busy"]) for row in rows}

    async def end(self, transactions: Iterable[RunningTransaction]) -> None:
        """Roll transactions back, so that their locks block nobody; those that have ended are left out."""
        if ids := [transaction.id for transaction in transactions]:
            await self._run(TRANSACTIONS["end_transactions"], ids=ids)

    async def plan_writes(self) -> None:
        """Have the server plan all queries of a write at the same time."""
        async with asyncio.timeout(PLAN_SECONDS):
            await asyncio.gather(*(self._run(f"EXPLAIN {query}", params={}) for query in self._write_queries))

    async def _run(self, query: str, **values: object) -> list[neo4j.Record]:
        return await run_query(self.driver, self._database, query, **values)


async def run_query(driver: AsyncDriver, database: str, query: str, **values: object) -> list[neo4j.Record]:
    """Return the records of a query that is tried once."""
    with DRIVER_CALL:
        async with driver.session(database=database) as session:
            return [record async for record in await session.run(query, values)]
