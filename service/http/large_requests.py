"""Large requests take turns: few are prepared at the same time, and those that would wait too long are rejected."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass

from graph.domain.model.errors import Overloaded
from graph.runtime.rates import Rate

MAX_RUNNING = 8
"""Large requests that run at the same time. Each takes a tenth of a second and more to parse, prepare and answer, so
that of many at once none would be ready in time; and together they fill the transactions of the store."""
MAX_WAITING_BYTES = 256_000_000
"""Length of the requests that may wait."""


@dataclass(slots=True, eq=False)
class _Waiting:
    length: int
    deadline: float
    turn: asyncio.Future[None]


class LargeRequests:
    """The queue of large requests. None waits longer than `seconds`, as far as the measured rate tells."""

    def __init__(self, seconds: float, max_running: int = MAX_RUNNING) -> None:
        self._seconds, self._max_running = seconds, max_running
        self._rate = Rate()
        self._ended = 0
        self._running = 0
        self._running_bytes = 0
        self._waiting: deque[_Waiting] = deque()

    def require_room(self, length: int) -> None:
        """Raise `Overloaded` if a request of `length` bytes would wait too long."""
        ahead = self._running_bytes + sum(request.length for request in self._waiting)
        wait = self._seconds_for(ahead)
        if self._running >= self._max_running and (wait > self._seconds or ahead + length > MAX_WAITING_BYTES):
            raise _overloaded(wait)

    @contextlib.asynccontextmanager
    async def turn(self, length: int) -> AsyncIterator[None]:
        """Wait for the turn of a request of `length` bytes. Raises `Overloaded` if it would come too late."""
        self.require_room(length)
        now = asyncio.get_running_loop().time()
        if self._running < self._max_running:
            if not self._running:
                self._rate.begin(now)
            self._start(length)
        else:
            request = _Waiting(length, now + self._seconds, asyncio.get_running_loop().create_future())
            self._waiting.append(request)
            try:
                await request.turn
            except BaseException:
                if request in self._waiting:
                    self._waiting.remove(request)
                elif request.turn.done() and not request.turn.cancelled() and request.turn.exception() is None:
                    self._end(length)  # its turn came, and it was canceled before it noticed
                raise
        try:
            yield
        finally:
            self._end(length)

    def _seconds_for(self, length: int) -> float:
        # Those that run at the same time end at about the same time: the first one alone would tell too low a rate.
        return self._rate.seconds_for(length) if self._ended >= self._max_running else 0.0

    def _start(self, length: int) -> None:
        self._running += 1
        self._running_bytes += length

    def _end(self, length: int) -> None:
        now = asyncio.get_running_loop().time()
        self._rate.add(length, now)
        self._ended += 1
        self._running -= 1
        self._running_bytes -= length
        while self._waiting and self._running < self._max_running:
            request = self._waiting.popleft()
            if not request.turn.done():
                request.turn.set_result(None)
                self._start(request.length)
        self._reject_late(now)

    def _reject_late(self, now: float) -> None:
        ahead = self._running_bytes
        for request in list(self._waiting):
            wait = self._seconds_for(ahead)
            if now + wait <= request.deadline:
                ahead += request.length
            else:
                self._waiting.remove(request)
                if not request.turn.done():
                    request.turn.set_exception(_overloaded(wait))


def _overloaded(wait: float) -> Overloaded:
    return Overloaded(f"large requests wait for about {wait:.0f} s; retry after them", wait)
