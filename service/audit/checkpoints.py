"""Checkpoints: signed ends of files. Who keeps them elsewhere notices if entries are rewritten or cut off."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import httpx
import msgspec

from graph.domain.model.errors import InvalidInput
from service.audit import files
from service.audit.key import AuditKey, PublicKey
from service.audit.log import Head, Write
from service.runtime.addresses import is_loopback, is_safe_address
from service.runtime.own_files import hand_over

SECONDS = 60.0
"""Interval between two checkpoints."""
TIMEOUT_SECONDS = 10.0


class Checkpoint(msgspec.Struct, frozen=True):
    """The end of a file at a time (microseconds), with an Ed25519 signature in base64."""

    file: str
    entries: int
    leaf: str
    time: int
    signature: str

    @property
    def message(self) -> bytes:
        """What is signed."""
        return _message(self.file, self.entries, self.leaf, self.time)

    def is_signed_by(self, key: PublicKey) -> bool:
        """Return whether the signature is valid."""
        return key.verifies(self.message, self.signature)


def _message(file: str, entries: int, leaf: str, time: int) -> bytes:
    return f"kith-checkpoint-1\n{file}\n{entries}\n{leaf}\n{time}\n".encode()


def checkpoint(head: Head, time: int, key: AuditKey) -> Checkpoint:
    """Return the signed checkpoint of the end of a file."""
    signature = key.sign(_message(head.file, head.entries, head.leaf, time))
    return Checkpoint(head.file, head.entries, head.leaf, time, signature)


class FileTarget:
    """Appends checkpoints to a file. All processes of a log share it: each line is written at once."""

    def __init__(self, path: Path, write: Write = os.write) -> None:
        self._path, self._write = path, write

    def send(self, lines: bytes) -> None:
        """Append lines; raises `OSError`."""
        is_new = not self._path.exists()
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        try:
            if is_new:
                hand_over(descriptor, self._path.parent)
            # A full disk may accept a part, and refuses the rest.
            while lines:
                lines = lines[self._write(descriptor, lines) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class AddressTarget:
    """Sends checkpoints to an address by POST, as lines of JSON."""

    def __init__(self, address: str) -> None:
        self._address = address
        # A proxy of the environment is for other machines.
        self._from_environment = not is_loopback(urlsplit(address).hostname or "")

    def send(self, lines: bytes) -> None:
        """Send lines; raises `OSError`."""
        try:
            answer = httpx.post(
                self._address,
                content=lines,
                headers={"Content-Type": "application/x-ndjson"},
                timeout=TIMEOUT_SECONDS,
                follow_redirects=False,
                trust_env=self._from_environment,
            )
        except httpx.HTTPError as error:
            raise OSError(0, type(error).__name__) from None
        if not answer.is_success:
            raise OSError(0, f"status {answer.status_code}")


class Target(Protocol):
    """Where checkpoints are kept."""

    def send(self, lines: bytes) -> None:
        """Keep lines; raises `OSError`."""
        ...


def target(setting: str, folder: Path) -> Target:
    """Return where checkpoints are sent by `KITH_AUDIT_CHECKPOINTS`. Raises `InvalidInput`."""
    if "://" not in setting:
        return FileTarget(Path(setting) if setting else folder / files.CHECKPOINTS)
    if is_safe_address(setting):
        return AddressTarget(setting)
    message = "KITH_AUDIT_CHECKPOINTS: an address must be https://, or http:// of this machine, without a user's name"
    raise InvalidInput("INVALID_SETTING", message)


def encoded(checkpoints: Sequence[Checkpoint]) -> bytes:
    """Return checkpoints as lines."""
    return b"".join(msgspec.json.encode(checkpoint) + b"\n" for checkpoint in checkpoints)


def read(path: Path) -> list[Checkpoint | str]:
    """Return the checkpoints of a file in order; for a line that is none, the place."""
    result: list[Checkpoint | str] = []
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            result.append(msgspec.json.decode(line, type=Checkpoint))
        except (msgspec.DecodeError, UnicodeDecodeError):
            result.append(f"line {number}")
    return result


def newest(checkpoints: Iterable[Checkpoint]) -> dict[str, Checkpoint]:
    """Return the checkpoint of each file that has the most entries."""
    result: dict[str, Checkpoint] = {}
    for one in checkpoints:
        known = result.get(one.file)
        if known is None or one.entries >= known.entries:
            result[one.file] = one
    return result
