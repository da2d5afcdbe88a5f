"""Reads of views that share a round trip."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from graph.domain.profile.pages import Asked, ById, IdentifierPage, OrderPage, Selection
from graph.stores.neo4j.customer_pages import Read
from graph.stores.neo4j.read_batcher import FEWEST, MOST, Trips

ORDERS = Selection((OrderPage(10),))
IDENTIFIERS = Selection((IdentifierPage(("email",), 10),))


@dataclass
class Database:
    """What is read from: it knows the customers c0, c1 and so on, and answers once `open` is set."""

    trips: list[list[str]] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    stopped: int = 0
    fails: bool = False

    async def read(self, asked: Sequence[Asked], selection: Selection) -> list[Read]:
        names = [one.id for one in asked if isinstance(one, ById)]
        self.trips.append(names)
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.stopped += 1
            raise
        if self.fails:
            raise ConnectionError
        return [Read(at, name, {}, [], 0, True) for at, name in enumerate(names) if name.startswith("c")]


def ids(found: list[Read | None]) -> list[str | None]:
    return [None if one is None else one.node for one in found]


async def asking(trips: Trips, *names: str, selection: Selection = ORDERS) -> list[str | None]:
    return ids(await trips.records([ById(name) for name in names], selection))


async def turn() -> None:
    """Let the loop do what is due."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_what_is_asked_for_at_once_is_read_at_once_and_each_gets_its_own() -> None:
    async def run() -> None:
        # given
        database = Database()
        database.open.set()
        trips = Trips(database.read)
        # when
        found = await asyncio.gather(asking(trips, "c1"), asking(trips, "nobody"), asking(trips, "c3", "c4"))
        # then
        assert found == [["c1"], [None], ["c3", "c4"]]
        assert database.trips == [["c1", "nobody", "c3", "c4"]]

    asyncio.run(run())


def test_other_pages_are_another_trip() -> None:
    async def run() -> None:
        # given
        database = Database()
        database.open.set()
        trips = Trips(database.read)
        # when
        await asyncio.gather(asking(trips, "c1"), asking(trips, "c2", selection=IDENTIFIERS))
        # then
        assert database.trips == [["c1"], ["c2"]]

    asyncio.run(run())


def test_who_comes_once_a_trip_has_left_is_read_anew() -> None:
    """What was asked for after a write must not be answered by a read that began before it."""

    async def run() -> None:
        # given a trip under way
        database = Database()
        trips = Trips(database.read)
        first = asyncio.create_task(asking(trips, "c1"))
        await turn()
        # when
        second = asyncio.create_task(asking(trips, "c1"))
        await turn()
        database.open.set()
        # then
        assert await first == await second == ["c1"]
        assert database.trips == [["c1"], ["c1"]]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("callers", "under_way", "sizes"),
    [
        (FEWEST, False, [FEWEST]),
        (FEWEST + 2, False, [FEWEST, 2]),
        (MOST, False, [MOST // 2, MOST // 2]),
        (MOST, True, [MOST]),
        (MOST + 1, True, [MOST, 1]),
        (3 * MOST, False, [MOST, MOST, MOST]),
    ],
)
def test_the_size_of_trips(callers: int, under_way: bool, sizes: list[int]) -> None:
    async def run() -> None:
        # given
        database = Database()
        trips = Trips(database.read)
        before = asyncio.create_task(asking(trips, "c")) if under_way else None
        await turn()
        database.trips.clear()
        # when
        asked = [asyncio.create_task(asking(trips, f"c{one}")) for one in range(callers)]
        await turn()
        database.open.set()
        # then
        assert await asyncio.gather(*asked) == [[f"c{one}"] for one in range(callers)]
        assert [len(one) for one in database.trips] == sizes
        if before is not None:
            await before

    asyncio.run(run())


def test_what_one_caller_asks_for_stays_together() -> None:
    async def run() -> None:
        # given
        database = Database()
        database.open.set()
        trips = Trips(database.read)
        names = [f"c{one}" for one in range(3 * MOST)]
        # when
        found = await asyncio.gather(asking(trips, "c1"), asking(trips, *names), asking(trips, "c2"))
        # then
        assert found == [["c1"], names, ["c2"]]
        assert database.trips == [["c1"], names, ["c2"]]

    asyncio.run(run())


def test_a_failure_reaches_all_who_wait_and_nobody_after_them() -> None:
    async def run() -> None:
        # given
        database = Database(fails=True)
        database.open.set()
        trips = Trips(database.read)
        # when
        found = await asyncio.gather(asking(trips, "c1"), asking(trips, "c2", "c3"), return_exceptions=True)
        # then
        assert [type(one) for one in found] == [ConnectionError, ConnectionError]
        database.fails = False
        assert await asking(trips, "c1") == ["c1"]

    asyncio.run(run())


def test_who_gives_up_leaves_the_others_alone() -> None:
    async def run() -> None:
        # given
        database = Database()
        trips = Trips(database.read)
        hasty, patient = (asyncio.create_task(asking(trips, name)) for name in ("c1", "c2"))
        await turn()
        # when
        hasty.cancel()
        await turn()
        database.open.set()
        # then
        assert await patient == ["c2"]
        assert hasty.cancelled()
        assert database.stopped == 0

    asyncio.run(run())


def test_a_trip_that_nobody_waits_for_any_more_is_stopped() -> None:
    async def run() -> None:
        # given
        database = Database()
        trips = Trips(database.read)
        callers = [asyncio.create_task(asking(trips, *names)) for names in (["c1"], ["c2", "c3"])]
        await turn()
        # when
        for one in callers:
            one.cancel()
        await turn()
        # then
        assert database.stopped == 1

    asyncio.run(run())
