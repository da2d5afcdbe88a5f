"""Checks of texts, names and times, shared by every kind of input."""

import re

from graph.domain.model.dates import SECOND
from graph.domain.model.errors import Problem
from graph.domain.model.identifiers import FORBIDDEN_CHARACTERS
from graph.domain.model.times import EARLIEST

MAX_CLOCK_SKEW = 5 * 60 * 1_000_000
"""Microseconds that a time may lie ahead: otherwise a wrong clock would win every `newest` contest."""

# BCP 47: language, optionally with script, region and more, such as de, pt-BR, zh-Hant-TW.
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,4}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")


def check_text(name: str, value: str, max_length: int) -> Problem | None:
    """Return the problem of a text, if any: it must have 1 to `max_length` characters that a store can hold."""
    if not 1 <= len(value) <= max_length:
        return Problem("INVALID_LENGTH", f"{name} has {len(value)} characters; 1 to {max_length} are allowed", (name,))
    if FORBIDDEN_CHARACTERS.search(value):
        return Problem(
            "INVALID_CHARACTER", f"{name} contains a character that is not allowed: {ascii(value)[:80]}", (name,)
        )
    return None


def check_language(name: str, value: str) -> Problem | None:
    """Return the problem of a language, if any: it is a language tag of BCP 47."""
    if _LANGUAGE.fullmatch(value):
        return None
    message = f"{name} is {value[:60]!r}; a language tag of BCP 47 is required, such as de"
    return Problem("INVALID_VALUE", message, (name,))


def is_name(text: str) -> bool:
    """Whether a text can name an attribute, a purpose or a type: up to 60 of a-z, 0-9 and _, a letter first."""
    return _NAME.fullmatch(text) is not None


def check_time(name: str, value: int | None, now: int) -> Problem | None:
    """Return the problem of a reported time, if any: it lies from 1990 to 5 minutes ahead of `now`, in microseconds."""
    if value is None or EARLIEST <= value <= now + MAX_CLOCK_SKEW:
        return None
    if value < EARLIEST:
        return _too_old(name)
    ahead = (value - now) // SECOND
    return Problem(
        "TIMESTAMP_IN_FUTURE", f"{name} is {ahead} seconds ahead of the service's clock; 300 are allowed", (name,)
    )


def check_expiry(name: str, value: int | None) -> Problem | None:
    """Return the problem of a time that may lie ahead, if any: it is not before 1990. In microseconds."""
    return _too_old(name) if value is not None and value < EARLIEST else None


def _too_old(name: str) -> Problem:
    message = f"{name} is before 1990: the source has lost the date, or sends it in another unit"
    return Problem("TIMESTAMP_TOO_OLD", message, (name,))
