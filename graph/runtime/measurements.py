"""Where the time of one operation goes: waiting to be written, being written, reading.

The service sets `current` for each operation, and whatever waits on behalf of it adds to its times, and to its trace if
it is traced.
"""

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from time import perf_counter
from typing import Protocol

Attributes = Mapping[str, str | int]


class Span(Protocol):
    """A part of a trace. It may be used from any thread."""

    def child(self, name: str, attributes: Attributes, links: Sequence["Span"] = ()) -> "Span":
        """Begin a part of this span, linked to other spans."""
        ...

    def end(self, error: str = "") -> None:
        """End the span; `error` is the type of an error."""
        ...


class Stopwatch:
    """Seconds during which at least one of several waits lasted: waits that overlap count once."""

    __slots__ = ("_began", "_running", "seconds")

    def __init__(self) -> None:
        self.seconds = 0.0
        self._running = 0
        self._began = 0.0

    def __enter__(self) -> None:
        if not self._running:
            self._began = perf_counter()
        self._running += 1

    def __exit__(self, *_: object) -> None:
        self._running -= 1
        if not self._running:
            self.seconds += perf_counter() - self._began


class OperationTimes:
    """The times of one operation."""

    __slots__ = ("queue_seconds", "read", "span", "write")

    def __init__(self) -> None:
        self.read, self.write = Stopwatch(), Stopwatch()
        """Waiting for reads and for writes of the store; a write includes the decisions in its transaction."""
        self.queue_seconds = 0.0
        """The part of `write` in which it waited for other writes."""
        self.span: Span | None = None
        """The span of the operation; `None` if it is not traced."""


current: ContextVar[OperationTimes | None] = ContextVar("operation_times", default=None)
"""The times of the operation that the running task belongs to; `None` for background work."""
