"""Connections that fail: what callers are answered is right, or says that the database is not available."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from types import coroutine
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvloop

from graph.commands.commit import Accepted
from graph.domain.model.dates import SECOND
from graph.domain.model.errors import StoreUnavailable
from graph.domain.model.products import Product
from graph.domain.model.times import EARLIEST
from graph.domain.profile.pages import ByKey, IdentifierPage, Selection
from graph.identity_graph import IdentityGraph
from graph.stores.neo4j import Neo4jStore, answer_watch, connection
from graph.stores.neo4j.connection import OpenTransaction
from graph.stores.neo4j.control import TRANSACTIONS
from graph.stores.neo4j.failures import Outdated
from service.bootstrap import SystemClock
from service.runtime.ids import RandomIds
from tests.builders.graphs import seen, small_rules
from tests.builders.proxies import Proxy
from tests.builders.runs import Run
from tests.builders.stores import wipe

pytestmark = pytest.mark.neo4j

RULES = small_rules()
BASE = EARLIEST // SECOND
PAGE = Selection.of([IdentifierPage(tuple(RULES.by_name), 100)])
LONG = "UNWIND range(1, $count) AS a RETURN sum(a) AS total"
COUNT = 20_000_000
"""Takes the server longer than some ticks, on a fast machine too."""
COMMIT = bytes.fromhex("0002b0120000")
"""The message of the Bolt protocol that commits."""
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}


@pytest.fixture(params=list(LOOPS))
def run_on(request: pytest.FixtureRequest) -> Iterator[Run]:
    """Runs a coroutine on each kind of event loop: they report failed connections differently."""
    with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
        yield runner.run


@pytest.fixture
def port(neo4j_store: Neo4jStore, neo4j_uri: str, run: Run) -> int:
    """The port of an empty database."""
    run(wipe(neo4j_store))
    return urlsplit(neo4j_uri).port or 7687


@asynccontextmanager
async def open_store(port: int) -> AsyncIterator[Neo4jStore]:
    store = Neo4jStore(f"neo4j://127.0.0.1:{port}")
    try:
        yield store
    finally:
        await store.close()


def graph(store: Neo4jStore) -> IdentityGraph:
    return IdentityGraph(store, RULES, SystemClock(), RandomIds(), frozenset())


async def sizes(store: Neo4jStore, *keys: str) -> list[int | None]:
    """The number of identifiers of the customer of each key."""
    views = await store.customers([ByKey(key) for key in keys], PAGE)
    return [None if view is None else view.customer.size for view in views]


@pytest.mark.parametrize("cut_bytes", [None, 0, 1, 7])
def test_a_write_that_is_cut_anywhere_is_stored_once_or_not_at_all(
    port: int, run_on: Run, cut_bytes: int | None
) -> None:
    async def sweep() -> None:
        async with Proxy(port) as proxy, open_store(proxy.port) as store, open_store(port) as direct:
            writer = graph(store)
            unconfirmed = 0
            for cut in range(1, 200):
                # given: two customers that a write will merge, and nothing else on the connections
                left, right = f"mail=l{cut}", f"mail=r{cut}"
                await graph(direct).link([seen(left, f"cookie=l{cut}", at=BASE), seen(right, at=BASE)])
                merge = seen(left, right, id=f"merge{cut}", at=BASE)
                await settled(store)
                # when
                proxy.cut_bytes, proxy.cut_at = cut_bytes, proxy.pieces + cut
                try:
                    (result,) = await writer.link([merge])
                except StoreUnavailable:
                    unconfirmed += 1
                    # then: all of the merge is stored, or nothing
                    assert await sizes(direct, left, right) in ([3, 3], [2, 1])
                    (result,) = await writer.link([merge])
                # then
                assert isinstance(result, Accepted)
                assert await sizes(direct, left, right) == [3, 3]
                if proxy.cut_at is not None:
                    break
            assert proxy.cut_at is not None, "the write takes more messages than were tried"
            assert unconfirmed <= cut // 2
            assert len(await direct.changes(0, 10_000)) == 3 * cut

    run_on(sweep())


@pytest.mark.parametrize("arrives", [False, True])
def test_a_commit_without_an_answer_is_not_repeated(port: int, run_on: Run, arrives: bool) -> None:
    async def cut() -> None:
        async with Proxy(port) as proxy, open_store(proxy.port) as store, open_store(port) as direct:
            # given
            writer = graph(store)
            await writer.link([seen("mail=a", at=BASE), seen("mail=b", at=BASE)])
            await settled(store)
            merge = seen("mail=a", "mail=b", id="merge", at=BASE)
            # when
            proxy.cut_bytes, proxy.cut_on = None if arrives else 0, COMMIT
            with pytest.raises(StoreUnavailable, match="send it again"):
                await writer.link([merge])
            # then
            assert await sizes(direct, "mail=a", "mail=b") in ([[1, 1], [2, 2]] if arrives else [[1, 1]])
            (result,) = await writer.link([merge])
            assert isinstance(result, Accepted)
            assert await sizes(direct, "mail=a", "mail=b") == [2, 2]
            assert len(await direct.changes(0, 100)) == 3

    run_on(cut())


@pytest.mark.parametrize("delay", [0.0, 0.02])
def test_a_silent_connection_is_replaced(port: int, run_on: Run, monkeypatch: pytest.MonkeyPatch, delay: float) -> None:
    """A firewall has forgotten the connections that exist; new ones work."""

    async def go_silent() -> None:
        async with Proxy(port) as proxy, open_store(proxy.port) as store, open_store(port) as direct:
            writer = graph(store)
            proxy.delay = delay
            await writer.link([seen("mail=a", "cookie=1", at=BASE)])
            for number in range(2):
                # given
                forgotten = proxy.connections
                proxy.holds = lambda connection, forgotten=forgotten: connection <= forgotten
                # when
                if number:
                    size = await sizes(store, "mail=a")
                else:
                    (result,) = await writer.link([seen("mail=a", "cookie=2", id="second", at=BASE)])
                    assert isinstance(result, Accepted)
                    size = await sizes(direct, "mail=a")
                # then
                assert size == [3]
                assert proxy.connections > forgotten
            await no_transactions(store, direct)

    monkeypatch.setattr(answer_watch, "TICK_SECONDS", 0.3)
    run_on(go_silent())


def test_a_silent_server_is_unavailable_until_it_answers(
    port: int, run_on: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def go_silent() -> None:
        async with Proxy(port) as proxy, open_store(proxy.port) as store, open_store(port) as direct:
            writer = graph(store)
            await writer.link([seen("mail=a", "cookie=1", at=BASE)])
            # given
            proxy.holds = lambda connection: True
            observations = [[seen("mail=a", f"cookie={number}", id=f"o{number}", at=BASE)] for number in range(5)]
            # when
            writes = [writer.link(observation) for observation in observations]
            results = await asyncio.gather(*writes, store.count_customers(), return_exceptions=True)
            # then
            assert [type(result) for result in results] == [StoreUnavailable] * 6
            assert await store.ready() == "the database does not answer"
            # when
            proxy.holds = lambda connection: False
            proxy.reset()
            await until_ready(store)
            # then
            for observation in observations:
                (result,) = await writer.link(observation)
                assert isinstance(result, Accepted)
            assert await sizes(direct, "mail=a") == [6]
            await no_transactions(store, direct)

    monkeypatch.setattr(answer_watch, "TICK_SECONDS", 0.1)
    monkeypatch.setattr(answer_watch, "REACH_SECONDS", 0.5)
    run_on(go_silent())


def test_a_long_query_is_not_given_up(neo4j_store: Neo4jStore, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    # given
    monkeypatch.setattr(answer_watch, "TICK_SECONDS", 0.05)
    monkeypatch.setattr(answer_watch, "IDLE_TICKS", 100)
    connections = neo4j_store._connections
    looks: list[object] = []
    look = connections._watch._look

    async def recorded() -> Any:
        transactions = await look()
        looks.append(transactions)
        return transactions

    monkeypatch.setattr(connections._watch, "_look", recorded)

    async def both() -> list[int]:
        attempts: list[int] = []

        async def write(tx: OpenTransaction) -> int:
            attempts.append(1)
            ((total,),) = await tx.run(LONG, {"count": COUNT})
            return int(total)

        # The server does not tell a query that it plans from a client that is silent.
        await neo4j_store._read(LONG, count=1)
        reading = neo4j_store._read(LONG, count=COUNT)
        ((read,),), written = await asyncio.gather(reading, neo4j_store._transact(write))
        return [int(read), written, len(attempts)]

    # when
    read, written, attempts = run(both())
    # then
    assert read == written == COUNT * (COUNT + 1) // 2
    assert attempts == 1
    assert looks


def test_idle_connections_that_were_reset_are_replaced(port: int, run_on: Run) -> None:
    async def reset() -> None:
        async with Proxy(port) as proxy, open_store(proxy.port) as store:
            for _ in range(3):
                # given: several connections
                await asyncio.gather(*(store.count_customers() for _ in range(10)))
                await settled(store)
                # when
                proxy.reset()
                results = await asyncio.gather(*(store.count_customers() for _ in range(20)))
                # then
                assert results == [0] * 20

    run_on(reset())


def test_a_read_does_not_wait_long_for_a_connection(port: int, run_on: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def use_all() -> None:
        async with open_store(port) as store:
            # given
            monkeypatch.setattr(connection, "ACQUIRE_SECONDS", 0.01)
            for _ in range(connection.MAX_CONNECTIONS):
                await store._connections._free.acquire()
            # when / then
            with pytest.raises(StoreUnavailable, match="all connections"):
                await store.count_customers()
            # when: another read ends / then
            store._connections._free.release()
            assert await store.count_customers() == 0

    run_on(use_all())


def test_after_an_outage_writes_are_planned_before_they_run(
    port: int, run_on: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def recover() -> None:
        async with open_store(port) as store:
            planned = asyncio.Event()
            control = store._connections._control
            plan = control.plan_writes

            async def plan_later() -> None:
                await planned.wait()
                await plan()

            monkeypatch.setattr(control, "plan_writes", plan_later)
            monkeypatch.setattr(connection, "GRACE_SECONDS", 0.01)
            # when
            store._connections.availability.failed("an outage")
            await until_ready(store)
            # then: reads are answered, writes are not
            assert await store.count_customers() == 0
            with pytest.raises(StoreUnavailable, match="plans"):
                await graph(store).link([seen("mail=a", at=BASE)])
            # when / then
            planned.set()
            await settled(store)
            (result,) = await graph(store).link([seen("mail=a", at=BASE)])
            assert isinstance(result, Accepted)

    run_on(recover())


@pytest.mark.parametrize("second", [0, 1, 2])
def test_canceling_anywhere_leaves_nothing_behind(port: int, run_on: Run, second: int) -> None:
    """A caller that goes away, or two in quick succession, at each point at which a read or a write waits."""

    async def cancel_everywhere() -> None:
        async with open_store(port) as store, open_store(port) as direct:
            await graph(store).link([seen("mail=a", "cookie=1", at=BASE)])

            async def save() -> object:
                return await store.save_products([Product("sku", "Shoe", "shop", BASE)])

            operations: list[Callable[[], Coroutine[Any, Any, object]]] = [store.count_customers, save]
            for operation in operations:
                completed = 0
                for point in range(1, 300):
                    # when
                    task = asyncio.create_task(canceled(operation(), point, point + second))
                    done = await asyncio.gather(task, return_exceptions=True)
                    # then
                    completed += not isinstance(done[0], BaseException)
                    assert completed or isinstance(done[0], asyncio.CancelledError)
                    if completed == 3:
                        break
                assert completed == 3, "the operation waits more often than was tried"
                assert in_use(store) == 0
            await no_transactions(store, direct)
            for _ in range(100):
                assert await store.count_customers() == 1
            assert in_use(store) == 0

    run_on(cancel_everywhere())


@coroutine
def canceled(operation: Coroutine[Any, Any, object], *points: int) -> Generator[Any, Any, object]:
    """Run an operation in the current task, which is canceled when it waits for the nth time, for each of `points`."""
    waits = 0
    step: Callable[[], Any] = partial(operation.send, None)
    while True:
        try:
            waited_for = step()
        except StopIteration as stop:
            return stop.value
        waits += 1
        if waits in points:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
        try:
            value = yield waited_for
        except BaseException as error:
            step = partial(operation.throw, error)
        else:
            step = partial(operation.send, value)


def in_use(store: Neo4jStore) -> int:
    """The connections that the driver counts as used."""
    pool = store._connections._pool.driver._pool
    return sum(connection.in_use for connections in pool.connections.values() for connection in connections)


async def settled(store: Neo4jStore) -> None:
    """Wait until a store does nothing on its own, and has a connection."""
    await until_ready(store)
    while store._connections._tasks:
        await asyncio.gather(*store._connections._tasks, return_exceptions=True)
    await store.count_customers()


async def until_ready(store: Neo4jStore) -> None:
    for _ in range(600):
        if not await store.ready():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(await store.ready())


async def no_transactions(store: Neo4jStore, direct: Neo4jStore) -> None:
    """Wait until none of a store's transactions is left on the server; fail if one stays."""
    process = store._connections._control.process
    for _ in range(400):
        rows = await direct._read(TRANSACTIONS["own_transactions"], process=process)
        if not rows:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(rows)


def test_conflicts_are_counted_and_failed_connections_are_not(port: int, run: Run) -> None:
    async def transact() -> None:
        async with Proxy(port) as proxy, open_store(proxy.port) as store:
            # given
            conflicts = iter([True, True])

            async def work(tx: OpenTransaction) -> None:
                await tx.run("RETURN 1", {})
                if next(conflicts, False):
                    raise Outdated("again")

            # when
            await store._transact(work)
            # then
            assert store.conflicts == 2
            # when
            await settled(store)
            proxy.cut_bytes, proxy.cut_at = 0, proxy.pieces + 1
            with suppress(StoreUnavailable):  # while the server plans the queries of writes again
                await store._transact(work)
            # then
            assert proxy.cut_at is None
            assert store.conflicts == 2

    run(transact())
