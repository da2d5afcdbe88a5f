"""Values as JSON text, written the same way every time: what is kept, and what is compared."""

import json
from collections.abc import Callable
from typing import Any

from msgspec.json import Encoder, format

ordered: Callable[[Any], str] = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode
"""Without blanks, the keys of objects sorted."""
_encode = Encoder().encode


def compact(value: Any) -> str:
    """Without blanks; the keys of objects in the order in which they stand."""
    return _encode(value).decode()


def spaced(value: Any) -> bytes:
    """As `json.dumps` writes it, with blanks and ASCII alone: digests that are kept are made of it. No floats."""
    try:
        quick = format(_encode(value), indent=0)
        # What ASCII does not show is escaped by one and left by the other.
        if quick.isascii() and b"\x7f" not in quick:
            return quick
    except UnicodeEncodeError:
        pass  # Half a surrogate is escaped by one and refused by the other.
    return json.dumps(value).encode()
