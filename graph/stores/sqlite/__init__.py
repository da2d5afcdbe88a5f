"""The default store: SQLite in a file, without a server. See docs/internals/stores.md."""

from graph.stores.sqlite.read_only import ReadOnlySQLiteStore
from graph.stores.sqlite.store import SQLiteStore

__all__ = ["ReadOnlySQLiteStore", "SQLiteStore"]
