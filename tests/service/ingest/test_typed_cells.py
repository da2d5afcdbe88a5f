"""Cells with a type become the values of records, or reject their row."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.domain.model.errors import Problem
from service.ingest.columns import KnownColumns, match_header
from service.ingest.raw_lines import ReadOptions
from service.ingest.records import parse_record
from service.ingest.table_rows import row_line
from service.ingest.typed_cells import InvalidCell, record_cells
from tests.builders.input_files import RULES

NAMES = ("seenAt", "crm_id", "properties", "attributes.birth_date", "identifiers", "lines", "id", "confidence")
COLUMNS = match_header(NAMES, KnownColumns(RULES), ReadOptions(), Path("f"))


def converted(name: str, cell: Any, is_spreadsheet: bool = False) -> Any:
    cells = [cell if name == column else None for column in NAMES]
    return record_cells(cells, COLUMNS, is_spreadsheet)[NAMES.index(name)]


@pytest.mark.parametrize(
    ("name", "cell", "value"),
    [
        ("crm_id", 4711, "4711"),
        ("crm_id", 4711.0, "4711"),
        ("crm_id", 2.0**53, "9007199254740992"),
        ("crm_id", 2**63, "9223372036854775808"),
        ("crm_id", Decimal("4711.00"), "4711"),
        ("crm_id", ["a", None, 7], ["a", "7"]),
        ("crm_id", b"C-1", "C-1"),
        ("crm_id", None, None),
        ("crm_id", float("nan"), None),
        ("crm_id", Decimal("NaN"), None),
        ("confidence", 0.25, "0.25"),
        ("confidence", 1e-7, "0.0000001"),
        ("confidence", Decimal("1E+3"), "1000"),
        ("confidence", True, "true"),
        ("seenAt", datetime(2026, 3, 1, 10, tzinfo=UTC), "2026-03-01T10:00:00+00:00"),
        ("seenAt", datetime(2026, 3, 1, 0), "2026-03-01T00:00:00"),
        ("attributes.birth_date", datetime(1980, 5, 31), "1980-05-31"),
        ("attributes.birth_date", date(1980, 5, 31), "1980-05-31"),
        ("attributes.birth_date", time(10), "10:00:00"),
        ("properties", {"a": [1, 1.5, True, None, Decimal("2.50")]}, {"a": [1, 1.5, True, None, "2.5"]}),
    ],
)
def test_a_cell_becomes_a_value(name: str, cell: Any, value: Any) -> None:
    assert converted(name, cell) == value


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (0.5, "crm_id is 0.5, which is not a whole number and may have been rounded"),
        (2.0**53 + 2, "crm_id is 9007199254740994, which is a number that a spreadsheet has rounded"),
        (float("inf"), "crm_id is inf, which is not a whole number"),
        (datetime(2026, 3, 1), "crm_id is the date or time 2026-03-01 00:00:00"),
        (timedelta(1), "crm_id is the date or time 1 day"),
        ({"a": 1}, "crm_id is a list or an object"),
        ([[1]], "crm_id is a list or an object"),
        (b"\xff", "crm_id holds bytes that are not text"),
        (object(), "crm_id has a value of the type object"),
    ],
)
def test_a_cell_that_cannot_be_an_identifier_rejects_its_row(cell: Any, reason: str) -> None:
    with pytest.raises(InvalidCell) as caught:
        converted("crm_id", cell)
    assert reason in str(caught.value)


def test_a_spreadsheet_rounds_numbers_of_more_than_15_digits() -> None:
    # then: a card of 16 digits ends in 0 if the spreadsheet has cut it
    assert converted("crm_id", 4111111111111111.0, is_spreadsheet=True) == "4111111111111111"
    with pytest.raises(InvalidCell, match="a spreadsheet has rounded"):
        converted("crm_id", 4111111111111110.0, is_spreadsheet=True)


def test_deep_nesting_rejects_its_row() -> None:
    cell: Any = 1
    for _ in range(100):
        cell = [cell]
    with pytest.raises(InvalidCell, match="properties is nested deeper than 32 levels"):
        converted("properties", cell)


numbers = st.integers() | st.floats() | st.decimals()
times = st.dates() | st.datetimes() | st.times() | st.timedeltas()
scalars = st.none() | st.booleans() | st.text(max_size=5) | st.binary(max_size=3) | numbers | times
cells = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
)


@given(st.lists(cells, min_size=len(NAMES), max_size=len(NAMES)))
def test_no_cell_ends_a_run(row: list[Any]) -> None:
    try:
        line = row_line(COLUMNS, record_cells(row, COLUMNS, is_spreadsheet=True), 1, 1)
    except ValueError:
        return
    if line is not None:
        result = parse_record(line.value).statement
        assert not isinstance(result, Problem) or result.message
