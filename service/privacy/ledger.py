"""The ledger of erasures: a file outside the store that only grows, so that a restored store can be erased again.

Each erasure has a line with its intent, which is on disk before the store commits, and later one with its receipt or
the fact that it was refused. What is written contains keyed hashes, ids and counts, and no value of a person.
Several processes may use the file: one at a time holds its lock, and first reads what the others have added.
"""

import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from graph.domain.model.errors import StoreUnavailable
from service.privacy.ledger_entries import Completed, Entry, Header, Intent, Pending, Position, Refused, parsed
from service.runtime.hash_chain import GENESIS, HashChain, parse
from service.runtime.own_files import hand_over, sync_folder

if sys.platform != "win32":
    import fcntl

SETTING = "KITH_ERASURE_LEDGER"
CHAIN = HashChain("kith-erasure-ledger-1")
_WAIT = 0.02
"""Seconds between two attempts to take the lock."""

Write = Callable[[int, bytes], int]
"""Writes to a descriptor, as `os.write` does."""


class _Known(Struct):
    """An intent that was read: its leaf, and where its line begins."""

    leaf: str
    offset: int
    is_refused: bool = False


class Ledger:
    """The ledger at a path. `now` returns microseconds since 1970. Every method raises `StoreUnavailable`."""

    def __init__(self, path: Path, now: Callable[[], int], write: Write = os.write) -> None:
        self.path, self._now, self._write = path, now, write
        self._descriptor: int | None = None
        self._file: tuple[int, int] | None = None
        self._forget()

    def _forget(self) -> None:
        self._id, self._number, self._leaf, self._size = "", -1, GENESIS, 0
        self._intents: dict[int, _Known] = {}

    def exists(self) -> bool:
        """Return whether there is a file."""
        return self.path.exists()

    def is_unread(self) -> bool:
        """Return whether the file is another one, or longer or shorter, than when it was last read here."""
        try:
            status = self.path.stat()
        except OSError:
            return self._file is not None
        return (status.st_dev, status.st_ino) != self._file or status.st_size != self._size

    def acquire(self, seconds: float) -> None:
        """Take the lock, create the file if there is none, and read what is new. It is held until `release`."""
        try:
            self.release()
            self._descriptor = self._opened(time.monotonic() + seconds)
            with os.fdopen(os.dup(self._descriptor), "rb") as file:
                self._read(file)
            # Half a line was written by a process that was killed before it went on to the store.
            os.ftruncate(self._descriptor, self._size)
            if self._number < 0:
                self._append(Header(secrets.token_hex(16), self._now()))
                sync_folder(self.path.parent)
        except OSError as error:
            self.release()
            raise self._problem(f"cannot be used: {(error.strerror or type(error).__name__).lower()}") from None
        except BaseException:
            self.release()
            raise

    def read(self) -> None:
        """Read what is new without the lock and without writing, which is enough to compare."""
        try:
            with self.path.open("rb") as file:
                self._see(os.fstat(file.fileno()))
                self._read(file)
        except OSError as error:
            raise self._problem(f"cannot be read: {(error.strerror or type(error).__name__).lower()}") from None

    def release(self) -> None:
        """Release the lock."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)

    def append(self, entry: Intent | Completed) -> Position:
        """Write an entry to the disk, and return its position. If that fails, the ledger is as it was."""
        try:
            self._append(entry)
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            raise self._problem(f"cannot be written: {reason}") from None
        return Position(self._id, self._number, self._leaf.hex())

    def refuse(self, position: Position) -> None:
        """Record that the last intent was refused by the store, so that it is never carried out."""
        try:
            self._append(Refused(position.number))
        except OSError:
            # A full disk accepts nothing, but gives back. No store knows of the intent, and nobody was answered.
            assert self._descriptor is not None
            os.ftruncate(self._descriptor, self._intents[position.number].offset)
            self._forget()
            self.read()

    def pending(self, position: Position | None) -> list[Pending]:
        """Return the intents after a store's position, oldest first, without refused ones.

        Raises `StoreUnavailable` if the store is ahead of the ledger, or was used with another one.
        """
        if position is not None:
            self._check(position)
        after = -1 if position is None else position.number
        result = []
        for number, known in self._intents.items():
            if number > after and not known.is_refused:
                entry = self._entry_at(known.offset)
                assert isinstance(entry, Intent)
                result.append(Pending(Position(self._id, number, known.leaf), entry))
        return result

    def receipts(self) -> Iterator[tuple[int, str]]:
        """Yield the receipts, oldest first, with the numbers of their intents."""
        with self.path.open("rb") as file:
            for text in file:
                entry = parsed(parse(text))
                if isinstance(entry, Completed):
                    yield entry.intent, entry.receipt

    def _check(self, position: Position) -> None:
        known = self._intents.get(position.number)
        if position.ledger != self._id:
            raise self._problem("is not the ledger of this store: restore the file that the store was used with")
        if position.number > self._number:
            raise self._problem(
                f"ends with entry {self._number}, but the store has carried out entry {position.number}: it was cut "
                "off or is an old copy; restore the newest one"
            )
        if known is None or known.leaf != position.leaf:
            raise self._problem(f"has another entry {position.number} than the store has carried out: restore the file")

    def _opened(self, deadline: float) -> int:
        """Return a descriptor of the file that the path names, with the lock."""
        while True:
            is_new = not self.path.exists()
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                if is_new:
                    hand_over(descriptor, self.path.parent)
                self._wait_for(descriptor, deadline)
                held = os.fstat(descriptor)
                named = self.path.stat()
            except FileNotFoundError:
                os.close(descriptor)
                continue
            except BaseException:
                os.close(descriptor)
                raise
            # Somebody may have replaced the file while this process waited.
            if (held.st_dev, held.st_ino) == (named.st_dev, named.st_ino):
                self._see(held)
                return descriptor
            os.close(descriptor)

    def _wait_for(self, descriptor: int, deadline: float) -> None:
        while not _locked(descriptor):
            if time.monotonic() >= deadline:
                raise self._problem("is in use by another process that erases: try again")
            time.sleep(_WAIT)

    def _see(self, status: os.stat_result) -> None:
        """Begin from the start if the file is not the one that was read before."""
        file = status.st_dev, status.st_ino
        if file != self._file or status.st_size < self._size:
            self._forget()
            self._file = file

    def _read(self, file: BinaryIO) -> None:
        """Verify and remember the complete lines after those that were read before."""
        file.seek(self._size)
        for text in file:
            if text.endswith(b"\n"):
                self._see_line(text)

    def _see_line(self, text: bytes) -> None:
        line, number = parse(text), self._number + 1
        entry = parsed(line)
        digest = None if line is None else line.digest()
        if line is None or digest is None or entry is None or isinstance(entry, Header) != (number == 0):
            raise self._damaged(number)
        leaf = CHAIN.leaf(number, self._leaf, digest)
        if line.n != number or line.h != leaf.hex():
            raise self._damaged(number)
        self._remember(number, leaf, entry, len(text))

    def _remember(self, number: int, leaf: bytes, entry: Entry, size: int) -> None:
        match entry:
            case Header():
                self._id = entry.id
            case Intent():
                self._intents[number] = _Known(leaf.hex(), self._size)
            case Refused():
                if entry.intent in self._intents:
                    self._intents[entry.intent].is_refused = True
            case Completed():
                pass
        self._number, self._leaf = number, leaf
        self._size += size

    def _entry_at(self, offset: int) -> Entry | None:
        with self.path.open("rb") as file:
            file.seek(offset)
            line = parse(file.readline())
        return parsed(line)

    def _append(self, entry: Entry) -> None:
        """Write a whole line or nothing, and wait until it is on disk; raises `OSError`."""
        descriptor = self._descriptor
        assert descriptor is not None, "the lock is held"
        number = self._number + 1
        leaf, text = CHAIN.line(number, self._leaf, msgspec.json.encode(entry))
        written = 0
        try:
            while written < len(text):
                written += self._write(descriptor, text[written:])
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, self._size)
            raise
        self._remember(number, leaf, entry, len(text))

    def _damaged(self, number: int) -> StoreUnavailable:
        self._forget()
        return self._problem(f"was changed at entry {number}: restore the file from its backup")

    def _problem(self, reason: str) -> StoreUnavailable:
        return StoreUnavailable(f"{SETTING}: {self.path} {reason}")


def _locked(descriptor: int) -> bool:
    """Take the lock of a file unless another process has it; return whether it was free."""
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
