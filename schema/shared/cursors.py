"""Cursors: the place of an item in its list, by what the list is sorted by, so that writes do not shift a page."""

import base64
import binascii
from typing import Any

import orjson

from graph.domain.model.errors import InvalidInput
from graph.domain.profile.pages import MAX_PAGE


def encode(*place: object) -> str:
    """A cursor for a place."""
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")


def decode(cursor: str, *kinds: type) -> tuple[Any, ...]:
    """The place of a cursor that `encode` made with values of these types."""
    try:
        place = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        place = None
    if not isinstance(place, list) or [type(value) for value in place] != list(kinds):
        raise InvalidInput("BAD_CURSOR", f"after: {cursor[:60]!r} is no cursor of this list", ("after",))
    return tuple(place)


def page_size(first: int) -> int:
    """The number of items asked for."""
    if not 0 <= first <= MAX_PAGE:
        raise InvalidInput("BAD_PAGE_SIZE", f"first is {first}; 0 to {MAX_PAGE} are allowed", ("first",))
    return first
