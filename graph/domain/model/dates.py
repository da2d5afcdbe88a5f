"""Days of the Gregorian calendar as numbers, in days since 1970-01-01 (UTC), without a clock.

The method is H. Hinnant's "chrono-Compatible Low-Level Date Algorithms": years begin in March, so that a leap day comes
last.
"""

_ERA = 146_097
"""Days in 400 years."""
_EPOCH = 719_468
"""Days from 0000-03-01 to 1970-01-01."""


def day_of(year: int, month: int, day: int) -> int:
    """The number of a date; 29 February of a year without one is 1 March."""
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * _ERA + of_era * 365 + of_era // 4 - of_era // 100 + of_year - _EPOCH


def _civil(day: int) -> tuple[int, int, int]:
    era, of_era = divmod(day + _EPOCH, _ERA)
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    return era * 400 + year + (month <= 2), month, of_year - (153 * shifted + 2) // 5 + 1


def year_of(day: int) -> int:
    """The year that a day lies in."""
    return _civil(day)[0]


def text_of(day: int) -> str:
    """A day as YYYY-MM-DD."""
    year, month, of_month = _civil(day)
    return f"{year:04}-{month:02}-{of_month:02}"


def date_of(text: str) -> tuple[int, int, int]:
    """Year, month and day of a valid date as YYYY-MM-DD."""
    year, month, day = text.split("-")
    return int(year), int(month), int(day)


SECOND = 1_000_000


DAY = 24 * 60 * 60 * SECOND
