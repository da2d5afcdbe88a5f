"""Duties of the SQLite store alone: a read that no one waits for is stopped, and nothing else is."""

import asyncio
import time
from pathlib import Path

import pytest

from graph.domain.profile.pages import ById, Selection
from graph.stores.sqlite import SQLiteStore
from tests.builders.runs import Run

ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"


@pytest.fixture
def store(tmp_path: Path, run: Run) -> SQLiteStore:
    store = SQLiteStore(tmp_path / "kith.db")
    run(store.migrate())
    yield store
    run(store.close())


def read_endlessly(store: SQLiteStore, ended: list[str]) -> None:
    try:
        with store._connections.transaction("BEGIN") as connection:
            connection.execute(ENDLESS).fetchall()
    finally:
        ended.append("ended")


def test_a_cancelled_read_is_stopped(store: SQLiteStore, run: Run) -> None:
    ended: list[str] = []

    async def attempt() -> None:
        # given: as many endless reads as there are threads
        reads = [asyncio.create_task(store._run_in(store._readers, read_endlessly, store, ended)) for _ in range(4)]
        await asyncio.sleep(0.2)
        assert not ended
        # when
        for read in reads:
            read.cancel()
        await asyncio.gather(*reads, return_exceptions=True)
        # then: the threads are free again
        async with asyncio.timeout(10):
            assert await store.customers([ById("nobody")], Selection()) == [None]
        for _ in range(100):
            if len(ended) == 4:
                return
            await asyncio.sleep(0.05)
        raise AssertionError("a canceled read is still running")

    run(attempt())


def test_stopping_a_read_does_not_affect_others(store: SQLiteStore, run: Run) -> None:
    def slow(rows: int) -> int:
        with store._connections.transaction("BEGIN") as connection:
            sql = (
                f"WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < {rows}) SELECT max(x) FROM n"
            )
            return connection.execute(sql).fetchone()[0]

    async def attempt() -> None:
        for _ in range(20):
            waiting = asyncio.create_task(store._run_in(store._readers, slow, 200_000))
            cancelled = [asyncio.create_task(store._run_in(store._readers, slow, 200_000)) for _ in range(6)]
            await asyncio.sleep(0.005)
            for read in cancelled:
                read.cancel()
            await asyncio.gather(*cancelled, return_exceptions=True)
            assert await waiting == 200_000

    began = time.monotonic()
    run(attempt())
    assert time.monotonic() - began < 60
