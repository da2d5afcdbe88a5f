"""The one reader of times, for the API and all files: ISO 8601 as people write it, and numbers since 1970.

Times are whole microseconds since 1970-01-01T00:00Z. The reader knows no clock: `check_time` compares with it.
"""

import re
from enum import Enum
from functools import lru_cache
from math import isfinite

from msgspec import Struct

from graph.domain.model.dates import DAY, SECOND, day_of, format_date

EARLIEST = 631_152_000 * SECOND
"""1990-01-01: an older time means that the source has lost it (1970) or that its unit is not the one it seems."""
FIRST, LAST = -62_135_596_800 * SECOND, 253_402_300_800 * SECOND - 1
"""The first and the last microsecond of the years 1 to 9999 in UTC."""
_FIRST_EPOCH_SECOND = 1_000_000_000
"""The first second that numbers may name, 2001-09-09: from there on they have 10, 13, 16 or 19 digits by their unit.

Numbers since another year (.NET ticks, seconds since 2001) have other lengths, so they are not taken for old times.
"""
_LAST_EPOCH_SECOND = 9_223_372_036
"""The last second that numbers may name, in 2262: there 64 bits of nanoseconds end."""
_LAST_SPREADSHEET_DAY = 2_958_465
"""The number of 9999-12-31 in spreadsheets."""


class TimeNote(Enum):
    """What the reader assumed about a time; the value is the text for reports."""

    EPOCH_SECONDS = "epoch seconds"
    EPOCH_MILLISECONDS = "epoch milliseconds"
    EPOCH_MICROSECONDS = "epoch microseconds"
    EPOCH_NANOSECONDS = "epoch nanoseconds"
    DATE_ALONE = "a date alone: 00:00 UTC is assumed"
    NO_OFFSET = "no offset: UTC is assumed"


class ParsedTime(Struct, frozen=True, gc=False):
    """A time in microseconds since 1970, and what was assumed about it, if anything."""

    microseconds: int
    note: TimeNote | None = None


_UNITS = (
    (1, TimeNote.EPOCH_SECONDS),
    (1_000, TimeNote.EPOCH_MILLISECONDS),
    (1_000_000, TimeNote.EPOCH_MICROSECONDS),
    (1_000_000_000, TimeNote.EPOCH_NANOSECONDS),
)
"""The units of numbers, as parts of a second. From 2001 to 2262 no number is one of two units."""
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8})[Tt ]([0-9]{2}:?[0-9]{2})(?::?([0-9]{2})(?:[.,]([0-9]{1,9}))?)?"
    r" ?([Zz]|(?:UTC|GMT|utc|gmt)?(?:[+-][0-9]{2}(?::?[0-9]{2})?)?)"
).fullmatch
"""Date, hour and minute, second, fraction, and offset; the last three may be missing."""
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8}")
_NUMBER = re.compile(r"([0-9]{1,19})(?:[.]([0-9]{1,30}))?")
_COMPACT = re.compile(r"[0-9]{14}")


def parse_time(value: object) -> ParsedTime:
    """Read a time that a source sent, as a text or a number.

    ISO 8601 is read with `T` or a blank before the time of day, with or without seconds and a fraction (nine digits,
    those after the sixth are cut), with an offset such as `Z`, `+02`, `+02:00` or ` UTC`, and in the basic form
    `20260403T100000Z`. Without an offset it is UTC; a date alone is 00:00 UTC. 24:00 is 00:00 of the next day, and
    second 60, a leap second, is the next minute.

    A number, or a text of its digits, is in seconds, milliseconds, microseconds or nanoseconds since 1970, whichever
    results in a time from 2001-09-09 to 2262.

    Raises `ValueError` with a text that names the value and says what is accepted.
    """
    match = _TIME(value) if isinstance(value, str) else None
    if match is None:
        return _parse_other(value)
    date, minute, second, fraction, offset = match.groups()
    try:
        time_of_day = _minute_of_day(minute)
        if time_of_day == DAY:
            _check_end_of_day(second, fraction)
        if second:
            time_of_day += _second(second)
        if fraction:
            time_of_day += int(fraction.ljust(6, "0")[:6])
        micro = _start_of_day(date) + time_of_day
        if offset != "Z" and offset:
            micro -= _offset(offset)
    except ValueError as error:
        raise ValueError(f"{_shown(value)} is not a valid time: {error}") from None
    if not FIRST <= micro <= LAST:
        raise ValueError(f"{_shown(value)} is not in the years 1 to 9999 in UTC")
    return ParsedTime(micro) if offset else ParsedTime(micro, TimeNote.NO_OFFSET)


