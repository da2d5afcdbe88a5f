"""What an import or a backfill counts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from graph.domain.model.errors import Problem

SUPPRESSED = "IDENTIFIER_SUPPRESSED"
"""The code of a line of which nothing is left without what was erased."""


@dataclass(slots=True)
class LineCounts:
    """How many lines of the files had which result so far.

    A row of a file is a line, so an order that a file spreads over several rows counts as several lines.
    """

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    suppressed: int = 0
    """Lines of people who were erased, or must not be stored: nothing is wrong with them."""
    blank: int = 0
    ignored: int = 0
    """Records of which a mapping says that they mean nothing to Kith."""
    merges: int = 0
    rejected_by_code: dict[str, int] = field(default_factory=dict)
    dropped_by_code: dict[str, int] = field(default_factory=dict)
    time_notes: dict[str, int] = field(default_factory=dict)
    """How many times of day, dates and numbers had which note, by the text of the note."""

    def reject(self, problem: Problem, rows: int = 1) -> None:
        """Count a rejected line."""
        if problem.code == SUPPRESSED:
            self.suppressed += rows
            return
        self.rejected += rows
        _add(self.rejected_by_code, (problem.code,))

    def drop(self, codes: Iterable[str]) -> None:
        """Count dropped identifiers by their codes."""
        _add(self.dropped_by_code, codes)

    def note(self, notes: Iterable[str]) -> None:
        """Count notes on times by their texts."""
        _add(self.time_notes, notes)

    @property
    def dropped(self) -> int:
        """Return the number of dropped identifiers."""
        return sum(self.dropped_by_code.values())

    @property
    def lines(self) -> int:
        """Return the number of lines read."""
        return self.accepted + self.duplicates + self.rejected + self.suppressed + self.blank + self.ignored


def _add(counts: dict[str, int], names: Iterable[str]) -> None:
    for name in names:
        counts[name] = counts.get(name, 0) + 1


def counts_text(counts: Mapping[str, int]) -> str:
    """Return counts as text, in the order of their names: `EMPTY 2, INVALID 1`."""
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
