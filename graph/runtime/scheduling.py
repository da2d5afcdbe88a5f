"""Priorities on the event loop: interactive requests run before bulk work."""

import asyncio
from asyncio import Future, Task
from collections import deque
from collections.abc import Callable, Iterable
from time import perf_counter
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")
SLICE_SECONDS = 0.000_5
"""How long bulk work runs before it yields to other tasks."""
PAUSE_SECONDS = 0.001
"""How long bulk work pauses when it yields while an interactive request is running."""
INTERACTIVE_SECONDS = 0.05
"""How long a request counts as interactive after it has started: a subscription may last for hours."""

_interactive: dict[object, float] = {}
"""The start of each interactive request, newest last."""
_last_finished = float("-inf")
"""When the last of them finished."""


class InteractiveRequest:
    """A context in which a small request is executed."""

    __slots__ = ()

    def __enter__(self) -> None:
        _interactive[self] = perf_counter()

    def __exit__(self, *_: object) -> None:
        global _last_finished
        del _interactive[self]
        _last_finished = perf_counter()


def interactive_within(seconds: float) -> bool:
    """Return whether an interactive request was running within the last `seconds`."""
    return perf_counter() - max(_newest_start(), _last_finished) < seconds


async def map_cooperatively(items: Iterable[T], function: Callable[[T], U]) -> list[U]:
    """Return the results of a function for all items; yields to other tasks and threads after each slice."""
    results: list[U] = []
    began = perf_counter()
    for item in items:
        # Not after the last item: a request with a single item would yield to itself.
        if perf_counter() - began > SLICE_SECONDS:
            await asyncio.sleep(_pause())
            began = perf_counter()
        results.append(function(item))
    return results


class FairQueue:
    """Lets tasks with much work continue one after the other; in between, the event loop runs other tasks."""

    def __init__(self) -> None:
        self._queue: deque[Future[None]] = deque()
        self._worker: Task[None] | None = None

    async def wait_turn(self) -> None:
        """Wait for the caller's turn; the work that follows should take less than `SLICE_SECONDS`."""
        turn: Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._serve())
        await turn

    async def _serve(self) -> None:
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                await asyncio.sleep(_pause())


def _pause() -> float:
    return PAUSE_SECONDS if perf_counter() - _newest_start() < INTERACTIVE_SECONDS else 0


def _newest_start() -> float:
    """Return the start of the newest interactive request that is running, -inf if there is none."""
    return next(reversed(_interactive.values()), float("-inf"))
