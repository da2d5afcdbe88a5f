"""Authentication by bearer keys."""

import hmac

from graph.domain.model.errors import InvalidInput
from schema.shared.context import Caller

MIN_KEY_LENGTH = 16
"""Minimum number of characters of a key."""
LOCAL_CALLER = Caller("local")
"""The caller of a service without keys, which listens on loopback only."""


class ApiKeys:
    """The bearer keys of a service, by caller name."""

    def __init__(self, text: str) -> None:
        self._keys: dict[str, str] = {}
        for entry in filter(None, (part.strip() for part in text.split(","))):
            name, colon, key = entry.partition(":")
            if not colon or not name or len(key) < MIN_KEY_LENGTH:
                message = f"KITH_API_KEYS: each entry is NAME:KEY with a key of {MIN_KEY_LENGTH} characters or more"
                raise InvalidInput("INVALID_SETTING", message)
            if not (key.isascii() and key.isprintable() and " " not in key):
                # A header contains no others that all clients and proxies send alike.
                raise InvalidInput(
                    "INVALID_SETTING", f"KITH_API_KEYS: the key of {name!r} must be ASCII without blanks"
                )
            if name in self._keys:
                raise InvalidInput("INVALID_SETTING", f"KITH_API_KEYS: duplicate name {name!r}")
            self._keys[name] = key

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the callers."""
        return tuple(self._keys)

    def caller(self, authorization: str) -> Caller | None:
        """Return the caller of an `Authorization` header; `None` if its key is not valid."""
        if not self._keys:
            return LOCAL_CALLER
        scheme, _, presented = authorization.partition(" ")
        caller: Caller | None = None
        # All keys are compared, each in constant time, so that the response time reveals nothing.
        for name, key in self._keys.items():
            if hmac.compare_digest(key.encode(), presented.strip().encode()) and scheme.lower() == "bearer":
                caller = Caller(name)
        return caller
