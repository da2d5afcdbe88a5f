"""The default store: SQLite in a file, no server. See README.md beside this file for its honest differences."""

from graph.stores.sqlite.store import EmbeddedStore

__all__ = ["EmbeddedStore"]
