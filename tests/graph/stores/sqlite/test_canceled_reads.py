"""A read that is canceled, at whatever point, leaves a connection behind that serves the next read."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from graph.domain.profile.pages import ByKey, CustomerView, Selection
from graph.stores.sqlite import SQLiteStore
from graph.stores.sqlite.customer_pages import customer_views
from graph.stores.sqlite.store import READER, READERS
from tests.builders.clients import Client, seen
from tests.builders.runs import Run

STEPS = 7
"""Instructions of SQLite between two points at which a read is canceled."""
NUMBERS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < ?) SELECT x FROM n"
ANN = [ByKey("email=ann@example.com")]
Function = Callable[[sqlite3.Connection], object]


class WatchedStore(SQLiteStore):
    """A store that calls a function at each statement that begins, and after every few instructions of it."""

    on_point: Callable[[], None] = staticmethod(lambda: None)

    def _open_connection(self) -> sqlite3.Connection:
        connection = super()._open_connection()
        connection.set_trace_callback(lambda _: self.on_point())
        connection.set_progress_handler(lambda: self.on_point(), STEPS)
        return connection


@pytest.fixture
def store(tmp_path: Path, run: Run) -> Iterator[WatchedStore]:
    store = WatchedStore(tmp_path / "kith.db")
    run(store.migrate())
    yield store
    store.on_point = lambda: None
    run(store.close())


def nested_cursors(connection: sqlite3.Connection) -> int:
    count = 0
    for (number,) in connection.execute(NUMBERS, (3,)):
        count += len(connection.execute(NUMBERS, (8 * number,)).fetchall())
    return count


def one_cursor(connection: sqlite3.Connection) -> int:
    return len(connection.execute(NUMBERS, (20,)).fetchall())


kept: list[sqlite3.Cursor] = []


def cursor_left_open(connection: sqlite3.Connection) -> int:
    """A cursor that is still open when the transaction ends, and beyond."""
    kept[:] = [connection.execute(NUMBERS, (100,))]
    return next(kept[0])[0]


def view_of_ann(connection: sqlite3.Connection) -> list[CustomerView | None]:
    return customer_views(connection, ANN, Selection())


def connections(store: SQLiteStore) -> list[bool]:
    return [connection.in_transaction for connection in store._connections._open]


async def cancel_at(store: WatchedStore, point: int, read: Callable[[], Any], thread: str = READER) -> bool:
    """Cancel a read at its n-th point. Return whether it had so many points."""
    loop, points, reached = asyncio.get_running_loop(), 0, False

    def count() -> None:
        nonlocal points, reached
        if not threading.current_thread().name.startswith(thread):
            return
        points += 1
        if points == point:
            reached = True
            # The thread stops at this point until the event loop has canceled the read.
            done = threading.Event()
            loop.call_soon_threadsafe(lambda: (task.cancel(), loop.call_soon(done.set)))
            assert done.wait(20)

    task = asyncio.ensure_future(read())
    store.on_point = count
    try:
        await task
    except asyncio.CancelledError:
        assert reached
    # The thread may still be at work for the canceled read. Jobs that wait for one another take all threads.
    together = threading.Barrier(READERS)
    await asyncio.gather(*(store._run_in(store._readers, together.wait, 20) for _ in range(READERS)))
    store.on_point = lambda: None
    return reached


@pytest.mark.parametrize("batched", [False, True], ids=["alone", "in a batch"])
@pytest.mark.parametrize("function", [nested_cursors, one_cursor, cursor_left_open, view_of_ann])
def test_a_read_canceled_at_any_point_leaves_nothing_behind(
    store: WatchedStore, run: Run, function: Function, batched: bool
) -> None:
    # given
    Client(store, run).link(seen("email=ann@example.com", "login=ann"))
    read = store._read_batched if batched else store._read
    expected = run(read(function))

    async def attempt() -> int:
        point = 1
        # when
        while await cancel_at(store, point, lambda: read(function)):
            # then
            assert not any(connections(store)), point
            for _ in range(5):
                assert await read(function) == expected, point
            point += 1
        for _ in range(100):
            assert await read(function) == expected
        return point

    assert run(attempt()) > 5
    assert len(connections(store)) <= 5


def test_a_read_canceled_at_any_point_does_not_affect_the_others_of_its_batch(store: WatchedStore, run: Run) -> None:
    async def attempt() -> None:
        point = 1
        reached = True
        while reached:
            # given
            others: list[asyncio.Task[object]] = []

            async def read(others: list[asyncio.Task[object]] = others) -> object:
                others += [asyncio.create_task(store._read_batched(one_cursor)) for _ in range(2)]
                return await store._read_batched(nested_cursors)

            # when
            reached = await cancel_at(store, point, read)
            # then
            assert await asyncio.gather(*others) == [20, 20], point
            point += 1

    run(attempt())
    assert not any(connections(store))


def test_a_write_canceled_at_any_point_is_finished(store: WatchedStore, run: Run) -> None:
    async def attempt() -> int:
        point = 1

        async def write() -> None:
            await store.put_value("point", str(point))

        # when
        while await cancel_at(store, point, write, "kith-sqlite-writer"):
            # then: it comes before the next write of the same thread
            await store.put_value("next", "")
            assert await store.get_value("point") == str(point)
            point += 1
        return point

    assert run(attempt()) > 5
    assert not any(connections(store))
