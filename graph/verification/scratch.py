"""A temporary database with what a store exports, so that a verification needs little memory, whatever is stored.

Everything is compared in the order of keys, in one pass over sorted tables.
"""

import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from graph.domain.model.links import Link
from graph.domain.model.observations import EvidenceStatement
from graph.domain.model.receipts import Receipt
from graph.domain.model.stored_records import StoredCustomer, StoredIdentifier

_TABLES = """
CREATE TABLE identifiers (key TEXT NOT NULL, customer TEXT NOT NULL, record BLOB NOT NULL);
CREATE TABLE words (key TEXT NOT NULL, words TEXT NOT NULL);
CREATE TABLE customers (id TEXT NOT NULL, record BLOB NOT NULL);
CREATE TABLE links (a TEXT NOT NULL, b TEXT NOT NULL, record BLOB NOT NULL);
CREATE TABLE statements (n INTEGER PRIMARY KEY, record BLOB NOT NULL);
CREATE TABLE mentions (key TEXT NOT NULL, n INTEGER NOT NULL);
CREATE TABLE interactions (key TEXT NOT NULL, counts BLOB NOT NULL);
CREATE TABLE reports (key TEXT NOT NULL, record BLOB NOT NULL);
CREATE TABLE memberships (segment TEXT NOT NULL, customer TEXT NOT NULL);
CREATE TABLE held (key TEXT PRIMARY KEY, customer TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX held_by ON held (customer);
CREATE TABLE expected_links (a TEXT NOT NULL, b TEXT NOT NULL, record BLOB NOT NULL);
CREATE TABLE value_sets (key TEXT PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE alive (n INTEGER PRIMARY KEY, key TEXT NOT NULL);
CREATE TABLE candidates (n INTEGER NOT NULL, a TEXT NOT NULL, b TEXT NOT NULL, record BLOB NOT NULL, stored BLOB);
CREATE TABLE repairs (part TEXT NOT NULL, place TEXT NOT NULL, found BLOB, expected BLOB);
"""
_INDEXES = """
CREATE INDEX identifiers_key ON identifiers (key);
CREATE INDEX identifiers_customer ON identifiers (customer, key);
CREATE INDEX words_key ON words (key);
CREATE UNIQUE INDEX customers_id ON customers (id);
CREATE INDEX links_pair ON links (a, b);
CREATE INDEX mentions_key ON mentions (key, n);
CREATE INDEX interactions_key ON interactions (key);
CREATE INDEX reports_key ON reports (key);
"""

_DUPLICATES = (
    """DELETE FROM identifiers WHERE rowid IN (SELECT later.rowid FROM identifiers later
        JOIN identifiers earlier ON earlier.key = later.key AND earlier.rowid < later.rowid)""",
    """DELETE FROM links WHERE rowid IN (SELECT later.rowid FROM links later
        JOIN links earlier ON (earlier.a, earlier.b) = (later.a, later.b) AND earlier.rowid < later.rowid)""",
)
"""A damaged store can have several of one, which it reports itself; the first is compared."""

encode = msgspec.msgpack.Encoder(enc_hook=str).encode
"""Sentences, such as the reasons of links, are encoded as their texts."""
decode_identifier = msgspec.msgpack.Decoder(StoredIdentifier).decode
decode_customer = msgspec.msgpack.Decoder(StoredCustomer).decode
decode_link = msgspec.msgpack.Decoder(Link).decode
decode_statement = msgspec.msgpack.Decoder(EvidenceStatement).decode
decode_receipt = msgspec.msgpack.Decoder(Receipt).decode
decode_counts = msgspec.msgpack.Decoder(dict[str, int]).decode
decode_sets = msgspec.msgpack.Decoder(dict[str, str]).decode


class Scratch:
    """The temporary database: a context manager that removes it at the end."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="kith-verify-")
        # The event loop's thread fills it, and another one compares; never both at once.
        self.db = sqlite3.connect(Path(self._folder.name) / "scratch.db", isolation_level=None, check_same_thread=False)
        for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -65536", "temp_store = FILE"):
            self.db.execute(f"PRAGMA {setting}")
        self.db.executescript(_TABLES)
        self.db.execute("BEGIN")

    def __enter__(self) -> "Scratch":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.db.close()
        self._folder.cleanup()

    def filled(self) -> None:
        """Create the indexes: after the rows, which are then sorted at once."""
        self.db.execute("COMMIT")
        self.db.executescript(_INDEXES)
        self.db.execute("BEGIN")
        for statement in _DUPLICATES:
            self.db.execute(statement)

    def repair(
        self, part: str, place: Sequence[str], found: bytes | None = None, expected: bytes | None = None
    ) -> None:
        """Note what is to be repaired: the kind of part, where it is, what was found there, and what is expected."""
        self.db.execute("INSERT INTO repairs VALUES (?, ?, ?, ?)", (part, encode(tuple(place)), found, expected))

    def by_key(self, sql: str) -> Iterator[tuple[str, list[Sequence[Any]]]]:
        """Yield rows by their first column, by which they are sorted, without it."""
        for key, rows in groupby(self.db.execute(sql), key=lambda row: row[0]):
            yield str(key), [row[1:] for row in rows]


class Merged(Iterator[tuple[str, list[list[Sequence[Any]]]]]):
    """Rows of several sorted streams by key: for each key that is in any of them, its rows in each."""

    def __init__(self, *streams: Iterator[tuple[str, list[Sequence[Any]]]]) -> None:
        self._streams = streams
        self._next = [next(stream, None) for stream in streams]

    def __next__(self) -> tuple[str, list[list[Sequence[Any]]]]:
        keys = [item[0] for item in self._next if item is not None]
        if not keys:
            raise StopIteration
        key = min(keys)
        rows: list[list[Sequence[Any]]] = []
        for at, item in enumerate(self._next):
            if item is not None and item[0] == key:
                rows.append(item[1])
                self._next[at] = next(self._streams[at], None)
            else:
                rows.append([])
        return key, rows
