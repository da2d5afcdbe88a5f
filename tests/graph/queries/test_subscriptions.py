"""Subscriptions: no gap and no duplicate, however far behind a subscriber is and however entries become visible."""

import asyncio
from typing import Any

import pytest

from graph.domain.model.changes import Cause, Change, ChangeKind, Entry
from graph.domain.model.customers import Anchor, Customer
from graph.domain.model.errors import InvalidInput, ShuttingDown, StoreUnavailable
from graph.domain.profile.pages import ById, CustomerView
from graph.queries import subscriptions
from graph.queries.subscriptions import ChangeBroadcaster
from tests.builders.runs import Run


def entry(number: int) -> Entry:
    return Entry(number, Change(ChangeKind.CUSTOMER_CREATED, number, Cause(), f"cus_{number}", "", (), "", ()))


class Feed:
    """A store whose entries the test makes visible, also out of order."""

    def __init__(self) -> None:
        self.visible: set[int] = set()
        self.versions: dict[str, int] = {}
        self.reads = 0
        self.unavailable = False

    def add(self, *numbers: int) -> None:
        self.visible.update(numbers)

    async def changes(self, after: int, first: int) -> list[Entry]:
        self.reads += 1
        if self.unavailable:
            raise StoreUnavailable("unavailable")
        return [entry(number) for number in sorted(self.visible) if number > after][:first]

    async def newest_change(self) -> int:
        return max(self.visible, default=0)

    async def customers(self, refs: Any, _: Any) -> list[CustomerView | None]:
        versions = [self.versions.get(ref.id) for ref in refs]
        return [
            None if version is None else CustomerView(Customer(1, "cus", 0, Anchor("a", 0), version=version))
            for version in versions
        ]


@pytest.fixture
def fast_polling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "MIN_PAUSE_SECONDS", 0.001)


async def take(source: Any, count: int) -> list[int]:
    async with asyncio.timeout(10):
        return [(await anext(source)).number for _ in range(count)]


@pytest.mark.usefixtures("fast_polling")
def test_subscribers_at_any_position_get_every_entry_once(run: Run) -> None:
    async def attempt() -> None:
        store = Feed()
        store.add(*range(1, 2501))
        broadcaster = ChangeBroadcaster(store, 0.01)
        far, near, new = broadcaster.changes(0), broadcaster.changes(2490), broadcaster.changes(None)
        assert await take(far, 1200) == list(range(1, 1201))
        assert await take(near, 10) == list(range(2491, 2501))
        waiting = asyncio.create_task(take(new, 3))
        await asyncio.sleep(0.05)
        # 2502 is visible before 2501
        store.add(2502)
        broadcaster.notify()
        await asyncio.sleep(0.05)
        assert not waiting.done()
        store.add(2501, 2503)
        broadcaster.notify()
        assert await waiting == [2501, 2502, 2503]
        assert await take(near, 3) == [2501, 2502, 2503]
        assert await take(far, 1303) == list(range(1201, 2504))
        for source in (far, near, new):
            await source.aclose()
        await broadcaster.close()

    run(attempt())


@pytest.mark.usefixtures("fast_polling")
def test_subscribers_that_are_up_to_date_share_one_read(run: Run) -> None:
    async def attempt() -> None:
        store = Feed()
        store.add(1)
        broadcaster = ChangeBroadcaster(store, 60)
        sources = [broadcaster.changes(None) for _ in range(50)]
        tasks = [asyncio.create_task(take(source, 20)) for source in sources]
        await asyncio.sleep(0.05)
        before = store.reads
        store.add(*range(2, 22))
        broadcaster.notify()
        assert await asyncio.gather(*tasks) == [list(range(2, 22))] * 50
        assert store.reads - before <= 3
        for source in sources:
            await source.aclose()
        assert broadcaster._task is None

    run(attempt())


