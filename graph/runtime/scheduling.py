"""Who goes first on the event loop: what someone waits for at a till goes before what comes in bulk."""

import asyncio
from asyncio import Future, Task
from collections import deque
from collections.abc import Callable, Iterable
from time import perf_counter
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")
SLICE_SECONDS = 0.000_5
"""How long bulk work goes on before others do."""
PAUSE_SECONDS = 0.001
"""How long it stands aside then, while someone waits."""
WAIT_SECONDS = 0.05
"""How long someone counts as waiting: a request may also be one that listens for hours."""

_waiting: dict[object, float] = {}
"""Since when each waits, the last who came at the end."""
_gone = float("-inf")
"""When the last of them had gone."""


class SomeoneWaits:
    """While a small request is worked on."""

    __slots__ = ()

    def __enter__(self) -> None:
        _waiting[self] = perf_counter()

    def __exit__(self, *_: object) -> None:
        global _gone
        del _waiting[self]
        _gone = perf_counter()


def someone_was_here(seconds: float) -> bool:
    """Whether someone waited within the last so many seconds."""
    return perf_counter() - max(_newest(), _gone) < seconds


async def in_turns(items: Iterable[T], change: Callable[[T], U]) -> list[U]:
    """What a function makes of each item; now and then others go on, and threads have the interpreter to themselves."""
    found: list[U] = []
    begun = perf_counter()
    for item in items:
        # Not after the last: someone at a till sends one, and would stand aside for themselves.
        if perf_counter() - begun > SLICE_SECONDS:
            await asyncio.sleep(_pause())
            begun = perf_counter()
        found.append(change(item))
    return found


class Turnstile:
    """Lets many who have much to do go on one after the other, with a turn of the event loop for others in between."""

    def __init__(self) -> None:
        self._waiting: deque[Future[None]] = deque()
        self._keeper: Task[None] | None = None

    async def through(self) -> None:
        """Wait for one's turn, to do what takes less than a slice."""
        turn: Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        if self._keeper is None or self._keeper.done():
            self._keeper = asyncio.create_task(self._keep())
        await turn

    async def _keep(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                await asyncio.sleep(_pause())


def _pause() -> float:
    return PAUSE_SECONDS if perf_counter() - _newest() < WAIT_SECONDS else 0


def _newest() -> float:
    """Since when the last who came waits."""
    return next(reversed(_waiting.values()), float("-inf"))
