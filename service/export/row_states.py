"""What an export contained: for each row of a table its key and a digest of its values. The next one compares with it.

The feed does not name every change: an interaction of a customer who stays as it is makes no entry, nor does one that
is revoked or that new rules attach elsewhere. A comparison of rows misses nothing, whatever the reason of a change.
"""

import hashlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from msgspec.msgpack import Encoder

from graph.domain.tables.rows import Row

DIGEST_BYTES = 16
"""Bytes of a digest."""
FLUSH_ROWS = 10_000
"""Rows that are written together."""
_encode = Encoder(decimal_format="string").encode


class RowStates:
    """The states of the rows of one table, in a file of their own. With `before`, they are compared with earlier ones.

    It is used by one thread at a time.
    """

    def __init__(self, path: Path, before: Path | None = None) -> None:
        self._path = path
        # In the order in which rows come, until they are sorted at the end: much faster than into a sorted table.
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, uri=True)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("CREATE TEMP TABLE arriving (key TEXT NOT NULL, digest BLOB NOT NULL)")
        self._db.execute("CREATE TABLE rows (key TEXT PRIMARY KEY, digest BLOB NOT NULL) WITHOUT ROWID")
        self._compares = before is not None
        if before is not None:
            self._db.execute("ATTACH ? AS before", (f"{before.resolve().as_uri()}?mode=ro&immutable=1",))
        self._arriving: list[tuple[str, bytes]] = []
        self._db.execute("BEGIN")

    def is_new(self, row: Row) -> bool:
        """Note a row, and return whether it is another one than before, or there was none."""
        key = str(row[0])
        digest = hashlib.blake2b(_encode(row), digest_size=DIGEST_BYTES).digest()
        self._arriving.append((key, digest))
        if len(self._arriving) >= FLUSH_ROWS:
            self._flush()
        if not self._compares:
            return True
        found = self._db.execute("SELECT digest FROM before.rows WHERE key = ?", (key,)).fetchone()
        return found is None or found[0] != digest

    def _flush(self) -> None:
        self._db.executemany("INSERT INTO arriving VALUES (?, ?)", self._arriving)
        self._arriving.clear()

    def complete(self) -> None:
        """Sort the states, after all rows were noted."""
        self._flush()
        self._db.execute("INSERT INTO rows SELECT key, digest FROM arriving ORDER BY key")
        self._db.execute("DROP TABLE arriving")
        self._db.execute("COMMIT")

    def gone(self) -> Iterator[str]:
        """Yield the keys of the rows that there were before and are no longer, by key."""
        if self._compares:
            sql = (
                "SELECT key FROM before.rows b WHERE NOT EXISTS (SELECT 1 FROM rows r WHERE r.key = b.key) ORDER BY key"
            )
            for (key,) in self._db.execute(sql):
                yield key

    def close(self) -> None:
        """Close the file."""
        self._db.close()
