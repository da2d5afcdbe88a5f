"""The queue of large requests."""

import asyncio
from typing import Any

import pytest

from graph.domain.model.errors import Overloaded
from service.http import large_requests
from service.http.large_requests import LargeRequests
from tests.builders.runs import Run


class Requests:
    """Requests that run until the test lets them end."""

    def __init__(self, queue: LargeRequests) -> None:
        self.queue, self.log = queue, []
        self._ends: dict[int, asyncio.Event] = {}

    async def send(self, name: int, length: int = 1000) -> None:
        self._ends[name] = asyncio.Event()
        try:
            async with self.queue.turn(length):
                self.log.append(f"{name} begins")
                await self._ends[name].wait()
            self.log.append(f"{name} ends")
        except Overloaded as error:
            self.log.append(f"{name} rejected" if 2 <= error.retry_after <= 60 else f"retry after {error.retry_after}")

    async def end(self, name: int) -> None:
        self._ends[name].set()
        await asyncio.sleep(0.05)


def test_requests_take_turns_in_the_order_of_their_arrival(run: Run) -> None:
    async def attempt() -> list[str]:
        requests = Requests(LargeRequests(60, 2))
        tasks = [asyncio.create_task(requests.send(name)) for name in range(4)]
        await asyncio.sleep(0)
        for name in range(4):
            await requests.end(name)
        await asyncio.gather(*tasks)
        return requests.log

    # then
    log = run(attempt())
    assert [line for line in log if "begins" in line] == [f"{name} begins" for name in range(4)]
    assert log.index("2 begins") > log.index("0 ends")


def test_those_that_would_wait_too_long_are_rejected_as_soon_as_the_rate_is_known(run: Run) -> None:
    async def attempt() -> list[str]:
        # given: a request takes 0.05 s, and none may wait for more than about ten
        requests = Requests(LargeRequests(0.8, 2))
        tasks = [asyncio.create_task(requests.send(name)) for name in range(100)]
        await asyncio.sleep(0.05)
        # when
        await requests.end(0)
        early = [line for line in requests.log if "rejected" in line]
        await requests.end(1)
        log = list(requests.log)
        # and later ones, even before their bodies are read
        tasks += [asyncio.create_task(requests.send(name)) for name in range(100, 200)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            requests.queue.require_room(1000)
        assert not early
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return log

    # then
    log = run(attempt())
    assert "2 begins" in log
    assert log.count("99 rejected") == 1
    assert 50 < len([line for line in log if "rejected" in line]) < 97


def test_a_request_that_is_canceled_leaves_its_place(run: Run) -> None:
    async def attempt() -> list[str]:
        requests = Requests(LargeRequests(60, 2))
        tasks: list[asyncio.Task[Any]] = [asyncio.create_task(requests.send(name)) for name in range(5)]
        await asyncio.sleep(0)
        # when: one that waits, one that runs, and one whose turn has just come
        tasks[2].cancel()
        tasks[0].cancel()
        await asyncio.sleep(0)
        tasks[3].cancel()
        await asyncio.sleep(0)
        await requests.end(1)
        await requests.end(4)
        await asyncio.gather(*tasks, return_exceptions=True)
        # then: both places are free
        more = [asyncio.create_task(requests.send(name)) for name in (5, 6)]
        await asyncio.sleep(0)
        for name in (5, 6):
            await requests.end(name)
        await asyncio.gather(*more)
        return requests.log

    log = run(attempt())
    assert log[-4:] == ["5 begins", "6 begins", "5 ends", "6 ends"]
    assert "4 ends" in log


def test_what_waits_has_a_maximum_length(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_requests, "MAX_WAITING_BYTES", 3500)

    async def attempt() -> list[str]:
        requests = Requests(LargeRequests(60, 2))
        tasks = [asyncio.create_task(requests.send(name)) for name in range(4)]
        await asyncio.sleep(0)
        for name in range(3):
            await requests.end(name)
        await asyncio.gather(*tasks)
        return requests.log

    assert "3 rejected" in run(attempt())
