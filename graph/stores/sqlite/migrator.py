"""Migrations of a SQLite file: numbered scripts. The number of the last one is the file's `user_version`."""

import importlib.resources
import sqlite3
from collections.abc import Iterator, Mapping
from functools import cache

from graph.domain.model.errors import StoreVersionMismatch
from graph.domain.model.migrations import Migrations, newer, number


@cache
def scripts() -> Mapping[str, str]:
    """Return the scripts of the program by name, in order."""
    folder = importlib.resources.files("graph.stores.sqlite") / "migrations"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return {file.name.removesuffix(".sql"): file.read_text("utf-8") for file in files}


@cache
def newest() -> int:
    """Return the number of the newest migration of the program."""
    return max(map(number, scripts()))


def status(db: sqlite3.Connection) -> Migrations:
    """Return which migrations a file lacks. The caller holds a transaction.

    Raises `StoreVersionMismatch` if the file is a database of another program.
    """
    version = version_of(db)
    (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and not version:
        raise StoreVersionMismatch("the database file has tables and is not a store of Kith: name another file")
    if version > newest():
        return Migrations(unknown=[f"{version:04}"])
    return Migrations([name for name in scripts() if number(name) > version], empty=not version)


def migrate(db: sqlite3.Connection) -> list[str]:
    """Run the scripts that a file lacks and return their names. The caller holds a transaction for all of them."""
    current = status(db)
    if current.unknown:
        current.check()
    for name in current.pending:
        for statement in _statements(scripts()[name]):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {number(name)}")
    return list(current.pending)


def check_not_newer(db: sqlite3.Connection) -> None:
    """Raise `StoreVersionMismatch` if a newer program has migrated the file since it was opened."""
    if (version := version_of(db)) > newest():
        raise newer(f"{version:04}")


def version_of(db: sqlite3.Connection) -> int:
    """Return the number of the last migration that a file has, 0 for a file without any."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    return int(version)


def _statements(script: str) -> Iterator[str]:
    """Yield the statements of a script: `executescript` would commit the transaction around it."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
