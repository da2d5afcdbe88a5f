"""Short reads that share a thread."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from graph.stores.sqlite.read_pool import MIN_BATCH, ReadJob, ReadPool

ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"


class Threads:
    """Two threads, each with a connection."""

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(2)
        self.local = threading.local()
        self.reads = ReadPool(self.pool, 2, self.run)

    def run(self, job: ReadJob) -> Any:
        return job.run(self.connection())

    def connection(self) -> sqlite3.Connection:
        if not hasattr(self.local, "connection"):
            self.local.connection = sqlite3.connect(":memory:", check_same_thread=False)
        return self.local.connection

    def read_endlessly(self) -> None:
        self.connection().execute(ENDLESS).fetchall()


@pytest.fixture
def threads() -> Iterator[Threads]:
    threads = Threads()
    yield threads
    threads.pool.shutdown()


def failing() -> None:
    raise ValueError("no")


def test_each_caller_gets_its_own_result(threads: Threads) -> None:
    async def run() -> list[Any]:
        functions: list[Callable[[], Any]] = [lambda n=n: n for n in range(20)]
        return await asyncio.gather(*(threads.reads.run(function) for function in functions))

    assert asyncio.run(run()) == list(range(20))


@pytest.mark.parametrize(("jobs", "batches"), [(1, 1), (MIN_BATCH, 1), (MIN_BATCH + 1, 2), (10 * MIN_BATCH, 2)])
def test_no_more_threads_are_woken_than_are_useful(threads: Threads, jobs: int, batches: int) -> None:
    submitted: list[object] = []
    submit = threads.pool.submit

    def counting_submit(*values: Any) -> Any:
        submitted.append(values)
        return submit(*values)

    threads.pool.submit = counting_submit  # type: ignore[method-assign]

    async def run() -> None:
        await asyncio.gather(*(threads.reads.run(threading.get_ident) for _ in range(jobs)))

    asyncio.run(run())
    assert len(submitted) == batches


def test_a_failed_read_does_not_affect_others(threads: Threads) -> None:
    async def run() -> list[Any]:
        jobs = (threads.reads.run(function) for function in (failing, int, failing))
        return await asyncio.gather(*jobs, return_exceptions=True)

    first, second, third = asyncio.run(run())
    assert second == 0
    assert isinstance(first, ValueError)
    assert isinstance(third, ValueError)


def test_a_cancelled_read_does_not_hold_up_others_in_its_batch(threads: Threads) -> None:
    async def run() -> None:
        # given
        cancelled = asyncio.create_task(threads.reads.run(threads.read_endlessly))
        waiting = asyncio.create_task(threads.reads.run(int))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        # when
        cancelled.cancel()
        # then
        async with asyncio.timeout(10):
            assert await waiting == 0
        assert cancelled.cancelled()

    asyncio.run(run())


def test_a_read_that_was_cancelled_before_it_began_is_not_run(threads: Threads) -> None:
    names: list[str] = []

    async def run() -> None:
        # given
        first = asyncio.create_task(threads.reads.run(threads.read_endlessly))
        second = asyncio.create_task(threads.reads.run(names.append, "second"))
        await asyncio.sleep(0.1)
        # when
        second.cancel()
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
        # then
        await threads.reads.run(int)

    asyncio.run(run())
    assert names == []


def test_a_read_after_the_shutdown_raises(threads: Threads) -> None:
    threads.pool.shutdown()
    with pytest.raises(RuntimeError):
        asyncio.run(threads.reads.run(int))
