"""Checkpoints beside the writer: what the log holds is copied into the file while writes go on.

SQLite by itself copies at the end of the commit that makes the log too long, and whoever waits for that commit waits
for the copying; copied rarely, a page that was written often is copied once.
"""

import sqlite3
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress

ROWS = 40_000
"""Rows written after which the log is copied: some 50 MB of it."""
FALLBACK = "wal_autocheckpoint = 50000"
"""Pages at which a connection copies all the same, should the copying beside it not keep up."""


class Checkpoints:
    """Makes the checkpoints of one writer, one after `rows` rows; `connect` opens a connection of their own."""

    def __init__(
        self, connect: Callable[[], sqlite3.Connection], rows: int = ROWS, beside: Executor | None = None
    ) -> None:
        self._connect, self._rows = connect, rows
        self._beside = beside or ThreadPoolExecutor(1, "kith-sqlite-checkpoint")
        self._running: Future[None] | None = None
        self._copied = 0
        """Rows that the writer had written when copying began last."""

    def committed(self, writer: sqlite3.Connection) -> None:
        """Is told in the writing thread that something was committed."""
        if self._running is not None and not self._running.done():
            return
        behind = writer.total_changes - self._copied
        if behind >= (self._rows if self._running is None else self._rows // 2):
            self._copied = writer.total_changes
            self._running = self._beside.submit(self._copy)
        elif self._running is not None:
            self._running = None
            # What was written meanwhile is little. With it copied too, and no read under way, the log begins anew.
            # What was committed is safe whether it is copied now or later.
            with suppress(sqlite3.DatabaseError):
                writer.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def _copy(self) -> None:
        connection = self._connect()
        try:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        finally:
            connection.close()

    def close(self) -> None:
        """Wait for what is running."""
        self._beside.shutdown()
