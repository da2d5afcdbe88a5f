"""Copies of a SQLite file that is in use."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from graph.domain.model.errors import InvalidInput, StoreUnavailable
from graph.stores.sqlite.failures import code_of, damages

STEP_PAGES = 4096
"""Pages of one step, 16 MB: a signal is handled and progress is reported between two."""
DAMAGED = "the database file is damaged, and was not backed up"
_COMPANIONS = ("", "-wal", "-shm", "-journal", "-queue", "-lock")
"""Endings of the files of a store: the database, what SQLite keeps beside it, and the locks of writers."""


def belongs_to(file: Path, store: Path) -> bool:
    """Whether a path is a store's file or one that is kept beside it, and must not be replaced alone."""
    if file.exists() and store.exists() and file.samefile(store):
        return True
    places = {file.absolute().parent.resolve() / file.name, file.resolve()}
    return any(
        path.with_name(path.name + ending) in places
        for path in (store.absolute().parent.resolve() / store.name, store.resolve())
        for ending in _COMPANIONS
    )


def backup_to(
    source: sqlite3.Connection,
    path: Path,
    progress: Callable[[int, int], None] = lambda copied, total: None,
    force: bool = False,
) -> None:
    """Copy the content of a database, as of now, into a new file; other connections read and write meanwhile.

    An existing file is replaced only with `force`.

    `source` must be in autocommit mode, outside a transaction. `progress` is called with the number of pages that are
    copied and of all pages. The file has its name once it is complete, checked and synchronized to disk; otherwise
    nothing has changed. Raises `InvalidInput` if the file exists or its folder does not, `StoreUnavailable` if the
    content cannot be read, is damaged, or does not fit on the disk.
    """
    path = path.absolute()
    if path.exists() and not force:
        raise InvalidInput("INVALID_FILE", f"{path} exists already: name a new file for the backup")
    if not path.parent.is_dir():
        raise InvalidInput("INVALID_FILE", f"{path.parent} is not a folder: the backup needs one that exists")
    try:
        # A folder of its own beside the file, so that SQLite's temporary files disappear with it.
        with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as folder:
            copy = Path(folder) / path.name
            _copy(source, copy, progress)
            _check(copy)
            # Whoever may not read the store may not read its backup.
            shutil.copymode(_file(source), copy)
            synchronize(copy)
            copy.replace(path)
            synchronize(path.parent)
    except sqlite3.DatabaseError as error:
        if code_of(error) == sqlite3.SQLITE_CORRUPT:
            raise StoreUnavailable(f"{DAMAGED}: restore a backup") from error
        # Messages of SQLite contain no stored values.
        raise StoreUnavailable(f"the backup {path} cannot be written: {error}") from error
    except OSError as error:
        raise StoreUnavailable(f"the backup {path} cannot be written: {error.strerror}") from error


def _copy(source: sqlite3.Connection, path: Path, progress: Callable[[int, int], None]) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as target:
        # The file is synchronized once, at the end.
        target.execute("PRAGMA synchronous = OFF")
        # With a read transaction, all steps copy one snapshot. Without it, each commit would begin the copy again.
        source.execute("BEGIN")
        try:
            source.execute("SELECT count(*) FROM sqlite_master").fetchone()
            source.backup(
                target, pages=STEP_PAGES, progress=lambda _, remaining, total: progress(total - remaining, total)
            )
        finally:
            source.execute("ROLLBACK")


def _file(connection: sqlite3.Connection) -> str:
    return next(str(file) for _, name, file in connection.execute("PRAGMA database_list") if name == "main")


def _check(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as copy:
        # One file, whatever the source's journal is: a log beside it would not be renamed with it.
        copy.execute("PRAGMA journal_mode = DELETE")
        found = damages(copy)
    if found:
        raise StoreUnavailable(f"{DAMAGED}: {found[0]}")


def synchronize(path: Path) -> None:
    """Write a file, or the names in a folder, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
