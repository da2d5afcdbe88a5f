"""A connection for each thread, all to one file, and whether that file is still the one at the store's path.

The write-ahead log (`-wal`) and its index (`-shm`) belong to the file. If one of the three is removed or replaced while
connections are open, SQLite goes on with the files that it has open, and what it stores there is lost.
"""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from graph.domain.model.errors import StoreUnavailable
from graph.stores.sqlite import failures

FileId = tuple[int, int] | None
"""Device and inode; `None` if there is no file."""
FILE_MOVED = (
    "the database file was removed or replaced while it is in use: put it back, or restart the service to use the file "
    "that is there now"
)
LOG_MOVED = (
    "the log of the database file (-wal or -shm) was removed or replaced while it is in use: stop the service, which "
    "saves the log's content in the file, and start it again"
)


class ThreadConnections:
    """Opens, checks and closes connections. `connect` opens one; `tune` changes its settings, in the thread that will
    use it.
    """

    def __init__(
        self, path: str, connect: Callable[[], sqlite3.Connection], tune: Callable[[sqlite3.Connection], None]
    ) -> None:
        self._path, self._connect, self._tune = path, connect, tune
        self._local = threading.local()
        self._lock = threading.Lock()
        self._open: list[sqlite3.Connection] = []
        self._file: FileId = None
        self._logs: list[tuple[str, FileId]] = []
        self.moved = False
        """Whether the last check found that a file was moved."""
        self.damaged = False
        """Whether a statement found that the file is damaged. Others may succeed."""

    def get(self) -> sqlite3.Connection:
        """Return the thread's connection. Raises `StoreUnavailable`."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        return connection or self._add()

    def _add(self) -> sqlite3.Connection:
        # Each thread uses its own connection; only `close` touches all of them, when the threads have ended.
        with self.errors(), self._lock:
            connection = self.open()
            with _closed_on_error(connection):
                self._tune(connection)
                if self._file is None:
                    self._remember_files(connection)
            self._open.append(connection)
        self._local.connection = connection
        return connection

    def _remember_files(self, connection: sqlite3.Connection) -> None:
        # The log exists from the first read to the end of the last connection.
        connection.execute("PRAGMA user_version").fetchone()
        file = os.path.realpath(self._path)
        # A file that is read as immutable has no log.
        self._logs = [(log, _id_of(log)) for log in (f"{file}-wal", f"{file}-shm")]
        self._file = _id_of(self._path)

    def open(self) -> sqlite3.Connection:
        """Return a further connection, which the caller closes. Raises `StoreUnavailable` or SQLite's errors."""
        self.check_moved()  # Opening a file that does not exist would create it.
        connection = self._connect()
        with _closed_on_error(connection):
            self.check_moved()
        return connection

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Raise SQLite's errors in the context as those of the graph."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            failures.reraise(error, self._path)

    @contextmanager
    def transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        """Yield the thread's connection in a transaction. Raises `StoreUnavailable`."""
        connection = self.get()
        try:
            connection.execute(begin)
            yield connection
            connection.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            self.damaged |= failures.code_of(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
            failures.reraise(error, self._path)
        finally:
            if connection.in_transaction:
                # After an interrupt, ROLLBACK fails too while a cursor is open. Then the connection is to be replaced.
                with suppress(sqlite3.DatabaseError):
                    connection.execute("ROLLBACK")

    def replace(self, old: sqlite3.Connection) -> None:
        """Close the thread's connection, whatever state it is in. If no other can be opened now, `get` tries again."""
        self._local.connection = None
        # The log would be removed with the last connection, and another created: so the new one is opened first.
        with suppress(StoreUnavailable):
            self._add()
        with self._lock:
            self._open.remove(old)
            old.close()
            if not self._open:
                self._file = None

    def check_moved(self, index: bool = True) -> None:
        """Raise `StoreUnavailable` if the path leads to another file than the connections, or the log does.

        The `index` of the log is checked too unless it is false: what was written is found without it.
        """
        if self._file is None:
            return
        self.moved = True
        if _id_of(self._path) != self._file:
            raise StoreUnavailable(FILE_MOVED)
        for path, id in self._logs if index else self._logs[:1]:
            if _id_of(path) != id and id is not None:
                raise StoreUnavailable(LOG_MOVED)
        self.moved = False

    def close(self) -> None:
        """Close all connections. The threads have ended."""
        with self._lock:
            for connection in self._open:
                connection.close()
            self._open.clear()
            self._file = None


@contextmanager
def _closed_on_error(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise


def _id_of(path: str) -> FileId:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
