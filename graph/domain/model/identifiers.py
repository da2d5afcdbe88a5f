"""Identifiers and their keys.

An identifier is a namespace and a normalised value. Its key, `namespace=value`, is what the core computes with: one
string, compared by code point (design.md §4, step 5).
"""

import re
from typing import NamedTuple

MAX_VALUE_LENGTH = 500
"""Characters of a value. Longer ones are dropped: no identifier of this field is that long, and indexes suffer."""

UNFIT = re.compile("[\x00\ud800-\udfff]")
"""Characters that no store can hold: NUL, and halves of surrogate pairs."""


class Identifier(NamedTuple):
    """A namespace and a normalised value."""

    namespace: str
    value: str

    @property
    def key(self) -> str:
        """The identifier in the notation `namespace=value`."""
        return f"{self.namespace}={self.value}"

    @classmethod
    def from_key(cls, key: str) -> "Identifier":
        """The identifier that a key stands for. Namespaces hold no `=`, values may."""
        namespace, _, value = key.partition("=")
        # A named tuple's own `__new__` is a function of Python's, and views take thousands of keys apart.
        return tuple.__new__(cls, (namespace, value))


def namespace_of(key: str) -> str:
    """The namespace of a key."""
    return key[: key.index("=")]


Pair = tuple[str, str]
"""Two different keys, the smaller one first: a link has no direction, so it is stored one way."""


def pair(a: str, b: str) -> Pair:
    """The pair of two keys, whichever way they come."""
    return (a, b) if a < b else (b, a)
