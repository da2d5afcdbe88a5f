"""Bookmarks of callers: what a process of a service on a Neo4j cluster has seen, in a text that callers send back.

The text is the URL-safe base64 of the database's bookmarks, a line each. It is limited before it is decoded, and what
it contains is checked before the database gets it.
"""

import base64
import binascii
from collections.abc import Collection

from graph.domain.model.errors import InvalidInput

EXTENSION = "bookmark"
"""The member of `extensions` of requests and answers."""
MAX_LENGTH = 16_000
"""Maximum number of characters of a text."""
MAX_BOOKMARKS = 100


def encoded(bookmarks: Collection[str]) -> str:
    """Return bookmarks as a text for callers; empty if there are none."""
    return base64.urlsafe_b64encode("\n".join(sorted(bookmarks)).encode()).decode()


def decoded(text: object) -> frozenset[str]:
    """Return the bookmarks of a text that a caller has sent. Raises `InvalidInput`."""
    if not isinstance(text, str):
        raise _invalid(f"must be a string, not {type(text).__name__}")
    if len(text) > MAX_LENGTH:
        raise _invalid(f"has {len(text)} characters; {MAX_LENGTH} are allowed")
    try:
        bookmarks = base64.b64decode(text.encode("ascii"), b"-_", validate=True).decode("ascii").split("\n")
    except (binascii.Error, UnicodeError):
        raise _invalid("is none that this service has given out") from None
    if not all(bookmarks) or len(bookmarks) > MAX_BOOKMARKS:
        raise _invalid("is none that this service has given out")
    return frozenset(bookmarks)


def _invalid(reason: str) -> InvalidInput:
    return InvalidInput("INVALID_BOOKMARK", f"the bookmark {reason}", ("extensions", EXTENSION))
