"""Identifiers and their keys.

An identifier is a namespace and a normalized value. The core computes with its key, `namespace=value`: one string,
compared by code point (docs/internals/resolution-rule.md, step 5).
"""

import re
from typing import NamedTuple

MAX_VALUE_LENGTH = 500
"""Characters of a value. Longer values are dropped: real identifiers are shorter, and indexes suffer."""

MASK = "•••"
"""What a masked value contains. No identifier does: a masked value that a caller sends back would link strangers."""

FORBIDDEN_CHARACTERS = re.compile("[\x00\ud800-\udfff]")
"""Characters that stores cannot hold: NUL, and halves of surrogate pairs."""


class Identifier(NamedTuple):
    """A namespace and a normalized value."""

    namespace: str
    value: str

    @property
    def key(self) -> str:
        """The identifier in the notation `namespace=value`."""
        return f"{self.namespace}={self.value}"

    @classmethod
    def from_key(cls, key: str) -> "Identifier":
        """Parse a key. Namespaces contain no `=`; values may."""
        namespace, _, value = key.partition("=")
        # The constructor of a named tuple is a Python function; pages parse thousands of keys, so it is bypassed.
        return tuple.__new__(cls, (namespace, value))


def namespace_of(key: str) -> str:
    """Return the namespace of a key."""
    return key[: key.index("=")]


Pair = tuple[str, str]
"""Two different keys, the smaller first: a link has no direction, so it is stored one way only."""


def pair(a: str, b: str) -> Pair:
    """Return the pair of two keys given in any order."""
    return (a, b) if a < b else (b, a)
