"""Values as JSON text, written the same way every time, for storing and comparing."""

import json
from collections.abc import Callable
from typing import Any

from msgspec.json import Encoder, format

ordered: Callable[[Any], str] = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode
"""Encode without spaces, the keys of objects sorted."""
_encode = Encoder().encode


def compact(value: Any) -> str:
    """Encode without spaces, the keys of objects in the given order."""
    return _encode(value).decode()


def spaced(value: Any) -> bytes:
    """Encode as `json.dumps` does, with spaces and in ASCII; stored digests are made of it. No floats."""
    try:
        encoded = format(_encode(value), indent=0)
        # `json.dumps` escapes DEL and everything beyond ASCII; the encoder does not.
        if encoded.isascii() and b"\x7f" not in encoded:
            return encoded
    except UnicodeEncodeError:
        pass  # `json.dumps` escapes half a surrogate pair; the encoder rejects it.
    return json.dumps(value).encode()
