"""The embedded store's own duties: a read that no one waits for is stopped, and nothing else is."""

import asyncio
import time
from pathlib import Path

import pytest

from graph.domain.profile.pages import ById, Selection
from graph.stores.sqlite import EmbeddedStore
from tests.builders.runs import Run

ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"


@pytest.fixture
def store(tmp_path: Path, run: Run) -> EmbeddedStore:
    store = EmbeddedStore(tmp_path / "kith.db")
    run(store.migrate())
    yield store
    run(store.close())


def endless(store: EmbeddedStore, ended: list[str]) -> None:
    try:
        with store._transaction("BEGIN") as connection:
            connection.execute(ENDLESS).fetchall()
    finally:
        ended.append("ended")


def test_a_read_that_no_one_waits_for_is_stopped(store: EmbeddedStore, run: Run) -> None:
    ended: list[str] = []

    async def attempt() -> None:
        # given: as many endless reads as there are threads
        reads = [asyncio.create_task(store._in(store._readers, endless, store, ended)) for _ in range(4)]
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
        raise AssertionError("a read went on though no one waited for it")

    run(attempt())


def test_stopping_one_read_leaves_others_alone(store: EmbeddedStore, run: Run) -> None:
    def slow(rows: int) -> int:
        with store._transaction("BEGIN") as connection:
            sql = (
                f"WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < {rows}) SELECT max(x) FROM n"
            )
            return connection.execute(sql).fetchone()[0]

    async def attempt() -> None:
        for _ in range(20):
            kept = asyncio.create_task(store._in(store._readers, slow, 200_000))
            dropped = [asyncio.create_task(store._in(store._readers, slow, 200_000)) for _ in range(6)]
            await asyncio.sleep(0.005)
            for one in dropped:
                one.cancel()
            await asyncio.gather(*dropped, return_exceptions=True)
            assert await kept == 200_000

    began = time.monotonic()
    run(attempt())
    assert time.monotonic() - began < 60
