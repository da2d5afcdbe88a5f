"""What SQLite's errors mean, in sentences for callers and operators."""

import os
import sqlite3
from typing import NoReturn

from graph.domain.model.errors import StoreFailure, StoreUnavailable

SENTENCES = {
    sqlite3.SQLITE_BUSY: "another process is writing to the database file; retry in a moment",
    sqlite3.SQLITE_FULL: "the disk is full: nothing can be stored until space is free",
    sqlite3.SQLITE_READONLY: "the database file or its folder is read-only: nothing can be stored",
    sqlite3.SQLITE_NOTADB: "the file is not a SQLite database",
    sqlite3.SQLITE_CORRUPT: "the database file is damaged: stop the service and restore a backup",
    sqlite3.SQLITE_INTERRUPT: "the read was stopped",
}
"""By SQLite's primary result code."""
IO_ERROR = "the disk reports an error"


def code_of(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code of an error, 0 if the error is not SQLite's own."""
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


def reraise(error: sqlite3.DatabaseError, path: str) -> NoReturn:
    """Raise one of SQLite's errors as `StoreUnavailable`, or as `StoreFailure` if a stored text is not UTF-8."""
    if isinstance(error, sqlite3.OperationalError) and not hasattr(error, "sqlite_errorcode"):
        # Python's own error, whose message contains the text.
        raise StoreFailure("a stored text is not UTF-8") from None
    raise unavailable(error, path) from error


def unavailable(error: sqlite3.DatabaseError, path: str) -> StoreUnavailable:
    """Return the error of the graph for one of SQLite's. The message contains neither the path nor stored values."""
    code = code_of(error)
    # A folder that is opened for reading only fails when it is read.
    if code == sqlite3.SQLITE_CANTOPEN or os.path.isdir(path):
        return StoreUnavailable(f"the database file cannot be opened: {_obstacle(path)}")
    if code == sqlite3.SQLITE_IOERR:
        return StoreUnavailable(f"{IO_ERROR} ({error.sqlite_errorname}): reading or writing the database file failed")
    # Other messages of SQLite contain no stored values either: "no such table: customers".
    return StoreUnavailable(SENTENCES.get(code, f"the database file cannot be used: {error}"))


def damages(db: sqlite3.Connection, limit: int = 1) -> list[str]:
    """Return what SQLite finds damaged in a file, at most `limit` sentences; none if the file is sound."""
    problems = [problem for (problem,) in db.execute(f"PRAGMA integrity_check({limit})")]
    return [problem for problem in problems if problem != "ok"]


def _obstacle(path: str) -> str:
    folder = os.path.dirname(os.path.abspath(path))
    if os.path.isdir(path):
        return "it is a folder"
    if not os.path.isdir(folder):
        return "its folder does not exist"
    if os.path.exists(path) and not os.access(path, os.R_OK):
        return "the service may not read it"
    if not os.access(folder, os.W_OK | os.X_OK):
        return "its folder is read-only, and the log of the database has to be created there"
    return "it does not exist" if not os.path.exists(path) else "too many files are open, or its log cannot be read"
