"""Lines of a file that only grows. Each has the leaf of a chain of hashes, so that a change of any of them is found.

A line is `{"n": number, "h": leaf, "e": entry}`. The leaf is SHA-256 over the number, the leaf before and the SHA-256
of the entry's bytes. When an entry expires, its hash takes its place (`"d"`), so that the chain can still be verified.
"""

import hashlib

import msgspec

GENESIS = bytes(32)
"""The leaf before the first line of a file."""


class _Stored(msgspec.Struct):
    n: int
    h: str
    e: msgspec.Raw = msgspec.Raw()
    d: str = ""


class Line(msgspec.Struct, gc=False):
    """A line: `e` is the entry as it was written, `d` the hash of one that expired."""

    n: int
    h: str
    e: bytes | None = None
    d: str | None = None

    def digest(self) -> bytes | None:
        """Return the hash of the entry; `None` if the line has neither the entry nor its hash."""
        if self.e is not None:
            return hashlib.sha256(self.e).digest()
        try:
            return bytes.fromhex(self.d or "") or None
        except ValueError:
            return None


class HashChain:
    """The chain of one kind of file. Leaves of another `kind` differ, so no line can move from one kind to another."""

    def __init__(self, kind: str) -> None:
        self._prefix = kind.encode() + b"\0"

    def leaf(self, number: int, previous: bytes, digest: bytes) -> bytes:
        """Return the leaf of an entry with a number and a hash, which follows the leaf `previous`."""
        return hashlib.sha256(b"%b%d\0%b%b" % (self._prefix, number, previous, digest)).digest()

    def line(self, number: int, previous: bytes, entry: bytes) -> tuple[bytes, bytes]:
        """Return the leaf and the line of an entry."""
        new = self.leaf(number, previous, hashlib.sha256(entry).digest())
        return new, b'{"n":%d,"h":"%b","e":%b}\n' % (number, new.hex().encode(), entry)


_decoder = msgspec.json.Decoder(_Stored)


def expired(line: Line) -> bytes:
    """Return a line without its entry."""
    return b'{"n":%d,"h":"%b","d":"%b"}\n' % (line.n, line.h.encode(), (line.digest() or b"").hex().encode())


def parse(text: bytes) -> Line | None:
    """Return a line; `None` if it cannot be read."""
    try:
        stored = _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return Line(stored.n, stored.h, bytes(stored.e) or None, stored.d or None)
