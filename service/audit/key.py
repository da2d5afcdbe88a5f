"""The key of an audit log: it signs checkpoints, and hashes what callers asked for."""

import base64
import hashlib
import secrets
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from graph.domain.model.errors import InvalidInput
from service.runtime.own_files import create_secret, hand_over

KEY_BYTES = 32
HASH_BYTES = 16
FILE = "key"
"""The name of the key file in the folder of the log."""


class _Stored(msgspec.Struct, forbid_unknown_fields=True):
    """The key file: two secrets of 32 bytes in base64."""

    signing: bytes
    hashing: bytes


class AuditKey:
    """The two secrets of a log."""

    def __init__(self, signing: bytes, hashing: bytes) -> None:
        self._signing = Ed25519PrivateKey.from_private_bytes(signing)
        # A copy of it costs half as much as another one with the key.
        self._keyed = hashlib.blake2b(key=hashing, digest_size=HASH_BYTES)

    @classmethod
    def open(cls, folder: Path) -> "AuditKey":
        """Return the key in a folder, which is created with mode 0600 at first use. Raises `InvalidInput`."""
        path = folder / FILE
        try:
            if not folder.is_dir():
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                hand_over(folder, folder.parent)
            if not path.exists():
                stored = _Stored(secrets.token_bytes(KEY_BYTES), secrets.token_bytes(KEY_BYTES))
                create_secret(path, msgspec.json.encode(stored))
            stored = msgspec.json.decode(path.read_bytes(), type=_Stored)
            if len(stored.signing) != KEY_BYTES or len(stored.hashing) != KEY_BYTES:
                raise InvalidInput("INVALID_FILE", f"{path} is not the key of an audit log")
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            raise InvalidInput("INVALID_SETTING", f"KITH_AUDIT: {folder} cannot be used: {reason}") from None
        except msgspec.DecodeError:
            raise InvalidInput("INVALID_FILE", f"{path} is not the key of an audit log") from None
        return cls(stored.signing, stored.hashing)

    def hash(self, text: str) -> str:
        """Return the keyed hash of what somebody asked for."""
        # What is asked for may be longer than a key: the hash has no limit, only its key has.
        keyed = self._keyed.copy()
        keyed.update(text.encode(errors="replace"))
        return keyed.hexdigest()

    def sign(self, message: bytes) -> str:
        """Return the Ed25519 signature of a message, in base64."""
        return base64.b64encode(self._signing.sign(message)).decode()

    @property
    def public(self) -> "PublicKey":
        """What verifies signatures of this key."""
        return PublicKey(self._signing.public_key())


class PublicKey:
    """Verifies signatures."""

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key

    @classmethod
    def parse(cls, text: str) -> "PublicKey":
        """Return the key of a text in base64, as `text` writes it. Raises `InvalidInput`."""
        try:
            return cls(Ed25519PublicKey.from_public_bytes(base64.b64decode(text.strip(), validate=True)))
        except ValueError:
            message = "the public key is not 32 bytes in base64, as `kith audit public-key` prints it"
            raise InvalidInput("INVALID_FILE", message) from None

    @property
    def text(self) -> str:
        """The key in base64."""
        raw = self._key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return base64.b64encode(raw).decode()

    def verifies(self, message: bytes, signature: str) -> bool:
        """Return whether a signature in base64 is that of a message."""
        try:
            self._key.verify(base64.b64decode(signature, validate=True), message)
        except (InvalidSignature, ValueError):
            return False
        return True
