"""States of rows: what is new, what has changed and what is gone since the export before."""

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import pytest

from graph.domain.tables.rows import Row
from service.export.row_states import FLUSH_ROWS, RowStates

AT_FIRST = [("a", 1, Decimal("1.10")), ("b", None, ("x", "y")), ("c", True, 0.5)]


def compared(path: Path, rows: Iterable[Row], before: Path | None = None) -> tuple[list[Row], list[str]]:
    """The rows that are new, and the keys of those that are gone."""
    states = RowStates(path, before)
    new = [row for row in rows if states.is_new(row)]
    states.complete()
    gone = list(states.gone())
    states.close()
    return new, gone


def test_without_an_export_before_every_row_is_new(tmp_path: Path) -> None:
    assert compared(tmp_path / "1", AT_FIRST) == (AT_FIRST, [])


@pytest.mark.parametrize(
    ("now", "new", "gone"),
    [
        (AT_FIRST, [], []),
        (AT_FIRST[::-1], [], []),
        ([*AT_FIRST, ("d", None, None)], [("d", None, None)], []),
        ([("a", 2, Decimal("1.10")), *AT_FIRST[1:]], [("a", 2, Decimal("1.10"))], []),
        ([AT_FIRST[0], ("b", 0, ("x", "y"))], [("b", 0, ("x", "y"))], ["c"]),
        ([], [], ["a", "b", "c"]),
    ],
)
def test_changed_rows_and_those_that_are_gone_are_found(
    tmp_path: Path, now: list[Row], new: list[Row], gone: list[str]
) -> None:
    # given
    compared(tmp_path / "1", AT_FIRST)
    # when
    found = compared(tmp_path / "2", now, tmp_path / "1")
    # then
    assert found == (new, gone)
    assert compared(tmp_path / "3", now, tmp_path / "2") == ([], [])


def test_many_rows_in_any_order(tmp_path: Path) -> None:
    rows = [(number, f"row {number}") for number in range(2 * FLUSH_ROWS + 5)]
    assert len(compared(tmp_path / "1", rows)[0]) == len(rows)
    new, gone = compared(tmp_path / "2", [*reversed(rows[3:]), (-1, "new")], tmp_path / "1")
    assert (new, gone) == ([(-1, "new")], ["0", "1", "2"])
