"""Appends entries to the audit log: each process to a file of its own, so that processes need no locks."""

import contextlib
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from msgspec import Struct

from graph.domain.model.errors import AuditUnavailable
from service.audit import files
from service.runtime.hash_chain import GENESIS
from service.runtime.own_files import hand_over

MAX_FILE_BYTES = 256_000_000
"""Size from which on a process begins another file, as it does each day."""
MAX_DOCUMENTS = 10_000
"""Number of documents whose lines are remembered; others are described again."""
NAMED_FILES = 20
"""Number of other files that each file names, so that a missing one is noticed."""

Write = Callable[[int, bytes], int]
"""Writes to a descriptor, as `os.write` does."""


class Head(Struct, frozen=True):
    """The end of a file: the number of its last entry, and its leaf in hexadecimal digits."""

    file: str
    entries: int
    leaf: str


class AuditLog:
    """The file of this process. An entry that cannot be written leaves the file as it was.

    `now` returns microseconds since 1970.
    """

    def __init__(self, folder: Path, now: Callable[[], int], write: Write = os.write) -> None:
        self.folder, self.now, self._write = folder, now, write
        self.written = self.failures = 0
        """Numbers of entries that were written, and of attempts that failed."""
        self.problem = ""
        """Why the last entry could not be written."""
        self.closed: list[Head] = []
        """The ends of files that this process has closed since they were last asked for."""
        self._descriptor: int | None = None
        self._name, self._files = "", 0
        self._number, self._leaf, self._size, self._until = -1, GENESIS, 0, 0
        self._documents: dict[object, int] = {}

    def append(
        self, entry: dict[str, Any], document: object = None, describe: Callable[[], dict[str, Any]] | None = None
    ) -> None:
        """Write an entry; raises `AuditUnavailable`. It has the time in `t`.

        An entry of a `document`, which is any hashable value, refers to the line that describes it, which is written
        once in each file.
        """
        try:
            if self._descriptor is None or entry["t"] >= self._until or self._size >= MAX_FILE_BYTES:
                self._open(entry["t"])
            number, leaf, text = self._number, self._leaf, b""
            if describe is not None:
                offset = self._documents.get(document)
                if offset is None:
                    offset = self._size
                    number += 1
                    leaf, text = files.CHAIN.line(number, leaf, orjson.dumps(describe()))
                entry["doc"] = offset
            number += 1
            leaf, line = files.CHAIN.line(number, leaf, orjson.dumps(entry))
            self._put(text + line)
        except OSError as error:
            self.failures += 1
            self.problem = (error.strerror or type(error).__name__).lower()
            raise AuditUnavailable(f"the audit log cannot be written: {self.problem}") from None
        if describe is not None and text:
            if len(self._documents) >= MAX_DOCUMENTS:
                self._documents.clear()
            self._documents[document] = entry["doc"]
        self._number, self._leaf = number, leaf
        self.written += 1
        self.problem = ""

    def probe(self) -> str:
        """Return why the log cannot be written, after another attempt if the last one failed; empty if it can."""
        if self.problem or self._descriptor is None:
            with contextlib.suppress(AuditUnavailable):
                self.append({"t": self.now(), "kind": "ready"})
        return self.problem

    @property
    def head(self) -> Head | None:
        """The end of the current file; `None` before the first entry."""
        return None if self._descriptor is None else Head(self._name, self._number, self._leaf.hex())

    def duplicate(self) -> int | None:
        """Return another descriptor of the current file, which the caller closes: this one may be closed meanwhile."""
        return None if self._descriptor is None else os.dup(self._descriptor)

    def close(self) -> None:
        """Close the current file. An entry later begins another one."""
        if self._descriptor is None:
            return
        descriptor, head, self._descriptor = self._descriptor, self.head, None
        if head is not None:
            self.closed.append(head)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _open(self, time: int) -> None:
        """Begin a file, whose first line links it to the one before."""
        previous = self.head
        self.close()
        if previous is None and self.closed:
            previous = self.closed[-1]
        host = socket.gethostname()
        while True:
            name = files.name(host, os.getpid(), time, self._files)
            self._files += 1
            try:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
                descriptor = os.open(self.folder / name, flags, 0o640)
                break
            except FileExistsError:
                continue
        others = [other for other in files.names(self.folder) if other != name][-NAMED_FILES:]
        header: dict[str, Any] = {"t": time, "kind": "file", "version": files.VERSION, "name": name, "others": others}
        if previous is not None:
            header["previous"] = {"file": previous.file, "entries": previous.entries, "leaf": previous.leaf}
        self._descriptor, self._name, self._size = descriptor, name, 0
        hand_over(descriptor, self.folder)
        self._documents.clear()
        leaf, line = files.CHAIN.line(0, GENESIS, orjson.dumps(header))
        try:
            self._put(line)
        except OSError:
            if self._descriptor is not None:
                os.close(descriptor)
                self._descriptor = None
            (self.folder / name).unlink(missing_ok=True)
            raise
        self._number, self._leaf, self._until = 0, leaf, files.end_of_day(time)

    def _put(self, lines: bytes) -> None:
        """Write whole lines or nothing; raises `OSError`."""
        descriptor = self._descriptor
        assert descriptor is not None
        written = 0
        try:
            while written < len(lines):
                written += self._write(descriptor, lines[written:])
        except OSError:
            if written:
                self._undo(descriptor)
            raise
        self._size += len(lines)

    def _undo(self, descriptor: int) -> None:
        """Remove what was written of a line. If that fails, the next entry begins another file."""
        try:
            os.ftruncate(descriptor, self._size)
        except OSError:
            self._descriptor = None
            os.close(descriptor)
