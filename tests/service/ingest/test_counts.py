"""Counts of lines, codes and notes."""

from graph.domain.model.errors import Problem
from service.ingest.counts import LineCounts, counts_text


def test_every_row_of_a_rejected_line_counts_and_its_code_once() -> None:
    # given
    counts = LineCounts(accepted=3, duplicates=2, blank=1)
    # when
    counts.reject(Problem("INVALID_LINE", "is not JSON"))
    counts.reject(Problem("INVALID_AMOUNT", "total"), rows=4)
    # then
    assert (counts.rejected, counts.lines) == (5, 11)
    assert counts_text(counts.rejected_by_code) == "INVALID_AMOUNT 1, INVALID_LINE 1"


def test_dropped_identifiers_and_notes_are_counted_by_name() -> None:
    # given
    counts = LineCounts()
    # when
    counts.drop(["EMPTY", "INVALID"])
    counts.drop(["INVALID"])
    counts.note(["epoch milliseconds"])
    # then
    assert counts.dropped == 3
    assert counts_text(counts.dropped_by_code) == "EMPTY 1, INVALID 2"
    assert counts.time_notes == {"epoch milliseconds": 1}
