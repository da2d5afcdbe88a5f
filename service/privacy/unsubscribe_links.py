"""Links by which the recipient of an email unsubscribes with one click (RFC 8058), without logging in.

A link names whom it is for, so it is encrypted: neither a log of a proxy nor a forwarded email reveals the address. It
does not expire, since a person may unsubscribe by an old email too, and it holds no state in the store.
"""

import base64
import re
from collections.abc import Sequence

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from graph.domain.model.errors import InvalidInput

PATH = "/unsubscribe/"
MIN_SECRET_LENGTH = 32
MAX_TOKEN_LENGTH = 2_000
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+")
_BASE_URL = re.compile(r"https?://[^\s/?#]+(?:/[^\s?#]*)?")
MAX_LENGTH = 320
"""Characters of an address, and of the name of a list."""


class Unsubscription(msgspec.Struct, frozen=True, array_like=True):
    """What a link is for: an email address, the purposes it is no longer used for, and the list as people know it.

    Without purposes, they are those that unsubscribing is about by attributes.toml.
    """

    address: str
    purposes: tuple[str, ...] = ()
    list: str = ""


class UnsubscribeLinks:
    """Makes and reads links by secrets: the first makes them, all read them, so that one can be replaced."""

    def __init__(self, secrets: Sequence[str], base_url: str = "") -> None:
        """Raises `InvalidInput` if a secret is too short or the address is not one of a service."""
        if not secrets:
            raise InvalidInput("INVALID_SETTING", "KITH_UNSUBSCRIBE_SECRETS is not set: links are made with a secret")
        if any(len(secret) < MIN_SECRET_LENGTH for secret in secrets):
            message = f"KITH_UNSUBSCRIBE_SECRETS: each secret has at least {MIN_SECRET_LENGTH} characters"
            raise InvalidInput("INVALID_SETTING", message)
        if base_url and not _BASE_URL.fullmatch(base_url):
            message = f"KITH_UNSUBSCRIBE_URL is {base_url[:60]!r}; it is an address such as https://id.shop.example"
            raise InvalidInput("INVALID_SETTING", message)
        self._base_url = base_url.rstrip("/")
        self._fernet = MultiFernet([Fernet(_key(secret)) for secret in secrets])

    def link(self, unsubscription: Unsubscription) -> str:
        """Return a link. Raises `InvalidInput` if the address is none, or the service's own is not known."""
        if not self._base_url:
            raise InvalidInput("INVALID_SETTING", "KITH_UNSUBSCRIBE_URL is not set: links need the service's address")
        address, name = unsubscription.address, unsubscription.list
        if not _ADDRESS.fullmatch(address) or len(address) > MAX_LENGTH:
            raise InvalidInput("INVALID_VALUE", f"{address[:60]!r} is not an email address")
        if len(name) > MAX_LENGTH:
            raise InvalidInput("INVALID_LENGTH", f"the name of the list has {len(name)} characters, not {MAX_LENGTH}")
        token = self._fernet.encrypt(msgspec.json.encode(unsubscription)).decode().rstrip("=")
        return f"{self._base_url}{PATH}{token}"

    def read(self, token: str) -> Unsubscription | None:
        """Return what a token of a link is for; `None` if it is not one of these secrets."""
        if len(token) > MAX_TOKEN_LENGTH or not token.isascii():
            return None
        try:
            padded = token + "=" * (-len(token) % 4)
            return msgspec.json.decode(self._fernet.decrypt(padded), type=Unsubscription)
        except (InvalidToken, msgspec.DecodeError):
            return None


def _key(secret: str) -> bytes:
    derived = HKDF(SHA256(), length=32, salt=None, info=b"kith unsubscribe links").derive(secret.encode())
    return base64.urlsafe_b64encode(derived)
