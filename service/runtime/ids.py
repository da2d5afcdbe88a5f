"""Ids in the form of ULIDs, which sort by creation time.

New ids are thus appended to the end of an index, whereas random ids would each write to a different page of it. See the
ULID specification (github.com/ulid/spec); these ids are in lower case.
"""

import hashlib
import secrets
import time

_ALPHABET = b"0123456789abcdefghjkmnpqrstvwxyz"
_LETTERS = bytes(_ALPHABET[byte % 32] for byte in range(256))
"""Maps each byte to one of 32 letters, each equally likely."""


def _letters(number: int, count: int) -> str:
    """Encode a number in `count` letters of five bits each."""
    return bytes(_ALPHABET[number >> 5 * position & 31] for position in range(count - 1, -1, -1)).decode()


class RandomIds:
    """Creates ids from the current millisecond and 80 random bits, with a prefix for the kind."""

    def __init__(self) -> None:
        self._millisecond, self._time = -1, ""

    def _id(self, prefix: str) -> str:
        now = time.time_ns() // 1_000_000
        if now != self._millisecond:
            self._time, self._millisecond = _letters(now, 10), now
        return prefix + self._time + secrets.token_bytes(16).translate(_LETTERS).decode()

    def customer(self) -> str:
        """Create a customer id."""
        return self._id("cus_")

    def override(self) -> str:
        """Create an override id."""
        return self._id("ovr_")

    def segment(self) -> str:
        """Create a segment id."""
        return self._id("seg_")

    def preview(self) -> str:
        """Create a preview id."""
        return self._id("prv_")

    def source_revocation(self) -> str:
        """Create the id of a source revocation."""
        return self._id("srv_")

    def erasure(self) -> str:
        """Create the id of an erasure."""
        return self._id("ers_")

    def restriction(self) -> str:
        """Create the id of a restriction."""
        return self._id("rst_")

    def audience(self) -> str:
        """Create the id of an audience."""
        return self._id("aud_")

    def secret(self) -> str:
        """Create a secret of 256 random bits."""
        return secrets.token_hex(32)


def derive_customer_id(seed: bytes, now: int, anchor: str) -> str:
    """Derive a customer id from a secret, a time and its anchor's key, so that each run assigns the same ids again.

    `now` is in microseconds. The id says nothing of the key without the secret: BLAKE2 as a keyed hash (RFC 7693).
    """
    digest = hashlib.blake2b(anchor.encode(), key=seed, digest_size=16).digest()
    return "cus_" + _letters(now // 1000, 10) + digest.translate(_LETTERS).decode()
