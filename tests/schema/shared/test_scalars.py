"""Scalars: dates with and without offset, amounts as text, and what cannot be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.shared.scalars import SCALARS, Amount, Timestamp, Unreadable, iso, microseconds

parse_amount = SCALARS[Amount].parse_value
parse_time = SCALARS[Timestamp].parse_value


@given(st.integers(-62_000_000_000_000_000, 250_000_000_000_000_000))
def test_times_survive_the_way_out_and_in(value: int) -> None:
    assert microseconds(iso(value)) == value


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2026-01-01T00:00:00", "2026-01-01T00:00:00Z"),
        ("2026-01-01T02:00:00+02:00", "2026-01-01T00:00:00Z"),
        ("2026-01-01T02:00:00+0200", "2026-01-01T00:00:00Z"),
        ("2026-01-01 00:00", "2026-01-01T00:00:00Z"),
        ("2026-01-01T00:00:00.5Z", "2026-01-01T00:00:00.500000Z"),
        ("2026-01-01T00:00:00.123456789Z", "2026-01-01T00:00:00.123456Z"),
    ],
)
def test_times_are_read_as_utc(text: str, same: str) -> None:
    assert iso(microseconds(text)) == same


@pytest.mark.parametrize(
    "value", ["", "today", "2026-13-01T00:00:00Z", "2026-01-01", "2026-W01-1T00:00Z", 5, None, True]
)
def test_what_is_no_time_is_told(value: object) -> None:
    found = parse_time(value)
    assert isinstance(found, Unreadable)
    assert found.problem.code == "BAD_DATE"


@pytest.mark.parametrize(("value", "text"), [("12.50", "12.50"), (12.5, "12.5"), (7, "7"), (" 1 ", "1"), (0.1, "0.1")])
def test_amounts_are_decimals(value: object, text: str) -> None:
    assert str(parse_amount(value)) == text


@pytest.mark.parametrize("value", ["", "1,5", "ten", True, "9" * 41, None, [1]])
def test_what_is_no_amount_is_told(value: object) -> None:
    assert isinstance(parse_amount(value), Unreadable)
