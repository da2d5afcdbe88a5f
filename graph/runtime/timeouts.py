"""Time limits that nearly nobody runs into."""

from asyncio import AbstractEventLoop, CancelledError, current_task, get_running_loop
from types import TracebackType


class TimeLimit:
    """So many seconds for each of many: as `asyncio.timeout` does it, but with one timer for all of them.

    A timer for each costs a twentieth of a till's request and a third of a subscriber's message. The limit is the same
    for all, so who came first is the first whose time is over. Used on one event loop at a time.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._within: dict[Within, None] = {}
        self._watched: AbstractEventLoop | None = None
        """The loop that the timer is set on."""

    def within(self) -> "Within":
        """A context whose body is cancelled once the time is over; then it raises `TimeoutError`."""
        return Within(self)

    def _watch(self, one: "Within") -> None:
        loop = get_running_loop()
        one.ends = loop.time() + self.seconds
        self._within[one] = None
        if self._watched is not loop:
            self._watched = loop
            loop.call_at(one.ends, self._look, loop)

    def _look(self, loop: AbstractEventLoop) -> None:
        now = loop.time()
        for one in list(self._within):
            if one.ends > now:
                loop.call_at(one.ends, self._look, loop)
                return
            one.end()
        self._watched = None

    def _forget(self, one: "Within") -> None:
        self._within.pop(one, None)


class Within:
    """One that is within a limit."""

    __slots__ = ("_cancelling", "_limit", "_over", "_task", "ends")

    ends: float

    def __init__(self, limit: TimeLimit) -> None:
        self._limit, self._over = limit, False

    def __enter__(self) -> None:
        task = current_task()
        if task is None:
            raise RuntimeError("a time limit is for what runs in a task")
        self._task, self._cancelling = task, task.cancelling()
        self._limit._watch(self)

    def end(self) -> None:
        """The time is over."""
        self._over = True
        self._limit._forget(self)
        self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._limit._forget(self)
        # Where the task was cancelled by others too, theirs goes on.
        if self._over and self._task.uncancel() <= self._cancelling and kind is CancelledError:
            raise TimeoutError from error
