"""Putting another file in the place of a store's file, which no process may be using."""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from graph.domain.model.errors import InvalidInput, StoreNotEmpty, StoreUnavailable
from graph.stores.sqlite import migrator
from graph.stores.sqlite.backup import synchronize
from graph.stores.sqlite.failures import damages

_MAGIC = b"SQLite format 3\0"
_ALWAYS = frozenset({"identifiers", "observations", "customers", "changes", "stored_values"})
"""Tables of every store."""
_DATA = (
    *("identifiers", "observations", "customers", "overrides", "changes", "segments", "products", "idempotency_keys"),
    "source_revocations",
    "restrictions",
)


@contextmanager
def replacement(path: Path, force: bool) -> Iterator[Path]:
    """Yield the path of a new file, which replaces the store's file when the block ends without an error.

    Until then, and after an error, the store's file is as it was. With `force` it may hold data, or be damaged. No
    process may use it: that is checked before the block and, under a lock, before it is replaced. Raises
    `StoreNotEmpty`, `InvalidInput` if the folder does not exist or the file is not a store, `StoreUnavailable` if
    another process uses it or the disk is full.
    """
    path = path.resolve()  # behind a symbolic link, the file is replaced and not the link
    if not path.parent.is_dir():
        raise InvalidInput("INVALID_FILE", f"{path.parent} is not a folder")
    with _exclusive(path, force):
        pass
    try:
        # A folder of its own beside the file, so that SQLite's temporary files disappear with it.
        with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as folder:
            new = Path(folder) / path.name
            yield new
            _finish(new)
            with _exclusive(path, force):
                if path.exists():
                    shutil.copymode(path, new)
                new.replace(path)
            synchronize(path.parent)
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be written: {error.strerror}") from error


@contextmanager
def _exclusive(path: Path, force: bool) -> Iterator[None]:
    """Check that a store's file may be replaced, and hold it so that no other process can use it.

    Its log is written into it and removed, so that it cannot be mistaken for that of the new file.
    """
    if not path.exists() or not path.stat().st_size:
        yield
        return
    if not is_sqlite(path):
        raise InvalidInput("INVALID_FILE", f"{path} is not a SQLite file; it is not replaced")
    with closing(sqlite3.connect(path, timeout=2, isolation_level=None)) as connection:
        try:
            # Only a connection that is alone can leave the mode WAL. Each connection of a service holds a shared lock
            # for as long as it is open.
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("BEGIN EXCLUSIVE")
            contents = _contents(connection)
        except sqlite3.OperationalError as error:
            raise StoreUnavailable(f"another process uses {path}: stop it first ({error})") from error
        except sqlite3.DatabaseError as error:
            contents = f"damaged ({error})"
        if contents and not force:
            raise StoreNotEmpty(f"{path} is {contents}; with --force it is replaced")
        yield


def _contents(connection: sqlite3.Connection) -> str:
    """Return what a store's file holds; an empty text if it holds no data. Raises `InvalidInput` for another file."""
    names = _tables(connection)
    if names and not names.issuperset(_ALWAYS):
        raise InvalidInput("INVALID_FILE", "the file is not a store of Kith; it is not replaced")
    present = (table for table in _DATA if table in names)
    table = next((table for table in present if connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone()), "")
    return table and f"not empty: it has {table}"


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def check_backup(path: Path) -> None:
    """Check that a file is a backup that this version of Kith can use.

    Raises `InvalidInput` if it is not a store, or one of a newer version, or damaged.
    """
    try:
        with closing(open_file(path, "ro")) as connection:
            names, version, found = _tables(connection), migrator.version_of(connection), damages(connection)
    except sqlite3.DatabaseError as error:
        raise InvalidInput("INVALID_FILE", f"{path} cannot be read: {error}") from error
    if found:
        raise InvalidInput("INVALID_FILE", f"{path} is damaged: {found[0]}")
    if not names.issuperset(_ALWAYS):
        raise InvalidInput("INVALID_FILE", f"{path} is not a store of Kith")
    if version > migrator.newest():
        raise InvalidInput(
            "INVALID_FILE", f"{path} has version {version}; this program knows {migrator.newest()}: use a newer Kith"
        )


def open_file(path: Path, mode: str) -> sqlite3.Connection:
    """Return a connection to a file that exists; it only reads with the mode `ro`, and may write with `rw`."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None)


def is_sqlite(path: Path) -> bool:
    """Whether a file begins as a SQLite file does."""
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def _finish(path: Path) -> None:
    """Write a log into its file, and the file to disk."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    synchronize(path)
