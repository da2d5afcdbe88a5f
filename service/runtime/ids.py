"""Ids in the form of ULIDs: letters that sort by when an id was made, then by chance.

What is new then comes to the end of an index; ids by chance alone would each write to a page of it of their own. See
the ULID specification (github.com/ulid/spec); ours are in lower case.
"""

import hashlib
import secrets
import time

_ALPHABET = b"0123456789abcdefghjkmnpqrstvwxyz"
_LETTERS = bytes(_ALPHABET[byte % 32] for byte in range(256))
"""Each byte to one of 32 letters, all of them as likely."""


def _letters(number: int, count: int) -> str:
    """A number in so many letters, five bits each."""
    return bytes(_ALPHABET[number >> 5 * place & 31] for place in range(count - 1, -1, -1)).decode()


class RandomIds:
    """Ids of the present millisecond and 80 random bits, with a prefix that tells the kind."""

    def __init__(self) -> None:
        self._made_at, self._time = -1, ""

    def _id(self, prefix: str) -> str:
        now = time.time_ns() // 1_000_000
        if now != self._made_at:
            self._time, self._made_at = _letters(now, 10), now
        return prefix + self._time + secrets.token_bytes(16).translate(_LETTERS).decode()

    def customer(self) -> str:
        """A customer's id."""
        return self._id("cus_")

    def mark(self) -> str:
        """A mark's id."""
        return self._id("mrk_")

    def segment(self) -> str:
        """A segment's id."""
        return self._id("seg_")


def id_from(seed: bytes, now: int, number: int) -> str:
    """A customer's id that follows from a secret, a time and a number, so that a run cut off gives the same ones again.

    `now` is in microseconds. The number, up to a billion, takes the place of the first random bits, so that those of
    one run come in the order of their numbers.
    """
    digest = hashlib.blake2b(number.to_bytes(8), key=seed, digest_size=10).digest()
    return "cus_" + _letters(now // 1000, 10) + _letters(number, 6) + digest.translate(_LETTERS).decode()
