"""Short jobs that go to a thread together."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from graph.stores.sqlite.read_pool import FEWEST, Crews, Job

ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"


class Threads:
    """Two threads with a connection, and what they did."""

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(2)
        self.local = threading.local()
        self.crews = Crews(self.pool, 2, self.run)

    def run(self, job: Job) -> Any:
        return job.run(self.connection())

    def connection(self) -> sqlite3.Connection:
        if not hasattr(self.local, "connection"):
            self.local.connection = sqlite3.connect(":memory:", check_same_thread=False)
        return self.local.connection

    def endless(self) -> None:
        self.connection().execute(ENDLESS).fetchall()


@pytest.fixture
def threads() -> Iterator[Threads]:
    threads = Threads()
    yield threads
    threads.pool.shutdown()


def failing() -> None:
    raise ValueError("no")


def test_each_caller_gets_its_own_answer(threads: Threads) -> None:
    async def run() -> list[Any]:
        asked: list[Callable[[], Any]] = [lambda n=n: n for n in range(20)]
        return await asyncio.gather(*(threads.crews.run(one) for one in asked))

    assert asyncio.run(run()) == list(range(20))


@pytest.mark.parametrize(("jobs", "most"), [(1, 1), (FEWEST, 1), (FEWEST + 1, 2), (10 * FEWEST, 2)])
def test_as_few_threads_as_are_of_use_are_woken(threads: Threads, jobs: int, most: int) -> None:
    ways: list[object] = []
    submit = threads.pool.submit

    def counted(*values: Any) -> Any:
        ways.append(values)
        return submit(*values)

    threads.pool.submit = counted  # type: ignore[method-assign]

    async def run() -> None:
        await asyncio.gather(*(threads.crews.run(threading.get_ident) for _ in range(jobs)))

    asyncio.run(run())
    assert len(ways) == most


def test_what_fails_fails_alone(threads: Threads) -> None:
    async def run() -> list[Any]:
        jobs = (threads.crews.run(one) for one in (failing, int, failing))
        return await asyncio.gather(*jobs, return_exceptions=True)

    first, second, third = asyncio.run(run())
    assert second == 0
    assert isinstance(first, ValueError)
    assert isinstance(third, ValueError)


def test_who_gives_up_does_not_hold_up_who_came_with_him(threads: Threads) -> None:
    async def run() -> None:
        # given
        hasty = asyncio.create_task(threads.crews.run(threads.endless))
        patient = asyncio.create_task(threads.crews.run(int))
        await asyncio.sleep(0.1)
        assert not patient.done()
        # when
        hasty.cancel()
        # then
        async with asyncio.timeout(10):
            assert await patient == 0
        assert hasty.cancelled()

    asyncio.run(run())


def test_what_was_given_up_before_it_began_is_not_done(threads: Threads) -> None:
    done: list[str] = []

    async def run() -> None:
        # given
        first = asyncio.create_task(threads.crews.run(threads.endless))
        second = asyncio.create_task(threads.crews.run(done.append, "second"))
        await asyncio.sleep(0.1)
        # when
        second.cancel()
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
        # then
        await threads.crews.run(int)

    asyncio.run(run())
    assert done == []


def test_after_the_end_who_asks_is_told(threads: Threads) -> None:
    threads.pool.shutdown()
    with pytest.raises(RuntimeError):
        asyncio.run(threads.crews.run(int))
