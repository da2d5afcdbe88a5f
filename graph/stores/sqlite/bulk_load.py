"""Loading a whole history into an empty file."""

from collections.abc import Mapping

import orjson

from graph.domain.model.errors import Conflict
from graph.domain.model.json_text import compact
from graph.domain.model.store_values import Writes
from graph.ports import LOADING
from graph.stores.sqlite import mapping
from graph.stores.sqlite.connection import SETTINGS, Connected
from graph.stores.sqlite.writes import Met, Writing, is_loading

HASTE = ("synchronous = NORMAL", "cache_size = -262144", "wal_autocheckpoint = 20000")
"""A file that is cut off while it is loaded stays whole, and what its last commits held is loaded again."""
REST = ("wal_checkpoint(TRUNCATE)", "optimize")
_WITHOUT = "loading without"
"""The name under which the statements of the indexes are kept that are not there while the file is loaded."""


class BulkLoad(Connected):
    """The part of a `Store` that is loaded with a whole history."""

    async def begin_load(self, mark: str) -> None:
        # Indexes are made at the end, when all is there to be sorted.
        await self._alter(begin, mark)
        await self._set(HASTE)

    async def load(self, writes: Writes, numbers: Mapping[str, int]) -> None:
        await self._alter(load, writes, numbers)

    async def end_load(self) -> None:
        await self._alter(end)
        await self._set((*REST, *SETTINGS))


def begin(db: mapping.Connection, mark: str) -> None:
    """Drop the indexes that only reads need, unless that was begun already."""
    if is_loading(db):
        return
    for table in ("identifiers", "observations", "customers", "marks"):
        if db.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone():
            raise Conflict(f"the store is not empty: it has {table}; what comes on top is for `kith import`")
    indexes = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL").fetchall()
    for name, _ in indexes:
        db.execute(f"DROP INDEX {name}")
    kept = [(LOADING, mark), (_WITHOUT, compact([sql for _, sql in indexes]))]
    db.executemany("INSERT INTO kept (name, text) VALUES (?, ?)", kept)


def load(db: mapping.Connection, writes: Writes, numbers: Mapping[str, int]) -> None:
    """Store a part of the history; `numbers` are those of the identifiers in it that are stored."""
    Writing(db, Met(dict(numbers))).write(writes)


def end(db: mapping.Connection) -> None:
    """Make the indexes."""
    ((text,),) = db.execute("SELECT text FROM kept WHERE name = ?", (_WITHOUT,)).fetchall()
    for sql in orjson.loads(text):
        db.execute(sql)
    db.execute("DELETE FROM kept WHERE name IN (?, ?)", (LOADING, _WITHOUT))
