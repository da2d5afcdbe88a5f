"""What a verification found, by check."""

from collections import Counter
from collections.abc import Sequence
from enum import Enum

from msgspec import Struct, field

MAX_SAMPLES = 20
"""Findings of a check that a report names; all are counted."""


class Check(Enum):
    """What is compared. Those in `NOT_REPAIRED` do not follow from observations."""

    STORAGE = "storage"
    """The files of the store, and references within it."""
    OBSERVATIONS = "observations"
    """The identifiers, status and facts of observations follow from what was sent and from the rules."""
    INDEXES = "indexes"
    """Observations are found by their identifiers, facts and words."""
    SEARCH = "search"
    """Identifiers are found by their words."""
    IDENTIFIERS = "identifiers"
    """Evidence, neighbor counts, orders, interaction counts and guarded values of identifiers."""
    LINKS = "links"
    """Links with their evidence and their states."""
    MEMBERSHIP = "membership"
    """Which identifiers form a customer."""
    CUSTOMERS = "customers"
    """Counts, totals, anchors and redirects of customers."""
    HISTORY = "history"
    """The history is numbered without gaps and leads to the customers of now."""
    SEGMENTS = "segments"
    """Memberships of segments refer to segments and customers that exist."""


NOT_REPAIRED = frozenset({Check.HISTORY})


class Finding(Struct, frozen=True, gc=False):
    """One difference: where (keys of identifiers, ids, or a number) and which values differ, never the values."""

    check: Check
    place: tuple[str, ...]
    detail: str
    masked: bool = True
    """Whether `place` can identify a person: keys of identifiers, and ids that sources gave."""


class Report(Struct):
    """The findings of a verification: all are counted, the first of each check are named."""

    counts: Counter[Check] = field(default_factory=Counter)
    samples: dict[Check, list[Finding]] = field(default_factory=dict)
    verified: Counter[str] = field(default_factory=Counter)
    """The records that were compared, by kind."""

    def add(self, finding: Finding) -> None:
        """Add a finding."""
        self.counts[finding.check] += 1
        samples = self.samples.setdefault(finding.check, [])
        if len(samples) < MAX_SAMPLES:
            samples.append(finding)

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not self.counts


def differing(names: Sequence[str], a: object, b: object) -> str:
    """Return the names of the fields in which two values differ."""
    return ", ".join(name for name in names if getattr(a, name) != getattr(b, name))
