"""Checkpoints beside the writer: the write-ahead log is copied into the file while writes continue.

By default SQLite copies at the end of the commit that makes the log too long, and the caller of that commit waits. With
rare checkpoints, a page that was written often is copied once.
"""

import sqlite3
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress

ROWS = 40_000
"""Rows written between two checkpoints: about 50 MB of log."""
FALLBACK = "wal_autocheckpoint = 50000"
"""The length of the log, in pages, at which the writer itself copies because the checkpoints do not keep up."""


class Checkpoints:
    """Makes a checkpoint after every `rows` rows of one writer. `connect` opens a connection for it."""

    def __init__(
        self, connect: Callable[[], sqlite3.Connection], rows: int = ROWS, executor: Executor | None = None
    ) -> None:
        self._connect, self._rows = connect, rows
        self._executor = executor or ThreadPoolExecutor(1, "kith-sqlite-checkpoint")
        self._running: Future[None] | None = None
        self._copied = 0
        """Rows that the writer had written when the last checkpoint began."""

    def committed(self, writer: sqlite3.Connection) -> None:
        """Begin a checkpoint if it is due. Called in the writing thread after each commit."""
        if self._running is not None and not self._running.done():
            return
        behind = writer.total_changes - self._copied
        if behind >= (self._rows if self._running is None else self._rows // 2):
            self._copied = writer.total_changes
            self._running = self._executor.submit(self._copy)
        elif self._running is not None:
            self._running = None
            # Little was written during the checkpoint. Once that is copied too, and no read is running, the log starts
            # again from its beginning. Commits are safe whether they are copied now or later.
            with suppress(sqlite3.DatabaseError):
                writer.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def _copy(self) -> None:
        connection = self._connect()
        try:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        finally:
            connection.close()

    def close(self) -> None:
        """Wait for a running checkpoint."""
        self._executor.shutdown()
