"""Values as JSON text, written the same way every time: what is kept, and what is compared."""

import json
from collections.abc import Callable
from typing import Any

from msgspec.json import Encoder

ordered: Callable[[Any], str] = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode
"""Without blanks, the keys of objects sorted."""
_encode = Encoder().encode


def compact(value: Any) -> str:
    """Without blanks; the keys of objects in the order in which they stand."""
    return _encode(value).decode()
