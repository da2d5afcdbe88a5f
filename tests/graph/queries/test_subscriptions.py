"""Following the graph: no gap, no entry twice, however far behind a follower is and however entries become visible."""

import asyncio
from typing import Any

import pytest

from graph.domain.model.changes import Cause, Change, ChangeKind, Entry
from graph.domain.model.customers import Anchor, Customer
from graph.domain.model.errors import InvalidInput, StoreUnavailable
from graph.domain.profile.pages import ById, CustomerView
from graph.queries import subscriptions
from graph.queries.subscriptions import Follower
from tests.builders.runs import Run


def entry(no: int) -> Entry:
    return Entry(no, Change(ChangeKind.CREATED, no, Cause("observed"), f"cus_{no}", "", (), "", ()))


class Feed:
    """A store whose entries become visible as the test says, out of order too."""

    def __init__(self) -> None:
        self.visible: set[int] = set()
        self.versions: dict[str, int] = {}
        self.reads = 0
        self.away = False

    def add(self, *numbers: int) -> None:
        self.visible.update(numbers)

    async def changes(self, after: int, first: int) -> list[Entry]:
        self.reads += 1
        if self.away:
            raise StoreUnavailable("away")
        return [entry(no) for no in sorted(self.visible) if no > after][:first]

    async def newest_change(self) -> int:
        return max(self.visible, default=0)

    async def customers(self, asked: Any, _: Any) -> list[CustomerView | None]:
        found = [self.versions.get(one.id) for one in asked]
        return [
            None if version is None else CustomerView(Customer(1, "cus", 0, Anchor("a", 0), version=version))
            for version in found
        ]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "SHORTEST_PAUSE", 0.001)


async def take(source: Any, count: int) -> list[int]:
    async with asyncio.timeout(10):
        return [(await anext(source)).no for _ in range(count)]


@pytest.mark.usefixtures("quick")
def test_followers_at_any_distance_get_every_entry_once(run: Run) -> None:
    async def attempt() -> None:
        store = Feed()
        store.add(*range(1, 2501))
        follower = Follower(store, 0.01)
        far, near, new = follower.changes(0), follower.changes(2490), follower.changes(None)
        assert await take(far, 1200) == list(range(1, 1201))
        assert await take(near, 10) == list(range(2491, 2501))
        waiting = asyncio.create_task(take(new, 3))
        await asyncio.sleep(0.05)
        # 2502 is visible before 2501 is
        store.add(2502)
        follower.nudge()
        await asyncio.sleep(0.05)
        assert not waiting.done()
        store.add(2501, 2503)
        follower.nudge()
        assert await waiting == [2501, 2502, 2503]
        assert await take(near, 3) == [2501, 2502, 2503]
        assert await take(far, 1303) == list(range(1201, 2504))
        for source in (far, near, new):
            await source.aclose()
        follower.close()

    run(attempt())


@pytest.mark.usefixtures("quick")
def test_those_who_follow_closely_share_one_read(run: Run) -> None:
    async def attempt() -> None:
        store = Feed()
        store.add(1)
        follower = Follower(store, 60)
        sources = [follower.changes(None) for _ in range(50)]
        tasks = [asyncio.create_task(take(source, 20)) for source in sources]
        await asyncio.sleep(0.05)
        before = store.reads
        store.add(*range(2, 22))
        follower.nudge()
        assert await asyncio.gather(*tasks) == [list(range(2, 22))] * 50
        assert store.reads - before <= 3
        for source in sources:
            await source.aclose()
        assert follower._task is None

    run(attempt())


@pytest.mark.usefixtures("quick")
def test_a_place_that_is_none_is_refused_and_an_absent_database_is_waited_for(run: Run) -> None:
    async def attempt() -> None:
        store = Feed()
        store.add(1, 2)
        follower = Follower(store, 0.01)
        with pytest.raises(InvalidInput):
            await anext(follower.changes(9))
        source = follower.changes(2)
        waiting = asyncio.create_task(take(source, 1))
        await asyncio.sleep(0.03)
        store.away = True
        store.add(3)
        await asyncio.sleep(0.03)
        assert not waiting.done()
        store.away = False
        assert await waiting == [3]
        await source.aclose()

    run(attempt())


@pytest.mark.usefixtures("quick")
def test_a_customer_is_told_now_and_at_each_change(run: Run) -> None:
    async def attempt() -> None:
        store = Feed()
        follower = Follower(store, 0.01)
        one, other = follower.customer(ById("x")), follower.customer(ById("x"))
        assert await anext(one) is None
        store.versions["x"] = 1
        assert await asyncio.wait_for(anext(one), 5) == ("cus", 1)
        assert await anext(other) == ("cus", 1)
        store.versions["x"] = 5
        assert await asyncio.wait_for(anext(other), 5) == ("cus", 5)
        assert await asyncio.wait_for(anext(one), 5) == ("cus", 5)
        await one.aclose()
        await other.aclose()
        assert not follower._watched
        assert not follower._states

    run(attempt())


@pytest.mark.usefixtures("quick")
def test_others_go_on_while_many_are_told_much(run: Run) -> None:
    # given many who follow, and much to tell
    feed = Feed()
    feed.add(*range(1, 301))
    follower = Follower(feed)  # type: ignore[arg-type]
    told = 0

    async def listen() -> None:
        nonlocal told
        source = follower.changes(0)
        for _ in range(300):
            await anext(source)
            told += 1
        await source.aclose()

    async def scene() -> int:
        listening = [asyncio.create_task(listen()) for _ in range(20)]
        most = before = 0
        # when something else has its turns
        async with asyncio.timeout(30):
            while not all(one.done() for one in listening):
                await asyncio.sleep(0)
                most, before = max(most, told - before), told
        return most

    # then it waits for one of them at a time
    assert run(scene()) <= 2 * subscriptions.ENTRIES_A_TURN
    assert told == 20 * 300
