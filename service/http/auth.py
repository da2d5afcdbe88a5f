"""Bearer keys: who may ask."""

import hmac

from graph.domain.model.errors import InvalidInput
from schema.shared.context import Caller

SHORTEST_KEY = 16
LOCAL = Caller("local")
"""The caller of a service without keys; it listens on loopback only."""


class Keys:
    """The bearer keys of a service, by the names of their callers."""

    def __init__(self, text: str) -> None:
        self._keys: dict[str, str] = {}
        for entry in filter(None, (part.strip() for part in text.split(","))):
            name, colon, key = entry.partition(":")
            if not colon or not name or len(key) < SHORTEST_KEY:
                message = f"KITH_API_KEYS: each entry is NAME:KEY with a key of {SHORTEST_KEY} characters or more"
                raise InvalidInput("BAD_SETTING", message)
            if name in self._keys:
                raise InvalidInput("BAD_SETTING", f"KITH_API_KEYS: the name {name!r} is there twice")
            self._keys[name] = key

    def __bool__(self) -> bool:
        return bool(self._keys)

    def caller(self, authorization: str) -> Caller | None:
        """The caller behind an `Authorization` header; `None` where it opens nothing."""
        if not self._keys:
            return LOCAL
        scheme, _, presented = authorization.partition(" ")
        found: Caller | None = None
        # All keys are compared, each in constant time, so that the answer's time tells nothing.
        for name, key in self._keys.items():
            if hmac.compare_digest(key.encode(), presented.strip().encode()) and scheme.lower() == "bearer":
                found = Caller(name)
        return found
