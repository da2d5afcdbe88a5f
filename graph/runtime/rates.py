"""How fast work is done, measured, to tell how long more work will take."""

HALF_LIFE_SECONDS = 2.0
"""How fast a measured rate forgets."""


class Rate:
    """The measured rate of some work, over the time in which there is any; times are those of one clock, in seconds."""

    def __init__(self) -> None:
        self._done = self._seconds = self._since = 0.0

    def begin(self, now: float) -> None:
        """Begin to measure: there is something to do again."""
        self._since = now

    def add(self, done: int, now: float) -> None:
        """Count what was done since the last call."""
        elapsed, self._since = now - self._since, now
        weight = 0.5 ** (elapsed / HALF_LIFE_SECONDS)
        self._done = self._done * weight + done
        self._seconds = self._seconds * weight + elapsed

    def seconds_for(self, work: int) -> float:
        """Return how long some work will take; 0 if nothing was measured yet."""
        return work * self._seconds / self._done if self._done else 0.0
