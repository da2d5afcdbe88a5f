"""Views that are asked for at the same moment are read in one round trip: it costs as much as what it brings."""

import asyncio
from asyncio import Future
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from graph.domain.profile.pages import Asked, Selection
from graph.stores.neo4j.customer_pages import Read

FEWEST, MOST = 4, 16
"""Customers in a round trip that several callers share: worth sharing, and none waits long for the others."""
Reading = Callable[[Sequence[Asked], Selection], Awaitable[list[Read]]]
Found = list[Read | None]


@dataclass(slots=True)
class _Caller:
    """Who waits for some customers; they are read in one round trip."""

    asked: Sequence[Asked]
    answer: "Future[Found]"


class Trips:
    """Puts together what is asked for in one turn of the event loop.

    Nobody waits for others to come, and what is read is read after it was asked for: an answer is never older than it
    would be alone. Under load a turn sees many requests, so a trip brings more the more there is to do.
    """

    def __init__(self, read: Reading) -> None:
        self._read = read
        self._waiting: dict[Selection, list[_Caller]] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    async def records(self, asked: Sequence[Asked], selection: Selection) -> Found:
        """What was read of each, in their order; `None` where the query found none."""
        loop = asyncio.get_running_loop()
        waiting = self._waiting.get(selection)
        if waiting is None:
            waiting = self._waiting[selection] = []
            # A task begins in the next turn of the loop.
            self._start(self._leave(selection))
        answer: Future[Found] = loop.create_future()
        waiting.append(_Caller(asked, answer))
        return await answer

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _leave(self, selection: Selection) -> None:
        waiting = self._waiting.pop(selection)
        # Where none is under way but this one, two leave: one is worked on here while the other is on its way.
        half = (sum(len(one.asked) for one in waiting) + 1) // 2
        size = MOST if len(self._under_way) > 1 else min(max(FEWEST, half), MOST)
        first, *others = _parted(waiting, size)
        for trip in others:
            self._start(self._go(trip, selection))
        await self._go(first, selection)

    async def _go(self, trip: Sequence[_Caller], selection: Selection) -> None:
        task = asyncio.current_task()
        for one in trip:
            one.answer.add_done_callback(partial(_stop_if_given_up, trip, task))
        try:
            read = await self._read([one for caller in trip for one in caller.asked], selection)
        except Exception as error:
            for caller in trip:
                if not caller.answer.done():
                    caller.answer.set_exception(error)
            return
        found = {one.at: one for one in read}
        first = 0
        for caller in trip:
            end = first + len(caller.asked)
            if not caller.answer.done():
                caller.answer.set_result([found.get(at) for at in range(first, end)])
            first = end


def _parted(waiting: Sequence[_Caller], size: int) -> Iterator[list[_Caller]]:
    """Callers in trips of up to so many customers, or of one caller who asks for more."""
    trip: list[_Caller] = []
    customers = 0
    for one in waiting:
        if trip and customers + len(one.asked) > size:
            yield trip
            trip, customers = [], 0
        trip.append(one)
        customers += len(one.asked)
    yield trip


def _stop_if_given_up(trip: Sequence[_Caller], task: "asyncio.Task[Any] | None", _: "Future[Found]") -> None:
    if task is not None and all(one.answer.cancelled() for one in trip):
        task.cancel()
