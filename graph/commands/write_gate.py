"""Refuses what callers write while the store is not prepared, or while two sets of rules contradict each other."""

from graph.domain.model.errors import TemporaryFailure


class WriteGate:
    """Open unless it is closed with a reason. The graph's own background work does not pass it."""

    def __init__(self) -> None:
        self._reason: TemporaryFailure | None = None

    def close(self, reason: TemporaryFailure) -> None:
        """Refuse writes with an error of this type and message."""
        self._reason = reason

    def open(self) -> None:
        """Accept writes."""
        self._reason = None

    def check(self) -> None:
        """Raise the error that the gate was closed with, if it is closed."""
        if self._reason is not None:
            # A new one, because a raised error keeps its traceback.
            raise type(self._reason)(self._reason.message)
