"""The reader of times, compared with the standard library, and the units of numbers."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from graph.domain.model.times import FIRST, LAST, ParsedTime, TimeNote, parse_time
from schema.shared.scalars import iso

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_SECOND = 9_223_372_036
TEN = "2026-04-03T10:00:00Z"
EIGHT = "2026-04-03T08:00:00Z"


def micro(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def read(value: object) -> str:
    """The time that is read, as it is written in answers."""
    return iso(parse_time(value).microseconds)


@given(st.integers(FIRST, LAST))
@example(FIRST)
@example(LAST)
def test_what_is_written_is_read(value: int) -> None:
    assert parse_time(iso(value)) == ParsedTime(value)


TIMES = st.from_regex(
    r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}[Tt ][0-2][0-9]:?[0-5][0-9](:?[0-6][0-9]([.,][0-9]{1,9})?)?"
    r"(Z|[+-][0-2][0-9](:?[0-6][0-9])?)?",
    fullmatch=True,
)


@given(st.one_of(TIMES, st.datetimes(timezones=st.timezones()).map(str), st.datetimes().map(datetime.isoformat)))
def test_a_time_that_the_standard_library_reads_too_is_the_same(text: str) -> None:
    # given a text that both accept
    try:
        expected, parsed = datetime.fromisoformat(text), parse_time(text)
    except (ValueError, OverflowError):
        assume(False)
    # then
    assert parsed.microseconds == micro(expected.replace(tzinfo=expected.tzinfo or UTC))
    assert (parsed.note is TimeNote.NO_OFFSET) == (expected.tzinfo is None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-04-03 10:00:00+02", EIGHT),
        ("2026-04-03 10:00:00.123456+00", "2026-04-03T10:00:00.123456Z"),
        ("2026-04-03 10:00:00 UTC", TEN),
        ("2026-04-03 10:00:00.123 UTC", "2026-04-03T10:00:00.123000Z"),
        ("2026-04-03 10:00:00.000 +0200", EIGHT),
        ("2026-04-03T10:00Z", TEN),
        ("2026-04-03T10:00:00+00:00", TEN),
        ("2026-04-03t10:00:00z", TEN),
        ("2026-04-03T10:00:00 GMT", TEN),
        ("2026-04-03 10:00:00 GMT+0200", EIGHT),
        ("2026-04-03T10:00:00-05:30", "2026-04-03T15:30:00Z"),
        ("2026-04-03T10:00:00,5Z", "2026-04-03T10:00:00.500000Z"),
        ("2026-04-03T10:00:00.123456789Z", "2026-04-03T10:00:00.123456Z"),
        ("20260403T100000Z", TEN),
        ("20260403T100000.5+0200", "2026-04-03T08:00:00.500000Z"),
        (" 2026-04-03T10:00:00Z\n", TEN),
        ("2026-04-03T24:00:00Z", "2026-04-04T00:00:00Z"),
        ("2026-04-03T23:59:60Z", "2026-04-04T00:00:00Z"),
        ("2024-02-29T00:00Z", "2024-02-29T00:00:00Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_times_as_databases_and_languages_write_them(text: str, expected: str) -> None:
    assert read(text) == expected
    assert parse_time(text).note is None


@pytest.mark.parametrize("text", ["2026-04-03 10:00:00", "2026-04-03T10:00", "20260403100000", "20260403T1000"])
def test_a_time_without_an_offset_is_utc(text: str) -> None:
    assert read(text) == TEN
    assert parse_time(text).note is TimeNote.NO_OFFSET


@pytest.mark.parametrize("value", ["2026-04-03", "20260403", 20260403, " 2026-04-03 "])
def test_a_date_alone_is_its_first_moment_in_utc(value: object) -> None:
    assert read(value) == "2026-04-03T00:00:00Z"
    assert parse_time(value).note is TimeNote.DATE_ALONE


UNITS = {
    1: TimeNote.EPOCH_SECONDS,
    10**3: TimeNote.EPOCH_MILLISECONDS,
    10**6: TimeNote.EPOCH_MICROSECONDS,
    10**9: TimeNote.EPOCH_NANOSECONDS,
}


@given(st.integers(10**9, LAST_SECOND), st.sampled_from(sorted(UNITS)))
@example(10**9, 10**3)
@example(LAST_SECOND, 10**9)
def test_a_number_is_of_the_unit_that_results_in_a_sensible_time(second: int, parts: int) -> None:
    # given the same second in a unit, as a number and as a text
    expected = ParsedTime(second * 10**6, UNITS[parts])
    # then
    assert parse_time(second * parts) == expected
    assert parse_time(str(second * parts)) == expected
    assert parse_time(float(second * parts)).note is expected.note


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1772524800.5, "2026-03-03T08:00:00.500000Z"),
        ("1772524800.123456789", "2026-03-03T08:00:00.123456Z"),
        ("1772524800123.456", "2026-03-03T08:00:00.123456Z"),
        (1772524800000.0, "2026-03-03T08:00:00Z"),
        ("1772524800.0", "2026-03-03T08:00:00Z"),
        (1.7725248e18, "2026-03-03T08:00:00Z"),
    ],
)
def test_a_number_may_have_a_fraction(value: object, expected: str) -> None:
    assert read(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("gestern", "'gestern' is not an ISO 8601 date and time such as 2026-03-01T12:00:00Z"),
        ("", "'' is not an ISO 8601"),
        ("Fri Apr 03 2026 10:00:00 GMT+0200 (CEST)", "is not an ISO 8601"),
        ("03.04.2026 10:00", "is not an ISO 8601"),
        ("2026-W14-5T10:00Z", "is not an ISO 8601"),
        ("２０２６-04-03T10:00:00Z", "is not an ISO 8601"),
        ("١٧٧٢٥٢٤٨٠٠", "is not an ISO 8601"),
        ("1.77252E+12", "is not an ISO 8601"),
        (True, "True is not an ISO 8601"),
        (None, "None is not"),
        ([1772524800], "is not"),
        (float("nan"), "nan is not"),
        (float("inf"), "inf is not"),
        (10**400, "is not"),
        ("2026-02-30T10:00:00Z", "'2026-02-30T10:00:00Z' is not a valid time: the calendar has no such day"),
        ("2026-02-30", "'2026-02-30' is not a valid date: the calendar has no such day"),
        ("0000-01-01T00:00:00Z", "no such day"),
        ("2026-04-03T25:00:00Z", "no such minute"),
        ("2026-04-03T24:00:01Z", "the day ends at 24:00:00"),
        ("2026-04-03T24:00:00.5Z", "the day ends at 24:00:00"),
        ("2026-04-03T10:00:61Z", "no such second"),
        ("2026-04-03T10:00:00+24:00", "no such offset"),
        ("0001-01-01T00:00+02:00", "is not in the years 1 to 9999"),
        ("9999-12-31T23:59-02:00", "is not in the years 1 to 9999"),
        ("9999-12-31T24:00Z", "is not in the years 1 to 9999"),
        (46115.4, "46115.4 looks like the day number of a spreadsheet"),
        ("46115", "'46115' looks like the day number of a spreadsheet"),
        (0, "0 is not a time from 2001-09-09 to 2262"),
        (999_999_999, "is not a time from 2001-09-09 to 2262"),
        (LAST_SECOND + 1, "is not a time from 2001-09-09 to 2262"),
        (639_107_388_000_000_000, "is not a time from 2001-09-09"),  # ticks of .NET
        (796_903_200.5, "is not a time from 2001-09-09"),  # seconds since 2001
        (10**18 * 9 + 10**18, "is not"),
        (-1772524800, "is not"),
    ],
)
def test_anything_else_is_an_error_that_names_the_value(value: object, expected: str) -> None:
    with pytest.raises(ValueError) as raised:
        parse_time(value)
    assert expected in str(raised.value)


@given(st.text() | TIMES | st.text("0123456789-:.+TZ ") | st.integers() | st.floats() | st.binary())
def test_nothing_but_a_value_error_is_raised(value: object) -> None:
    with suppress(ValueError):
        assert FIRST <= parse_time(value).microseconds <= LAST
