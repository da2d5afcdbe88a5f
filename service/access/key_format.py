"""The text of a key: `kith_<id>_<secret>_<checksum>`.

The prefix and the checksum let scanners for leaked secrets, and people who mistype, recognize a key without asking the
service. The id is not secret: it names the key in lists and logs.
"""

import hashlib
import secrets
import string
import zlib

PREFIX = "kith_"
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
ID_LENGTH = 8
SECRET_LENGTH = 32
"""Length of the secret, of 190 random bits: too many to be guessed, so that a fast hash protects them."""
CHECKSUM_LENGTH = 6
ID = slice(len(PREFIX), len(PREFIX) + ID_LENGTH)
"""Where the id is in a key."""
_LENGTH = len(PREFIX) + ID_LENGTH + 1 + SECRET_LENGTH + 1 + CHECKSUM_LENGTH


def new_id() -> str:
    """Return a random id."""
    return _random(ID_LENGTH)


def new_key(id: str) -> str:
    """Return a key with an id and a random secret."""
    text = f"{PREFIX}{id}_{_random(SECRET_LENGTH)}"
    return f"{text}_{_checksum(text)}"


def is_key(text: str) -> bool:
    """Return whether a text has the form of a key and the checksum that belongs to it."""
    body, _, checksum = text.rpartition("_")
    return (
        len(text) == _LENGTH
        and text.startswith(PREFIX)
        and set(text) <= _CHARACTERS
        and text[ID.stop] == "_"
        and checksum == _checksum(body)
    )


def digest_of(text: str) -> bytes:
    """Return the SHA-256 of a presented key: what is stored and compared instead of the key."""
    # A JSON text may contain what UTF-8 cannot encode.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


_CHARACTERS = {*ALPHABET, "_"}


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def _checksum(text: str) -> str:
    number, letters = zlib.crc32(text.encode()), ""
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        letters += ALPHABET[digit]
    return letters
