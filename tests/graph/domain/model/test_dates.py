"""Days compared with the calendar of the standard library."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from graph.domain.model.dates import day_of, format_date, year_of

EPOCH = date(1970, 1, 1)


@given(st.dates())
def test_days_and_dates_equal_those_of_the_standard_library(expected: date) -> None:
    # given
    day = (expected - EPOCH).days
    # then
    assert day_of(expected.year, expected.month, expected.day) == day
    assert year_of(day) == expected.year
    assert format_date(day) == expected.isoformat() == (EPOCH + timedelta(day)).isoformat()


def test_a_year_beyond_four_digits_has_a_sign_and_six_digits() -> None:
    assert format_date(day_of(10_000, 1, 1)) == "+010000-01-01"
    assert format_date(day_of(-1, 12, 31)) == "-000001-12-31"
    assert format_date(day_of(0, 1, 1)) == "0000-01-01"
