"""Counters that the graph keeps of its own work, for those who monitor the service. They only grow."""

from bisect import bisect_left
from dataclasses import dataclass, field

SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)
"""Upper bounds of the buckets of sizes."""


class SizeCounter:
    """Counts sizes in buckets: those up to each bound of `SIZES`, and larger ones."""

    __slots__ = ("buckets", "total")

    def __init__(self) -> None:
        self.buckets = [0] * (len(SIZES) + 1)
        self.total = 0

    def add(self, size: int) -> None:
        """Count one size."""
        self.buckets[bisect_left(SIZES, size)] += 1
        self.total += size


@dataclass(slots=True)
class WriteCounters:
    """Counters of group commit."""

    group_sizes: SizeCounter = field(default_factory=SizeCounter)
    """The numbers of commands in each transaction."""
    reloads: int = 0
    """Transactions repeated because the rules had changed."""
    overloaded: int = 0
    """Requests rejected because too many commands were waiting."""
    consent_required: int = 0
    """Identifiers that were not taken up, because consent was not given at them."""


@dataclass(slots=True)
class WorkerCounters:
    """Counters of a background worker."""

    rounds: int = 0
    """Rounds that ended without an error."""
    failures: int = 0
    """Rounds that ended with an error."""
    items: int = 0
    """What the rounds are about: customers that were read, or data that was removed."""
    last_at: int = 0
    """When the last round without an error ended, in microseconds since 1970; 0 before the first."""
    last_seconds: float = 0.0
    """How long that round took."""

    def ended(self, at: int, seconds: float) -> None:
        """Count a round without an error that ended at a time in microseconds."""
        self.rounds += 1
        self.last_at, self.last_seconds = at, seconds