@pytest.mark.usefixtures("fast_polling")
def test_an_unknown_position_is_rejected_and_an_unavailable_database_is_waited_for(run: Run) -> None:
    async def attempt() -> None:
        store = Feed()
        store.add(1, 2)
        broadcaster = ChangeBroadcaster(store, 0.01)
        with pytest.raises(InvalidInput):
            await anext(broadcaster.changes(9))
        source = broadcaster.changes(2)
        waiting = asyncio.create_task(take(source, 1))
        await asyncio.sleep(0.03)
        store.unavailable = True
        store.add(3)
        await asyncio.sleep(0.03)
        assert not waiting.done()
        store.unavailable = False
        assert await waiting == [3]
        await source.aclose()

    run(attempt())


@pytest.mark.usefixtures("fast_polling")
def test_the_state_of_a_customer_is_yielded_now_and_after_each_change(run: Run) -> None:
    async def attempt() -> None:
        store = Feed()
        broadcaster = ChangeBroadcaster(store, 0.01)
        first, second = broadcaster.customer(ById("x")), broadcaster.customer(ById("x"))
        assert await anext(first) is None
        store.versions["x"] = 1
        assert await asyncio.wait_for(anext(first), 5) == ("cus", 1)
        assert await anext(second) == ("cus", 1)
        store.versions["x"] = 5
        assert await asyncio.wait_for(anext(second), 5) == ("cus", 5)
        assert await asyncio.wait_for(anext(first), 5) == ("cus", 5)
        await first.aclose()
        await second.aclose()
        assert not broadcaster._watched
        assert not broadcaster._states

    run(attempt())


@pytest.mark.usefixtures("fast_polling")
def test_other_tasks_run_while_many_subscribers_read_many_entries(run: Run) -> None:
    # given: many subscribers and many entries
    feed = Feed()
    feed.add(*range(1, 301))
    broadcaster = ChangeBroadcaster(feed)  # type: ignore[arg-type]
    received = 0

    async def subscribe() -> None:
        nonlocal received
        source = broadcaster.changes(0)
        for _ in range(300):
            await anext(source)
            received += 1
        await source.aclose()

    async def measure() -> int:
        tasks = [asyncio.create_task(subscribe()) for _ in range(20)]
        max_received = before = 0
        # when: another task runs on the event loop
        async with asyncio.timeout(30):
            while not all(task.done() for task in tasks):
                await asyncio.sleep(0)
                max_received, before = max(max_received, received - before), received
        return max_received

    # then: it waits for one subscriber at a time
    assert run(measure()) <= 2 * subscriptions.ENTRIES_PER_TURN
    assert received == 20 * 300


@pytest.mark.usefixtures("fast_polling")
def test_all_subscriptions_end_when_the_broadcaster_is_closed(run: Run) -> None:
    async def attempt() -> list[BaseException | Any]:
        # given: subscribers that wait, one with entries still to read, and one of a customer
        feed = Feed()
        feed.add(*range(1, 4))
        feed.versions["cus"] = 1
        broadcaster = ChangeBroadcaster(feed, 60)  # type: ignore[arg-type]
        waiting, behind = broadcaster.changes(None), broadcaster.changes(0)
        customer = broadcaster.customer(ById("cus"))
        assert await anext(customer) == ("cus", 1)
        assert (await anext(behind)).number == 1
        tasks = [asyncio.create_task(anext(source)) for source in (waiting, customer)]
        await asyncio.sleep(0.05)
        # when
        await broadcaster.close()
        async with asyncio.timeout(10):
            results = await asyncio.gather(*tasks, return_exceptions=True)
            numbers = [(await anext(behind)).number, (await anext(behind)).number]
            last = await asyncio.gather(anext(behind), anext(broadcaster.changes(None)), return_exceptions=True)
        assert numbers == [2, 3], "what was read already is still received"
        return [*results, *last]

    # then
    assert [type(error) for error in run(attempt())] == [ShuttingDown] * 4
