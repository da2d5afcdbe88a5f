"""While the database cannot be used, callers are told at once and one task looks for it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from neo4j.exceptions import ServiceUnavailable

from graph.domain.model.errors import StoreUnavailable
from graph.stores.neo4j import availability
from graph.stores.neo4j.availability import Availability
from graph.stores.neo4j.failures import NO_ANSWER


@dataclass
class Database:
    """A database that answers once `answering` is set, and can be used once `usable` is."""

    answering: asyncio.Event = field(default_factory=asyncio.Event)
    usable: asyncio.Event = field(default_factory=asyncio.Event)
    checks: int = 0
    running: int = 0

    async def check(self) -> None:
        self.checks += 1
        self.running += 1
        assert self.running == 1, "several checks at a time"
        try:
            await self.answering.wait()
            if not self.usable.is_set():
                raise ServiceUnavailable("refused")
        finally:
            self.running -= 1


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(1_000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen")


def test_callers_wait_for_a_short_outage() -> None:
    async def run() -> None:
        # given
        database = Database()
        database.answering.set()
        available = Availability(database.check)
        available.failed(NO_ANSWER)
        # when
        callers = [asyncio.create_task(available.wait()) for _ in range(50)]
        await asyncio.sleep(0)
        database.usable.set()
        # then
        await asyncio.gather(*callers)
        assert available.sentence == ""
        await available.close()

    asyncio.run(run())


def test_callers_fail_at_once_during_a_longer_outage_until_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        # given
        monkeypatch.setattr(availability, "GRACE_SECONDS", 0)
        monkeypatch.setattr(availability, "CHECK_PAUSE", 0.01)
        database = Database()
        available = Availability(database.check)
        for _ in range(3):
            available.failed(NO_ANSWER)
        # when
        results = await asyncio.gather(*(available.wait() for _ in range(50)), return_exceptions=True)
        # then: nobody has waited for the check
        assert [type(result) for result in results] == [StoreUnavailable] * 50
        assert database.checks <= 1
        database.answering.set()
        # then: the reason is that of the last check
        await until(lambda: database.checks > 3)
        assert available.sentence == f"{NO_ANSWER} (ServiceUnavailable)"
        # when
        database.usable.set()
        # then
        await until(lambda: not available.sentence)
        await available.wait()
        # when: it fails again
        available.failed(NO_ANSWER)
        # then
        await until(lambda: not available.sentence)
        await available.close()

    asyncio.run(run())


def test_a_check_without_an_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        # given
        monkeypatch.setattr(availability, "CHECK_SECONDS", 0.01)
        monkeypatch.setattr(availability, "CHECK_PAUSE", 0.01)
        silent = True

        async def check() -> None:
            if silent:
                await asyncio.Event().wait()

        available = Availability(check)
        # when
        available.failed("lost")
        # then
        await until(lambda: available.sentence == f"{NO_ANSWER} (TimeoutError)")
        silent = False
        await until(lambda: not available.sentence)
        await available.close()

    asyncio.run(run())