def _shown(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:60]}..."


@lru_cache(maxsize=4_096)
def _start_of_day(date: str) -> int:
    """Return the start of a day, given as 2026-04-03 or 20260403. Files name the same few days again and again."""
    digits = date.replace("-", "")
    year, month, of_month = int(digits[:4]), int(digits[4:6]), int(digits[6:])
    day = day_of(year, month, of_month)
    if year == 0 or format_date(day).replace("-", "") != digits:
        raise ValueError("the calendar has no such day")
    return day * DAY


@lru_cache(maxsize=4_096)
def _minute_of_day(text: str) -> int:
    """Return the microseconds from 00:00 to a time of day, given as 10:30 or 1030."""
    hour, minute = int(text[:2]), int(text[-2:])
    if minute > 59 or hour > 24 or (hour == 24 and minute):
        raise ValueError("the day has no such minute")
    return (hour * 60 + minute) * 60 * SECOND


def _check_end_of_day(second: str | None, fraction: str | None) -> None:
    if second not in (None, "00") or (fraction and fraction.strip("0")):
        raise ValueError("the day ends at 24:00:00")


@lru_cache(maxsize=64)
def _second(text: str) -> int:
    if text > "60":
        raise ValueError("the minute has no such second")
    return int(text) * SECOND


@lru_cache(maxsize=256)
def _offset(text: str) -> int:
    """Return the microseconds that an offset is ahead of UTC."""
    digits = text.lstrip("UTCGMutcgmZz").replace(":", "")
    if not digits:
        return 0
    hours, minutes = int(digits[1:3]), int(digits[3:] or 0)
    if hours > 23 or minutes > 59:
        raise ValueError("there is no such offset from UTC")
    ahead = (hours * 60 + minutes) * 60 * SECOND
    return -ahead if digits[0] == "-" else ahead


def _parse_other(value: object) -> ParsedTime:
    """Read what is not a date with a time of day: a date alone, a number, and texts with blanks around them."""
    if isinstance(value, str):
        text = value.strip()
        if _COMPACT.fullmatch(text):
            return parse_time(f"{text[:8]}T{text[8:]}")
        if text != value:
            return parse_time(text)
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**19:
        text = str(value)
    elif isinstance(value, float) and isfinite(value) and abs(value) < 1e19:
        text = str(int(value)) if value.is_integer() else repr(value)
    else:
        text = ""
    if _DATE.fullmatch(text):
        return _date_alone(text)
    if match := _NUMBER.fullmatch(text):
        return _epoch(value, match[1], match[2] or "")
    raise ValueError(
        f"{_shown(value)} is not an ISO 8601 date and time such as 2026-03-01T12:00:00Z, nor a number of seconds, "
        "milliseconds, microseconds or nanoseconds since 1970"
    )


def _date_alone(text: str) -> ParsedTime:
    try:
        return ParsedTime(_start_of_day(text), TimeNote.DATE_ALONE)
    except ValueError as error:
        raise ValueError(f"{_shown(text)} is not a valid date: {error}") from None


def _epoch(value: object, whole: str, fraction: str) -> ParsedTime:
    number = int(whole)
    for parts, note in _UNITS:
        if _FIRST_EPOCH_SECOND * parts <= number < (_LAST_EPOCH_SECOND + 1) * parts:
            return ParsedTime(int(whole + fraction) * SECOND // (parts * 10 ** len(fraction)), note)
    if 1 <= number <= _LAST_SPREADSHEET_DAY:
        raise ValueError(
            f"{_shown(value)} looks like the day number of a spreadsheet; format the column as text such as "
            "2026-03-01T12:00:00Z before exporting it"
        )
    raise ValueError(
        f"{_shown(value)} is not a time from 2001-09-09 to 2262 as seconds, milliseconds, microseconds or nanoseconds "
        "since 1970; ISO 8601 such as 2026-03-01T12:00:00Z is accepted too"
    )


@lru_cache(maxsize=20_000)
def iso(value: int) -> str:
    """Format microseconds since 1970 as ISO 8601 in UTC; years beyond 9999 have a sign and six digits."""
    seconds, micro = divmod(value, SECOND)
    day, second = divmod(seconds, 86_400)
    minute, second = divmod(second, 60)
    fraction = f".{micro:06}" if micro else ""
    return f"{_date(day)}T{minute // 60:02}:{minute % 60:02}:{second:02}{fraction}Z"


@lru_cache(maxsize=4_096)
def _date(day: int) -> str:
    """Format the date of a day since 1970. Cached, because answers contain the same few days again and again."""
    return format_date(day)
