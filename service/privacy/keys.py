"""The keys of erasure: secrets that hash erased identifiers, and keys that sign receipts. They are not in the store.

Whoever has a store and the secrets can test whether an identifier was erased; with the store alone nobody can.
"""

import hashlib
import hmac
import secrets
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct
from msgspec.structs import replace

from graph.domain.model.errors import InvalidInput
from graph.domain.model.tombstones import TombstoneKeys
from service.privacy.public_keys import PublicKeys
from service.runtime.own_files import create_secret, exposure, replace_secret

KEY_BYTES = 32
SETTING = "KITH_ERASURE_KEYS"
_CHECKED = b"kith-erasure-key-check-1"
"""What a check value is the hash of. It has no `=`, so it differs from all identifiers that are hashed."""


class KeyVersion(Struct, frozen=True):
    """One version: two secrets of 32 bytes, and from when on they are used for new erasures (microseconds)."""

    version: int
    created: int
    used_from: int
    hashing: bytes
    signing: bytes

    def __repr__(self) -> str:
        return f"KeyVersion({self.version})"

    @property
    def check_value(self) -> str:
        """What shows, without revealing the secret, that a key file has the secret that a store was used with."""
        return hmac.new(self.hashing, _CHECKED, hashlib.sha256).hexdigest()

    @property
    def signing_key(self) -> Ed25519PrivateKey:
        """The key that signs receipts."""
        return Ed25519PrivateKey.from_private_bytes(self.signing)


class ErasureKeys(Struct, frozen=True):
    """All versions, oldest first. What was made with any of them can be recognized and verified."""

    versions: tuple[KeyVersion, ...]

    def current(self, now: int) -> KeyVersion:
        """Return the version for what is erased at a time: the newest that is in use then, else the first."""
        used = [version for version in self.versions if version.used_from <= now]
        return used[-1] if used else self.versions[0]

    def find(self, version: int) -> KeyVersion | None:
        """Return a version by its number."""
        return next((one for one in self.versions if one.version == version), None)

    def for_tombstones(self, now: int) -> TombstoneKeys:
        """Return the secrets that hash identifiers, with the version for a time as the current one."""
        return TombstoneKeys({one.version: one.hashing for one in self.versions}, self.current(now).version)

    @property
    def public(self) -> PublicKeys:
        """What verifies receipts of all versions."""
        return PublicKeys.of(version.signing_key.public_key() for version in self.versions)


class KeyFile:
    """The file with the keys. It is read again when it has changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read: tuple[object, ErasureKeys] | None = None

    @property
    def last(self) -> ErasureKeys | None:
        """The keys that were read last, also if the file cannot be read anymore."""
        return None if self._read is None else self._read[1]

    def keys(self) -> ErasureKeys | None:
        """Return the keys; `None` if there is no file. Raises `InvalidInput` if it cannot be used."""
        try:
            status = self.path.stat()
            state = status.st_ino, status.st_mtime_ns, status.st_size, status.st_mode
            if self._read is None or self._read[0] != state:
                self._read = state, self._parsed()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(f"cannot be read: {_reason(error)}") from None
        return self._read[1]

    def create(self, now: int) -> ErasureKeys:
        """Write a file with a first version, unless there is one, and return its keys. Raises `InvalidInput`."""
        keys = ErasureKeys((_made(1, now, now),))
        try:
            create_secret(self.path, msgspec.json.encode(keys))
        except OSError as error:
            raise self._unusable(f"cannot be written: {_reason(error)}") from None
        found = self.keys()
        assert found is not None
        return found

    def rotate(self, now: int, used_from: int) -> KeyVersion:
        """Add a version that is used from a time (microseconds), and return it. Raises `InvalidInput`."""
        keys = self.keys()
        if keys is None:
            raise self._unusable("does not exist: make it with `kith erasure-keys create`")
        newest = keys.versions[-1]
        if newest.used_from > now:
            raise self._unusable(f"has version {newest.version}, which is not in use yet: rotate after that")
        added = _made(newest.version + 1, now, used_from)
        try:
            replace_secret(self.path, msgspec.json.encode(replace(keys, versions=(*keys.versions, added))))
        except OSError as error:
            raise self._unusable(f"cannot be written: {_reason(error)}") from None
        return added

    def _parsed(self) -> ErasureKeys:
        if who := exposure(self.path):
            raise self._unusable(f"is open to {who}: `chmod 600` it, and rotate the keys if others may have read it")
        try:
            keys = msgspec.json.decode(self.path.read_bytes(), type=ErasureKeys)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self._unusable("is not a file of erasure keys") from None
        numbers = [version.version for version in keys.versions]
        lengths = {len(secret) for version in keys.versions for secret in (version.hashing, version.signing)}
        if not numbers or numbers != sorted({*numbers}) or lengths != {KEY_BYTES}:
            raise self._unusable("is not a file of erasure keys")
        # Until somebody looks into it, what was known is recognized: the keys that were read before stay in use.
        for known in () if self.last is None else self.last.versions:
            found = keys.find(known.version)
            if found != known:
                reason = "lacks" if found is None else "has another secret for"
                raise self._unusable(f"{reason} version {known.version}, unlike before: restore it, or start again")
        return keys

    def _unusable(self, reason: str) -> InvalidInput:
        return InvalidInput("INVALID_SETTING", f"{SETTING}: {self.path} {reason}")


def _made(version: int, created: int, used_from: int) -> KeyVersion:
    return KeyVersion(version, created, used_from, secrets.token_bytes(KEY_BYTES), secrets.token_bytes(KEY_BYTES))


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
