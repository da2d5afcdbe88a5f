"""The SQLite store of a file that must not change: reading creates no file beside it either."""

import sqlite3
from pathlib import Path

from graph.domain.model.migrations import Migrations
from graph.stores.sqlite import migrator
from graph.stores.sqlite.connection import BUSY_SECONDS
from graph.stores.sqlite.store import SQLiteStore


class ReadOnlySQLiteStore(SQLiteStore):
    """A `Store` that only reads. A file that does not exist is not created: reads raise `StoreUnavailable`."""

    async def migrations(self) -> Migrations:
        # A file that does not exist will be created by the first command that writes.
        return await super().migrations() if self.path.exists() else Migrations(list(migrator.scripts()), empty=True)

    async def ready(self) -> str:
        return await self._unreadable()

    def _open_connection(self) -> sqlite3.Connection:
        path = Path(self._path).resolve()
        log = path.with_name(f"{path.name}-wal")
        # Without a log no process uses the file. A connection that expects a log would create it.
        mode = "mode=ro" if log.exists() else "mode=ro&immutable=1"
        return sqlite3.connect(
            f"{path.as_uri()}?{mode}", uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
