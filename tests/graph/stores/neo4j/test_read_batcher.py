"""Reads of views that share a query."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from graph.domain.profile.pages import ById, CustomerRef, IdentifierPage, OrderPage, Selection
from graph.stores.neo4j.customer_pages import CustomerRecord
from graph.stores.neo4j.read_batcher import MAX_BATCH, MIN_BATCH, ReadBatcher

ORDERS = Selection((OrderPage(10),))
IDENTIFIERS = Selection((IdentifierPage(("email",), 10),))


@dataclass
class Database:
    """A database with the customers c0, c1 and so on. It answers once `open` is set."""

    reads: list[list[str]] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    stopped: int = 0
    fails: bool = False

    async def read(self, refs: Sequence[CustomerRef], selection: Selection) -> list[CustomerRecord]:
        names = [ref.id for ref in refs if isinstance(ref, ById)]
        self.reads.append(names)
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.stopped += 1
            raise
        if self.fails:
            raise ConnectionError
        return [CustomerRecord(at, name, {}, [], 0, True) for at, name in enumerate(names) if name.startswith("c")]


def ids(records: list[CustomerRecord | None]) -> list[str | None]:
    return [None if record is None else record.node for record in records]


async def request(batcher: ReadBatcher, *names: str, selection: Selection = ORDERS) -> list[str | None]:
    return ids(await batcher.records([ById(name) for name in names], selection))


async def run_due_tasks() -> None:
    """Let the event loop run everything that is due."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_requests_of_one_turn_share_a_query_and_each_gets_its_own_result() -> None:
    async def run() -> None:
        # given
        database = Database()
        database.open.set()
        batcher = ReadBatcher(database.read)
        # when
        result = await asyncio.gather(request(batcher, "c1"), request(batcher, "nobody"), request(batcher, "c3", "c4"))
        # then
        assert result == [["c1"], [None], ["c3", "c4"]]
        assert database.reads == [["c1", "nobody", "c3", "c4"]]

    asyncio.run(run())


def test_other_pages_are_another_query() -> None:
    async def run() -> None:
        # given
        database = Database()
        database.open.set()
        batcher = ReadBatcher(database.read)
        # when
        await asyncio.gather(request(batcher, "c1"), request(batcher, "c2", selection=IDENTIFIERS))
        # then
        assert database.reads == [["c1"], ["c2"]]

    asyncio.run(run())


def test_a_request_does_not_join_a_running_query() -> None:
    """A request after a write must not be answered by a read that began before the write."""

    async def run() -> None:
        # given a running query
        database = Database()
        batcher = ReadBatcher(database.read)
        first = asyncio.create_task(request(batcher, "c1"))
        await run_due_tasks()
        # when
        second = asyncio.create_task(request(batcher, "c1"))
        await run_due_tasks()
        database.open.set()
        # then
        assert await first == await second == ["c1"]
        assert database.reads == [["c1"], ["c1"]]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("callers", "other_running", "sizes"),
    [
        (MIN_BATCH, False, [MIN_BATCH]),
        (MIN_BATCH + 2, False, [MIN_BATCH, 2]),
        (MAX_BATCH, False, [MAX_BATCH // 2, MAX_BATCH // 2]),
        (MAX_BATCH, True, [MAX_BATCH]),
        (MAX_BATCH + 1, True, [MAX_BATCH, 1]),
        (3 * MAX_BATCH, False, [MAX_BATCH, MAX_BATCH, MAX_BATCH]),
    ],
)
def test_the_size_of_batches(callers: int, other_running: bool, sizes: list[int]) -> None:
    async def run() -> None:
        # given
        database = Database()
        batcher = ReadBatcher(database.read)
        running = asyncio.create_task(request(batcher, "c")) if other_running else None
        await run_due_tasks()
        database.reads.clear()
        # when
        tasks = [asyncio.create_task(request(batcher, f"c{number}")) for number in range(callers)]
        await run_due_tasks()
        database.open.set()
        # then
        assert await asyncio.gather(*tasks) == [[f"c{number}"] for number in range(callers)]
        assert [len(names) for names in database.reads] == sizes
        if running is not None:
            await running

    asyncio.run(run())


def test_the_customers_of_one_caller_are_read_together() -> None:
    async def run() -> None:
        # given
        database = Database()
        database.open.set()
        batcher = ReadBatcher(database.read)
        names = [f"c{number}" for number in range(3 * MAX_BATCH)]
        # when
        result = await asyncio.gather(request(batcher, "c1"), request(batcher, *names), request(batcher, "c2"))
        # then
        assert result == [["c1"], names, ["c2"]]
        assert database.reads == [["c1"], names, ["c2"]]

    asyncio.run(run())


def test_a_failure_reaches_all_waiting_callers_and_no_later_caller() -> None:
    async def run() -> None:
        # given
        database = Database(fails=True)
        database.open.set()
        batcher = ReadBatcher(database.read)
        # when
        result = await asyncio.gather(request(batcher, "c1"), request(batcher, "c2", "c3"), return_exceptions=True)
        # then
        assert [type(error) for error in result] == [ConnectionError, ConnectionError]
        database.fails = False
        assert await request(batcher, "c1") == ["c1"]

    asyncio.run(run())


def test_a_cancelled_caller_does_not_affect_the_others() -> None:
    async def run() -> None:
        # given
        database = Database()
        batcher = ReadBatcher(database.read)
        cancelled, waiting = (asyncio.create_task(request(batcher, name)) for name in ("c1", "c2"))
        await run_due_tasks()
        # when
        cancelled.cancel()
        await run_due_tasks()
        database.open.set()
        # then
        assert await waiting == ["c2"]
        assert cancelled.cancelled()
        assert database.stopped == 0

    asyncio.run(run())


def test_a_query_that_no_caller_waits_for_is_stopped() -> None:
    async def run() -> None:
        # given
        database = Database()
        batcher = ReadBatcher(database.read)
        callers = [asyncio.create_task(request(batcher, *names)) for names in (["c1"], ["c2", "c3"])]
        await run_due_tasks()
        # when
        for caller in callers:
            caller.cancel()
        await run_due_tasks()
        # then
        assert database.stopped == 1

    asyncio.run(run())
