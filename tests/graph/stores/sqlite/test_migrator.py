"""Migrations of a file: complete or not begun, by one process at a time, and refused in a file of a newer program."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from graph.domain.model.errors import InvalidInput, StoreVersionMismatch
from graph.domain.model.products import Product
from graph.stores.sqlite import SQLiteStore, migrator
from tests.builders.repository import ROOT
from tests.builders.runs import Run
from tests.builders.stores import at_migration, kill_migrations, refusals

NAMES = list(migrator.scripts())


def structure(path: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()


@pytest.fixture
def store(tmp_path: Path, run: Run) -> SQLiteStore:
    store = SQLiteStore(tmp_path / "kith.db")
    yield store
    run(store.close())


def test_a_migration_that_is_killed_between_any_two_statements_leaves_nothing(tmp_path: Path, run: Run) -> None:
    # given
    complete = SQLiteStore(tmp_path / "complete.db")
    run(complete.migrate())
    run(complete.close())
    # when
    *killed, last = kill_migrations(f"sqlite:///{tmp_path / 'kith.db'}")
    # then
    statements = sum(len(list(migrator._statements(script))) for script in migrator.scripts().values())
    assert len(killed) > statements
    assert {line.partition(" ")[2] for line in killed} == {"the store is empty: run `kith migrate`"}
    assert last == str(NAMES)
    assert structure(tmp_path / "kith.db") == structure(tmp_path / "complete.db")


def test_a_killed_migration_of_an_older_file_leaves_it_as_it_was(tmp_path: Path, run: Run) -> None:
    # given
    at_migration(tmp_path / "kith.db", 1)
    # when
    *killed, last = kill_migrations(f"sqlite:///{tmp_path / 'kith.db'}")
    # then
    assert killed
    assert all("migrations, from 0002 guards on" in line for line in killed)
    assert last == str(NAMES[1:])
    store = SQLiteStore(tmp_path / "kith.db")
    assert run(store.products(["S-1"]))["S-1"].name == "Shoe"
    run(store.close())


@pytest.mark.parametrize("count", [0, 1], ids=["no file", "an older file"])
def test_several_processes_migrate_at_once(tmp_path: Path, count: int) -> None:
    # given
    path = tmp_path / "kith.db"
    if count:
        at_migration(path, count)
    code = (
        "import asyncio, sys; from graph.stores.sqlite import SQLiteStore; store = SQLiteStore(sys.argv[1]);"
        "sys.stdin.read(); asyncio.run(store.migrate()); print(asyncio.run(store.ready()))"
    )
    command = [sys.executable, "-c", code, str(path)]
    pipe = subprocess.PIPE
    processes = [subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True) for _ in range(4)]
    # when: all have loaded, and begin
    for process in processes:
        process.stdin.close()
        process.stdin = None
    results = [(*process.communicate(), process.returncode) for process in processes]
    # then
    assert results == [("\n", "", 0)] * 4
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(NAMES),)


def test_a_file_of_a_newer_program_is_refused(tmp_path: Path, store: SQLiteStore, run: Run) -> None:
    # given
    at_migration(tmp_path / "kith.db", len(NAMES))
    with closing(sqlite3.connect(tmp_path / "kith.db")) as connection:
        connection.execute("PRAGMA user_version = 77")
    # when / then
    assert run(store.migrations()).unknown == ["0077"]
    assert "newer Kith (migration 0077): upgrade this program" in run(store.ready())
    with pytest.raises(StoreVersionMismatch, match="newer Kith"):
        run(store.migrate())


def test_a_process_that_runs_while_a_newer_one_migrates_refuses_writes_and_goes_on_reading(
    tmp_path: Path, store: SQLiteStore, run: Run
) -> None:
    # given: a store in use
    shoe = Product("S-1", "Shoe", "shop", 1)
    run(store.migrate())
    run(store.save_products([shoe]))

    # when
    with closing(sqlite3.connect(tmp_path / "kith.db")) as newer:
        newer.execute("PRAGMA user_version = 77")
    # then
    assert all("newer Kith" in message for message in refusals(store, run))
    assert run(store.products(["S-1"])) == {"S-1": shoe}


def test_a_database_of_another_program_is_refused_and_not_changed(tmp_path: Path, store: SQLiteStore, run: Run) -> None:
    # given
    with closing(sqlite3.connect(tmp_path / "kith.db")) as other:
        other.execute("CREATE TABLE theirs (id)")
    before = structure(tmp_path / "kith.db")
    # when / then
    assert "is not a store of Kith" in run(store.ready())
    with pytest.raises(StoreVersionMismatch, match="is not a store of Kith"):
        run(store.migrate())
    assert structure(tmp_path / "kith.db") == before


def test_a_backup_is_made_of_a_file_with_data_before_it_is_migrated(
    tmp_path: Path, store: SQLiteStore, run: Run
) -> None:
    # given
    at_migration(tmp_path / "kith.db", 1)
    # when
    run(store.migrate(tmp_path / "backup.db"))
    # then
    older = SQLiteStore(tmp_path / "backup.db")
    assert run(older.migrations()).pending == NAMES[1:]
    run(older.close())
    with closing(sqlite3.connect(tmp_path / "backup.db")) as backup:
        assert backup.execute("SELECT name FROM products").fetchall() == [("Shoe",)]


def test_a_file_is_not_migrated_if_the_backup_fails(tmp_path: Path, store: SQLiteStore, run: Run) -> None:
    # given
    at_migration(tmp_path / "kith.db", 1)
    (tmp_path / "backup.db").write_text("precious")
    # when / then
    with pytest.raises(InvalidInput, match="exists already"):
        run(store.migrate(tmp_path / "backup.db"))
    assert run(store.migrations()).pending == NAMES[1:]


def test_an_empty_file_is_not_backed_up(tmp_path: Path, store: SQLiteStore, run: Run) -> None:
    assert run(store.migrate(tmp_path / "backup.db")) == NAMES
    assert not (tmp_path / "backup.db").exists()
