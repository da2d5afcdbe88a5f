"""Write transactions, one at a time among all processes, and whether the file can be written."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from graph.domain.model.errors import StoreUnavailable
from graph.stores.sqlite import failures, migrator
from graph.stores.sqlite.connection import BUSY_SECONDS
from graph.stores.sqlite.thread_connections import ThreadConnections
from graph.stores.sqlite.write_lock import WriteLock

ATTEMPT = "write_attempt"
"""The name of the value that is stored to find out whether the file can be written."""
ATTEMPT_BYTES = 1 << 18
CONTENDED_SECONDS = 1


class WriteTransactions:
    """Begins and commits the write transactions of a store, in its writing thread."""

    def __init__(self, path: str, connections: ThreadConnections) -> None:
        self._connections = connections
        self._lock = WriteLock(path)
        self.problem: str | None = None
        """Why the last write failed, empty if it succeeded, `None` if nothing was written so far."""

    @property
    def contended(self) -> bool:
        """Whether another process wrote when this one wanted to, within the last second."""
        return time.monotonic() - self._lock.contended_at < CONTENDED_SECONDS

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Yield the thread's connection in a transaction. When the context ends without an error, what was written is
        on disk, in the file that the path leads to. Raises `StoreUnavailable`, and `StoreVersionMismatch` if a newer
        program has migrated the file.
        """
        try:
            with self._lock.held(BUSY_SECONDS):
                if self._connections.moved:
                    self._connections.check_moved()
                with self._connections.transaction("BEGIN IMMEDIATE") as connection:
                    migrator.check_not_newer(connection)
                    before = connection.total_changes
                    yield connection
                # What was written to files that are no longer there is lost. The check takes some microseconds.
                self._connections.check_moved(index=False)
        except StoreUnavailable as error:
            cause = error.__cause__
            if isinstance(cause, sqlite3.Error) and failures.code_of(cause) != sqlite3.SQLITE_BUSY:
                self.problem = error.message
            raise
        if connection.total_changes != before:
            self.problem = ""

    def attempt(self) -> None:
        """Write and remove a value, so that `problem` is known. After a failure it has the size of some writes."""
        size = ATTEMPT_BYTES if self.problem else 0
        with suppress(StoreUnavailable):
            for sql in (
                f"INSERT OR REPLACE INTO stored_values (name, value) VALUES ('{ATTEMPT}', hex(zeroblob({size // 2})))",
                f"DELETE FROM stored_values WHERE name = '{ATTEMPT}'",
            ):
                with self.transaction() as connection:
                    connection.execute(sql)

    def close(self) -> None:
        """Close the lock. The writing thread has ended."""
        self._lock.close()
