"""The public keys that verify receipts, as a JSON Web Key set (RFC 7517, RFC 8037)."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jwt import InvalidKeyError
from jwt.algorithms import OKPAlgorithm
from jwt.utils import base64url_encode
from msgspec import Struct

from graph.domain.model.errors import InvalidInput

ALGORITHM = "EdDSA"


class _KeySet(Struct):
    keys: list[dict[str, Any]]


class PublicKeys:
    """Public keys by their id, which is the thumbprint of the key (RFC 7638)."""

    def __init__(self, keys: Mapping[str, Ed25519PublicKey]) -> None:
        self._keys = keys

    @classmethod
    def of(cls, keys: Iterable[Ed25519PublicKey]) -> "PublicKeys":
        """Return the set of some keys."""
        return cls({thumbprint(key): key for key in keys})

    @classmethod
    def parse(cls, text: bytes) -> "PublicKeys":
        """Return the Ed25519 keys of a key set. Raises `InvalidInput`.

        Ids are computed, so a key that is stored under the id of another one verifies nothing.
        """
        try:
            found = [
                OKPAlgorithm.from_jwk({name: key[name] for name in ("kty", "crv", "x")})
                for key in msgspec.json.decode(text, type=_KeySet).keys
                if key.get("kty") == "OKP" and key.get("crv") == "Ed25519" and isinstance(key.get("x"), str)
            ]
        except (msgspec.DecodeError, UnicodeDecodeError, InvalidKeyError):
            found = []
        keys = [key for key in found if isinstance(key, Ed25519PublicKey)]
        if not keys:
            raise InvalidInput(
                "INVALID_FILE", "it is not a key set with Ed25519 keys, as /.well-known/kith-keys has it"
            )
        return cls.of(keys)

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, id: str) -> Ed25519PublicKey | None:
        """Return a key by its id."""
        return self._keys.get(id)

    def encoded(self) -> bytes:
        """Return the key set as JSON."""
        common = {"use": "sig", "alg": ALGORITHM}
        keys = [{**OKPAlgorithm.to_jwk(key, as_dict=True), "kid": id, **common} for id, key in self._keys.items()]
        return orjson.dumps({"keys": keys})


def thumbprint(key: Ed25519PublicKey) -> str:
    """Return the thumbprint of a key: SHA-256 of its members in canonical form, in base64url."""
    members = orjson.dumps(OKPAlgorithm.to_jwk(key, as_dict=True), option=orjson.OPT_SORT_KEYS)
    return base64url_encode(hashlib.sha256(members).digest()).decode()
