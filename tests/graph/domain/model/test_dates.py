"""Days against the calendar of Python."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from graph.domain.model.dates import day_of, text_of, year_of

EPOCH = date(1970, 1, 1)


@given(st.dates())
def test_days_and_dates_are_those_of_python(one: date) -> None:
    # given
    day = (one - EPOCH).days
    # then
    assert day_of(one.year, one.month, one.day) == day
    assert year_of(day) == one.year
    assert text_of(day) == one.isoformat() == (EPOCH + timedelta(day)).isoformat()
