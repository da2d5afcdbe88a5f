"""Filters of the history: which entries a reader asks for."""

from msgspec import Struct

from graph.domain.model.changes import SEGMENT_CHANGES, CauseType, Change, ChangeKind
from graph.domain.model.errors import InvalidInput


class Selected(Struct, frozen=True):
    """What stores find by an index: entries of some kinds, and those that name one of some customers; empty: all."""

    kinds: frozenset[ChangeKind] = frozenset()
    customers: frozenset[str] = frozenset()


class ChangeFilter(Struct, frozen=True):
    """Which entries are asked for; one that is empty asks for all.

    `source` is that of the cause, `segment` the id of the segment that is the cause. `since` (inclusive) and `until`
    (exclusive) are in microseconds.
    """

    kinds: frozenset[ChangeKind] = frozenset()
    customers: frozenset[str] = frozenset()
    source: str = ""
    segment: str = ""
    since: int | None = None
    until: int | None = None

    def check(self) -> None:
        """Raise `InvalidInput` if no entry can match."""
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise InvalidInput("INVALID_VALUE", "filter: since must be before until", ("filter", "until"))

    @property
    def is_empty(self) -> bool:
        """Whether all entries match."""
        return self == ALL_CHANGES

    @property
    def selected(self) -> Selected:
        """What stores find by an index: all entries that match, and others."""
        of_segments = frozenset(SEGMENT_CHANGES) if self.segment else frozenset[ChangeKind]()
        kinds = self.kinds & of_segments if self.kinds and of_segments else self.kinds | of_segments
        return Selected(kinds, self.customers)

    def matches(self, change: Change) -> bool:
        """Return whether a change is asked for."""
        return (
            (not self.kinds or change.kind in self.kinds)
            and (not self.customers or not self.customers.isdisjoint((change.customer, change.other_customer)))
            and (not self.source or change.cause.source == self.source)
            and (not self.segment or _segment_of(change) == self.segment)
            and (self.since is None or change.recorded_at >= self.since)
            and (self.until is None or change.recorded_at < self.until)
        )


ALL_CHANGES = ChangeFilter()
"""The filter that all entries match."""


def _segment_of(change: Change) -> str:
    caused = change.kind in SEGMENT_CHANGES and change.cause.type is CauseType.SEGMENT_EVALUATION
    return change.cause.id if caused else ""
