"""A store's file is replaced as a whole, under a lock, and only where nothing is lost."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from graph.commands.commit import commit
from graph.domain.model.errors import InvalidInput, StoreNotEmpty, StoreUnavailable
from graph.stores.sqlite import SQLiteStore, migrator
from graph.stores.sqlite.restore import check_backup, replacement
from tests.builders.graphs import NOW, CountingIds, observe, seen
from tests.builders.runs import Run
from tests.builders.stores import files
from tests.builders.strategies import RULES


async def fill(path: Path) -> None:
    store = SQLiteStore(path)
    await store.migrate()
    await store.write(lambda: commit([observe(seen("crm=a", id="1"), RULES)], RULES, NOW, CountingIds()))
    await store.close()


def counts(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT count(*) FROM identifiers").fetchone()[0]


def make(path: Path) -> None:
    """A new store without data."""
    with closing(sqlite3.connect(path)) as connection:
        for table in ("identifiers", "observations", "customers", "changes", "stored_values"):
            connection.execute(f"CREATE TABLE {table} (a)")


def test_a_file_with_data_is_replaced_only_if_that_is_meant(tmp_path: Path, run: Run) -> None:
    # given
    path = tmp_path / "kith.db"
    run(fill(path))
    path.chmod(0o640)
    # when / then
    with pytest.raises(StoreNotEmpty, match="it has identifiers; with --force"), replacement(path, False):
        raise AssertionError("the block is not entered")
    assert counts(path) == 1
    with replacement(path, True) as new:
        make(new)
    assert counts(path) == 0
    assert path.stat().st_mode & 0o777 == 0o640
    with replacement(path, False) as new:
        make(new)
    assert files(tmp_path) == ["kith.db"]


def test_a_file_in_use_is_not_replaced(tmp_path: Path, run: Run) -> None:
    # given
    path = tmp_path / "kith.db"
    run(fill(path))
    store = SQLiteStore(path)
    run(store.count_customers())
    # when / then
    with pytest.raises(StoreUnavailable, match="another process uses"), replacement(path, True):
        raise AssertionError("the block is not entered")
    assert run(store.count_customers()) == 1
    run(store.close())


def test_a_service_that_starts_meanwhile_keeps_its_file(tmp_path: Path, run: Run) -> None:
    # given
    path = tmp_path / "kith.db"
    run(fill(path))
    store = SQLiteStore(path)

    async def start() -> int:
        await store.migrate()
        return await store.count_customers()

    def replace_while_it_starts() -> None:
        with replacement(path, True) as new:
            make(new)
            assert run(start()) == 1

    # when
    with pytest.raises(StoreUnavailable, match="another process uses"):
        replace_while_it_starts()
    # then
    assert run(store.count_customers()) == 1
    run(store.close())
    assert files(tmp_path) == ["kith.db"]


def test_recent_commits_of_a_killed_process_are_not_mistaken_for_those_of_the_new_file(
    tmp_path: Path, run: Run
) -> None:
    # given: a log that no process uses any longer
    path = tmp_path / "kith.db"
    run(fill(path))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("UPDATE identifiers SET key = 'crm=z'")
        log = (tmp_path / "kith.db-wal").read_bytes()
    (tmp_path / "kith.db-wal").write_bytes(log)
    # when
    with replacement(path, True) as new:
        make(new)
    # then
    assert files(tmp_path) == ["kith.db"]
    assert counts(path) == 0


def test_an_error_leaves_the_file_as_it_was(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "kith.db"
    run(fill(path))

    def fail() -> None:
        with replacement(path, True) as new:
            make(new)
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        fail()
    assert counts(path) == 1
    assert files(tmp_path) == ["kith.db"]


def test_a_damaged_file_is_replaced_only_if_that_is_meant(tmp_path: Path, run: Run) -> None:
    # given
    path = tmp_path / "kith.db"
    run(fill(path))
    content = bytearray(path.read_bytes())
    content[100:4096] = b"\xff" * 3996
    path.write_bytes(content)
    # when / then
    with pytest.raises(StoreNotEmpty, match="damaged"), replacement(path, False):
        raise AssertionError("the block is not entered")
    with replacement(path, True) as new:
        make(new)
    assert counts(path) == 0


def test_other_files_are_never_replaced(tmp_path: Path) -> None:
    # given
    text, other = tmp_path / "notes.txt", tmp_path / "other.db"
    text.write_text("precious")
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE photos (a)")
    # when / then
    with pytest.raises(InvalidInput, match="is not a SQLite file"), replacement(text, True):
        raise AssertionError("the block is not entered")
    with pytest.raises(InvalidInput, match="is not a store of Kith"), replacement(other, True):
        raise AssertionError("the block is not entered")
    with pytest.raises(InvalidInput, match="is not a folder"), replacement(tmp_path / "no" / "kith.db", True):
        raise AssertionError("the block is not entered")
    with pytest.raises(InvalidInput, match="is not a store of Kith"):
        check_backup(other)
    with pytest.raises(InvalidInput, match="cannot be read"):
        check_backup(text)


def test_a_backup_of_a_newer_version_or_damaged_is_refused(tmp_path: Path, run: Run) -> None:
    # given
    path = tmp_path / "kith.db"
    run(fill(path))
    check_backup(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA user_version = {migrator.newest() + 1}")
        connection.execute("PRAGMA journal_mode = DELETE")
    # when / then
    with pytest.raises(InvalidInput, match="use a newer Kith"):
        check_backup(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2 // 4096 * 4096])
    with pytest.raises(InvalidInput, match=r"damaged|cannot be read"):
        check_backup(path)
