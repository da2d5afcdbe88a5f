"""Signatures of Standard Webhooks 1.0: HMAC-SHA256 (`v1`) and Ed25519 (`v1a`), one for each secret.

The published library signs text with one secret by HMAC only; a receiver that rotates its secret needs a signature of
each. The tests verify these with the published libraries for Python and Node.
"""

import base64
import binascii
import hmac
from collections.abc import Sequence
from typing import Annotated

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import AfterValidator, SecretStr

from service.config.destinations_file import Secret

_SHARED, _PRIVATE = "whsec_", "whsk_"
_SHARED_BYTES = range(24, 65)
_PRIVATE_BYTES = (32, 64)
"""A private key of Ed25519, alone or followed by its public key."""


def _key(secret: str) -> bytes:
    """Return the key of a secret. Raises `ValueError` without its text."""
    prefix = next((prefix for prefix in (_SHARED, _PRIVATE) if secret.startswith(prefix)), None)
    if prefix is None:
        raise ValueError(f"a secret of Standard Webhooks begins with {_SHARED} or {_PRIVATE}")
    encoded = secret.removeprefix(prefix)
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"a secret of Standard Webhooks is base64 after {prefix}") from None
    if prefix == _SHARED and len(key) not in _SHARED_BYTES:
        raise ValueError(f"a secret that begins with {_SHARED} has 24 to 64 bytes, this one {len(key)}")
    if prefix == _PRIVATE and len(key) not in _PRIVATE_BYTES:
        raise ValueError(f"a secret that begins with {_PRIVATE} has 32 or 64 bytes, this one {len(key)}")
    return key


def _checked(secret: SecretStr) -> SecretStr:
    _key(secret.get_secret_value())
    return secret


SigningSecret = Annotated[Secret, AfterValidator(_checked)]
"""A field of settings that names a secret of Standard Webhooks: shared (`whsec_…`), or a private key (`whsk_…`)."""


class Signer:
    """Signs with several secrets, so that receivers can change to a new one at any time."""

    def __init__(self, secrets: Sequence[SecretStr]) -> None:
        self._keys: list[bytes | Ed25519PrivateKey] = []
        for secret in secrets:
            text = secret.get_secret_value()
            key = _key(text)
            self._keys.append(Ed25519PrivateKey.from_private_bytes(key[:32]) if text.startswith(_PRIVATE) else key)

    def headers(self, id: str, seconds: int, body: bytes) -> dict[str, str]:
        """Return the headers of a message that is sent at a time (seconds since 1970). `id` must not contain a dot."""
        signed = b".".join((id.encode(), str(seconds).encode(), body))
        signatures = [
            f"v1,{_base64(hmac.digest(key, signed, 'sha256'))}"
            if isinstance(key, bytes)
            else f"v1a,{_base64(key.sign(signed))}"
            for key in self._keys
        ]
        return {"webhook-id": id, "webhook-timestamp": str(seconds), "webhook-signature": " ".join(signatures)}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
