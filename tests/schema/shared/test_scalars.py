"""Scalars: timestamps with and without an offset, amounts as text, and values that cannot be parsed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schema.shared.scalars import SCALARS, Amount, InvalidScalar, Timestamp, iso, microseconds

parse_amount = SCALARS[Amount].parse_value
parse_time = SCALARS[Timestamp].parse_value


@given(st.integers(-62_000_000_000_000_000, 250_000_000_000_000_000))
def test_times_round_trip(value: int) -> None:
    assert microseconds(iso(value)) == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-01T00:00:00", "2026-01-01T00:00:00Z"),
        ("2026-01-01T02:00:00+02:00", "2026-01-01T00:00:00Z"),
        ("2026-01-01T02:00:00+0200", "2026-01-01T00:00:00Z"),
        ("2026-01-01 00:00", "2026-01-01T00:00:00Z"),
        ("2026-01-01T00:00:00.5Z", "2026-01-01T00:00:00.500000Z"),
        ("2026-01-01T00:00:00.123456789Z", "2026-01-01T00:00:00.123456Z"),
    ],
)
def test_times_without_an_offset_are_utc(text: str, expected: str) -> None:
    assert iso(microseconds(text)) == expected


@pytest.mark.parametrize(
    "value", ["", "today", "2026-13-01T00:00:00Z", "2026-01-01", "2026-W01-1T00:00Z", 5, None, True]
)
def test_an_invalid_time_is_reported(value: object) -> None:
    parsed = parse_time(value)
    assert isinstance(parsed, InvalidScalar)
    assert parsed.problem.code == "INVALID_TIMESTAMP"


@pytest.mark.parametrize(("value", "text"), [("12.50", "12.50"), (12.5, "12.5"), (7, "7"), (" 1 ", "1"), (0.1, "0.1")])
def test_amounts_are_decimals(value: object, text: str) -> None:
    assert str(parse_amount(value)) == text


@pytest.mark.parametrize("value", ["", "1,5", "ten", True, "9" * 41, None, [1]])
def test_an_invalid_amount_is_reported(value: object) -> None:
    assert isinstance(parse_amount(value), InvalidScalar)
