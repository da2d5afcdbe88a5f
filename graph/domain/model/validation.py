"""Checks of texts, names and times that every kind of input shares."""

import re

from graph.domain.model.dates import SECOND
from graph.domain.model.errors import Problem
from graph.domain.model.identifiers import UNFIT

MAX_CLOCK_SKEW = 5 * 60 * 1_000_000
"""Microseconds that `seen_at` may lie ahead: one wrong clock would win every `newest` contest."""


_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")


def check_text(name: str, value: str, most: int) -> Problem | None:
    """What is wrong with a text of 1 to `most` characters that a store must be able to hold."""
    if not 1 <= len(value) <= most:
        return Problem("BAD_LENGTH", f"{name} has {len(value)} characters; 1 to {most} are allowed", (name,))
    if UNFIT.search(value):
        return Problem("BAD_TEXT", f"{name} holds a character that no text may hold: {ascii(value)[:80]}", (name,))
    return None


def is_name(text: str) -> bool:
    """Whether a text can name an attribute, a purpose or a type: a-z, 0-9 and _, beginning with a letter, up to 60."""
    return _NAME.fullmatch(text) is not None


def check_time(name: str, value: int | None, now: int) -> Problem | None:
    """What is wrong with a time that was reported; `now` and `value` in microseconds."""
    if value is not None and value > now + MAX_CLOCK_SKEW:
        ahead = (value - now) // SECOND
        return Problem(
            "IN_THE_FUTURE", f"{name} is {ahead} seconds ahead of the service's clock; 300 are allowed", (name,)
        )
    return None
