"""Loading of a whole history into an empty file."""

from collections.abc import Collection, Mapping, Sequence

import orjson

from graph.domain.model.errors import StoreNotEmpty
from graph.domain.model.json_text import compact
from graph.domain.model.load_columns import PortionColumns
from graph.domain.model.rules import StoredRules
from graph.domain.model.store_values import Writes
from graph.ports import COPYING, LOADING
from graph.stores.sqlite import mapping
from graph.stores.sqlite.bulk_rows import insert_columns
from graph.stores.sqlite.connection import SETTINGS, Connected
from graph.stores.sqlite.writes import StoredHandles, Writer, is_loading

LOAD_SETTINGS = (
    "synchronous = NORMAL",
    "cache_size = -262144",
    "wal_autocheckpoint = 20000",
    "temp_store = FILE",  # indexes are sorted there
)
"""If loading is interrupted, the file stays intact, and the content of the last commits is loaded again."""
FINISH_SETTINGS = ("wal_checkpoint(TRUNCATE)", "optimize")
_DROPPED_INDEXES = "loading_dropped_indexes"
"""The name that the statements of the dropped indexes are stored under while the file is loaded."""
_UNIQUE = (
    ("identifiers", "key", "key TEXT NOT NULL UNIQUE", "key TEXT NOT NULL"),
    ("observations", "source, public_id", ",\n    UNIQUE (source, public_id)", ""),
)
"""Constraints of tables, whose indexes cannot be dropped: the columns, the text in the table's statement, and the text
that replaces it."""


class BulkLoad(Connected):
    """The part of a `Store` that is loaded with a whole history."""

    async def begin_load(self, progress: str) -> None:
        # Indexes are created at the end, when all rows can be sorted at once.
        await self._alter(begin, progress)
        await self._set(LOAD_SETTINGS)

    async def load(self, writes: Writes, numbers: Mapping[str, int], loaded: Collection[str] = ()) -> None:
        await self._alter(load, writes, numbers, loaded)

    async def load_columns(self, portion: PortionColumns, progress: str) -> None:
        await self._alter(load_columns, portion, progress)

    async def load_rules(self, rules: Sequence[StoredRules]) -> None:
        await self._alter(load_rules, rules)

    async def end_load(self) -> None:
        await self._alter(end)
        await self._set((*FINISH_SETTINGS, *SETTINGS))


def begin(db: mapping.Connection, progress: str) -> None:
    """Drop the indexes that only reads need, unless loading has begun already."""
    if is_loading(db):
        return
    for table in ("identifiers", "observations", "customers", "overrides"):
        if db.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone():
            raise StoreNotEmpty(f"the store is not empty: it has {table}; use `kith import` to add to it")
    indexes = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL").fetchall()
    for name, _ in indexes:
        db.execute(f"DROP INDEX {name}")
    # A copy looks up identifiers by key.
    unique = [] if progress == COPYING else _replace_constraints(db)
    values = [(LOADING, progress), (_DROPPED_INDEXES, compact([*unique, *(sql for _, sql in indexes)]))]
    db.executemany("INSERT INTO stored_values (name, value) VALUES (?, ?)", values)


def _replace_constraints(db: mapping.Connection) -> list[str]:
    """Create the empty tables again without their constraints; return the statements of indexes in their place.

    Keys arrive in no order, so that in a large store each row would change another page of such an index.
    """
    statements: list[str] = []
    for table, columns, constraint, replacement in _UNIQUE:
        ((sql,),) = db.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)).fetchall()
        # Those of a file that was loaded before have an index already.
        if constraint in sql:
            db.execute(f"DROP TABLE {table}")
            db.execute(sql.replace(constraint, replacement))
            statements.append(f"CREATE UNIQUE INDEX {table}_unique ON {table} ({columns})")
    return statements


def load(db: mapping.Connection, writes: Writes, numbers: Mapping[str, int], loaded: Collection[str]) -> None:
    """Store a part of the history; `numbers` are the row ids of its identifiers that are stored already.

    The row ids of the identifiers `loaded` are read.
    """
    identifiers = dict(numbers)
    if loaded:
        sql = "SELECT key, id FROM identifiers WHERE key IN (SELECT value FROM json_each(?))"
        identifiers.update(db.execute(sql, (compact(list(loaded)),)))
    Writer(db, StoredHandles(identifiers)).write(writes)


def load_columns(db: mapping.Connection, portion: PortionColumns, progress: str) -> None:
    """Store a part of the history, and how far it is loaded."""
    insert_columns(db, portion)
    db.execute("UPDATE stored_values SET value = ? WHERE name = ?", (progress, LOADING))


def load_rules(db: mapping.Connection, rules: Sequence[StoredRules]) -> None:
    """Replace all versions of the rules."""
    db.execute("DELETE FROM rules")
    db.executemany(
        "INSERT INTO rules (version, created_at, text, pending, processed_to_source, processed_to_id) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        [
            (
                version.version,
                version.created_at,
                version.text,
                version.pending,
                *(version.processed_to or (None, None)),
            )
            for version in rules
        ],
    )


def end(db: mapping.Connection) -> None:
    """Create the indexes."""
    ((text,),) = db.execute("SELECT value FROM stored_values WHERE name = ?", (_DROPPED_INDEXES,)).fetchall()
    for sql in orjson.loads(text):
        db.execute(sql)
    db.execute("DELETE FROM stored_values WHERE name IN (?, ?)", (LOADING, _DROPPED_INDEXES))
