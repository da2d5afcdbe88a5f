"""Cursors: the position of an item in its list, by the list's sort key, so that writes do not shift pages."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any

import orjson

from graph.commands.references import CURSOR, References
from graph.domain.access.masking import original_of
from graph.domain.model.errors import InvalidInput
from graph.domain.profile.pages import MAX_PAGE

INT64 = range(-(2**63), 2**63)
"""The whole numbers that stores hold. Others cannot be part of a cursor that `encode` made."""


def encode(*position: object) -> str:
    """Return the cursor of a position."""
    return base64.urlsafe_b64encode(orjson.dumps(position)).decode().rstrip("=")


def decode(cursor: str, *kinds: type) -> tuple[Any, ...]:
    """Return the position of a cursor that `encode` made of values of these types. Raises `InvalidInput`."""
    try:
        position = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        position = None
    return _checked(position, cursor, kinds)


def _checked(position: Any, cursor: str, kinds: Sequence[type]) -> tuple[Any, ...]:
    if (
        not isinstance(position, list)
        or [type(value) for value in position] != list(kinds)
        or any(type(value) is int and value not in INT64 for value in position)
    ):
        raise invalid_cursor(cursor)
    return tuple(position)


def encode_hidden(references: References | None, *position: object) -> str:
    """Return the cursor of a position that contains values; with `references` it shows nothing of them."""
    if references is None:
        return encode(*position)
    return references.seal(orjson.dumps([original_of(value) for value in position]).decode(), CURSOR)


def decode_hidden(references: References | None, cursor: str, *kinds: type) -> tuple[Any, ...]:
    """Return the position of a cursor that `encode_hidden` made for the same viewer or one like it.

    A viewer that does not see the values cannot make cursors: its pages would reveal the values between them.
    Raises `InvalidInput`.
    """
    if references is None:
        return decode(cursor, *kinds)
    text = references.unseal(cursor, CURSOR)
    if text is None:
        raise invalid_cursor(cursor)
    return _checked(orjson.loads(text), cursor, kinds)


def invalid_cursor(cursor: str) -> InvalidInput:
    """Return the error for a cursor that is not one of its list."""
    return InvalidInput("INVALID_CURSOR", f"after: {cursor[:60]!r} is not a valid cursor for this list", ("after",))


def page_size(first: int) -> int:
    """Return the number of items requested. Raises `InvalidInput` if it is not allowed."""
    if not 0 <= first <= MAX_PAGE:
        raise InvalidInput("INVALID_PAGE_SIZE", f"first is {first}; 0 to {MAX_PAGE} are allowed", ("first",))
    return first
