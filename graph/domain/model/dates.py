"""Days of the Gregorian calendar as numbers, in days since 1970-01-01 (UTC), without a clock.

The method is H. Hinnant's "chrono-Compatible Low-Level Date Algorithms": years begin in March, so that a leap day comes
last.
"""

_ERA = 146_097
"""Days in 400 years."""
_EPOCH = 719_468
"""Days from 0000-03-01 to 1970-01-01."""


def day_of(year: int, month: int, day: int) -> int:
    """Return the number of a date; 29 February of a year without one is 1 March."""
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * _ERA + of_era * 365 + of_era // 4 - of_era // 100 + of_year - _EPOCH


def _civil_date(day: int) -> tuple[int, int, int]:
    era, of_era = divmod(day + _EPOCH, _ERA)
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    return era * 400 + year + (month <= 2), month, of_year - (153 * shifted + 2) // 5 + 1


def year_of(day: int) -> int:
    """Return the year of a day."""
    return _civil_date(day)[0]


def format_date(day: int) -> str:
    """Return a day as YYYY-MM-DD; a year outside 0 to 9999 has a sign and at least six digits (ISO 8601, expanded)."""
    year, month, of_month = _civil_date(day)
    of_year = f"{month:02}-{of_month:02}"
    return f"{year:04}-{of_year}" if 0 <= year <= 9999 else f"{year:+07}-{of_year}"


def parse_date(text: str) -> tuple[int, int, int]:
    """Return year, month and day of a valid date in the form YYYY-MM-DD."""
    year, month, day = text.split("-")
    return int(year), int(month), int(day)


SECOND = 1_000_000
"""Microseconds of a second."""
DAY = 24 * 60 * 60 * SECOND
"""Microseconds of a day."""
