"""Timeouts that rarely expire, cheap for the common case."""

from asyncio import AbstractEventLoop, CancelledError, current_task, get_running_loop
from types import TracebackType


class SharedTimeout:
    """A timeout of the same length for many scopes: like `asyncio.timeout`, but with one timer for all of them.

    A timer for each would cost a twentieth of a small request and a third of a subscription message. All scopes have
    the same length, so they expire in the order in which they were entered. Used on one event loop at a time.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._scopes: dict[TimeoutScope, None] = {}
        self._loop: AbstractEventLoop | None = None
        """The loop on which the timer is set."""

    def scope(self) -> "TimeoutScope":
        """Return a context whose body is canceled after `seconds`; it then raises `TimeoutError`."""
        return TimeoutScope(self)

    def _enter(self, scope: "TimeoutScope") -> None:
        loop = get_running_loop()
        scope.deadline = loop.time() + self.seconds
        self._scopes[scope] = None
        if self._loop is not loop:
            self._loop = loop
            loop.call_at(scope.deadline, self._check, loop)

    def expire(self) -> None:
        """Expire all scopes now."""
        for scope in list(self._scopes):
            scope.expire()

    def _check(self, loop: AbstractEventLoop) -> None:
        now = loop.time()
        for scope in list(self._scopes):
            if scope.deadline > now:
                loop.call_at(scope.deadline, self._check, loop)
                return
            scope.expire()
        self._loop = None

    def _remove(self, scope: "TimeoutScope") -> None:
        self._scopes.pop(scope, None)


class TimeoutScope:
    """One use of a shared timeout."""

    __slots__ = ("_cancelling", "_expired", "_task", "_timeout", "deadline")

    deadline: float

    def __init__(self, timeout: SharedTimeout) -> None:
        self._timeout, self._expired = timeout, False

    def __enter__(self) -> None:
        task = current_task()
        if task is None:
            raise RuntimeError("a timeout scope must be entered in a task")
        self._task, self._cancelling = task, task.cancelling()
        self._timeout._enter(self)

    def expire(self) -> None:
        """Cancel the task: the deadline has passed."""
        self._expired = True
        self._timeout._remove(self)
        self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timeout._remove(self)
        # If the task was canceled by another caller too, that cancellation continues.
        if self._expired and self._task.uncancel() <= self._cancelling and kind is CancelledError:
            raise TimeoutError from error
