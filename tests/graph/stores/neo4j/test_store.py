"""Duties of the Neo4j store alone: a read that no one waits for is stopped in the database too."""

import asyncio

import pytest

from graph.stores.neo4j import Neo4jStore
from tests.builders.runs import Run

ENDLESS = "UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b RETURN sum(a * b) AS endless"
RUNNING = "SHOW TRANSACTIONS YIELD currentQuery WHERE currentQuery CONTAINS 'AS endless' RETURN count(*) AS running"


@pytest.mark.neo4j
def test_a_cancelled_read_is_stopped_in_the_database(neo4j_store: Neo4jStore, run: Run) -> None:
    async def running() -> int:
        # The counting query contains the text of the endless one too.
        (record,) = await neo4j_store._read(RUNNING)
        return int(record["running"]) - 1

    async def attempt() -> None:
        # given
        read = asyncio.create_task(neo4j_store._read(ENDLESS))
        for _ in range(100):
            await asyncio.sleep(0.05)
            if await running() == 1:
                break
        assert await running() == 1
        # when
        read.cancel()
        await asyncio.gather(read, return_exceptions=True)
        # then
        for _ in range(200):
            if await running() == 0:
                return
            await asyncio.sleep(0.05)
        raise AssertionError("the database is still running the query")

    run(attempt())
