"""`kith migrate`, and that no other command migrates a store with data."""

import gc
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graph.domain.model.errors import InvalidInput, StoreVersionMismatch
from graph.domain.model.products import Product
from graph.stores.neo4j import Neo4jStore
from graph.stores.neo4j import migrator as neo4j_migrator
from graph.stores.sqlite import SQLiteStore, migrator
from service.cli.main import app
from tests.builders.runs import Run
from tests.builders.stores import at_migration, files, wipe

NAMES = list(migrator.scripts())
LINES = [f"  {name.replace('_', ' ', 1)}" for name in NAMES]
"""Migrations as they are printed."""
Kith = Callable[..., str]


@pytest.fixture
def kith(tmp_path: Path, own_logging: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kith]:
    """Runs a command in a folder of its own and returns what it prints; an error of Kith is raised."""
    monkeypatch.chdir(tmp_path)
    # On a narrow terminal, lines are wrapped.
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: str) -> str:
        result = CliRunner().invoke(app, words)
        if isinstance(result.exception, Exception):
            raise result.exception
        return result.stdout

    yield run
    # A backfill, which expects a process of its own, changes both.
    gc.enable()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def migrations_of(path: Path, run: Run) -> list[str]:
    store = SQLiteStore(path)
    pending = list(run(store.migrations()).pending)
    run(store.close())
    return pending


def test_a_new_store_is_set_up_without_a_backup(tmp_path: Path, kith: Kith) -> None:
    # when
    printed = kith("migrate")
    # then
    assert printed.splitlines() == [
        "the store is empty; migrations:",
        "  0001 initial",
        *LINES[1:],
        f"{len(NAMES)} migrations applied",
    ]
    assert files(tmp_path) == ["kith.db"]
    assert kith("migrate") == "the store is up to date\n"


def test_a_store_with_data_is_backed_up_and_migrated(tmp_path: Path, kith: Kith, run: Run) -> None:
    # given
    at_migration(tmp_path / "kith.db", 1)
    # when
    printed = kith("migrate")
    # then
    (backup,) = tmp_path.glob("kith.db.backup-0001-*Z")
    assert printed.splitlines() == [
        "pending migrations:",
        *LINES[1:],
        f"copying the file to {backup.name}",
        f"{len(NAMES) - 1} migrations applied",
    ]
    assert migrations_of(tmp_path / "kith.db", run) == []
    assert migrations_of(backup, run) == NAMES[1:]


def test_a_backup_can_be_declined(tmp_path: Path, kith: Kith) -> None:
    # given
    at_migration(tmp_path / "kith.db", 1)
    # when / then
    assert f"{len(NAMES) - 1} migrations applied" in kith("migrate", "--no-backup")
    assert files(tmp_path) == ["kith.db"]


@pytest.mark.parametrize("count", [0, 1])
def test_a_dry_run_prints_the_plan_and_changes_nothing(tmp_path: Path, kith: Kith, count: int) -> None:
    # given
    path = tmp_path / "kith.db"
    if count:
        at_migration(path, count)
    before = path.read_bytes() if count else None
    # when
    printed = kith("migrate", "--dry-run")
    # then
    assert printed.splitlines()[1:] == LINES[count:]
    assert (path.read_bytes() if path.exists() else None) == before
    assert [file.name for file in tmp_path.iterdir()] == (["kith.db"] if count else [])


COMMANDS = [
    ["lookup", "email=ann@example.com"],
    ["rules", "show"],
    ["rules", "preview", "rules.toml"],
    ["rules", "apply", "rules.toml"],
    ["import", "lines.ndjson"],
    ["import", "--dry-run", "lines.ndjson"],
    ["backfill", "lines.ndjson"],
    ["revoke-source", "web", "--yes"],
    ["revoke-source", "web", "--preview"],
    ["restore-source"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_other_command_uses_a_store_of_another_version(tmp_path: Path, kith: Kith, command: list[str]) -> None:
    # given
    (tmp_path / "rules.toml").write_text('[[namespace]]\nname = "email"\n')
    (tmp_path / "lines.ndjson").write_text("")
    at_migration(tmp_path / "kith.db", 1)
    before = (tmp_path / "kith.db").read_bytes()
    # when / then: older
    with pytest.raises(StoreVersionMismatch, match=r"older Kith and lacks \d+ migrations.*run `kith migrate`"):
        kith(*command)
    assert _content(tmp_path / "kith.db") == before[100:]
    # when / then: newer
    _set_version(tmp_path / "kith.db", 77)
    for refused in (command, ["migrate"], ["migrate", "--dry-run"]):
        with pytest.raises(StoreVersionMismatch, match=r"newer Kith \(migration 0077\): upgrade this program"):
            kith(*refused)


def _content(path: Path) -> bytes:
    """The content of a file without its header, in which the journal's mode and counters are."""
    return path.read_bytes()[100:]


def _set_version(path: Path, version: int) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {version}")


def test_reading_a_store_that_does_not_exist_creates_none(tmp_path: Path, kith: Kith) -> None:
    with pytest.raises(StoreVersionMismatch, match="the store is empty"):
        kith("lookup", "email=ann@example.com")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.neo4j
def test_neo4j_with_data_is_migrated_only_after_a_backup(
    kith: Kith, neo4j_store: Neo4jStore, neo4j_uri: str, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    # given: a database with data whose program recorded no migrations
    run(wipe(neo4j_store))
    run(neo4j_store.save_products([Product("S-1", "Shoe", "shop", 1)]))
    run(neo4j_store._read("MATCH (m:Migration) DELETE m"))
    monkeypatch.setenv("KITH_STORE", neo4j_uri)
    monkeypatch.setenv("KITH_NEO4J_USER", os.environ.get("NEO4J_USER", ""))
    monkeypatch.setenv("KITH_NEO4J_PASSWORD", os.environ.get("NEO4J_PASSWORD", ""))
    # when / then
    with pytest.raises(InvalidInput, match="the database has data: back it up") as caught:
        kith("migrate")
    assert caught.value.code == "BACKUP_REQUIRED"
    with pytest.raises(StoreVersionMismatch, match="older Kith"):
        kith("lookup", "email=ann@example.com")
    assert "  0001 identifier_key" in kith("migrate", "--dry-run")
    # The first one, which locks the others, is still there.
    assert f"{len(neo4j_migrator.SCHEMA) - 1} migrations applied" in kith("migrate", "--backed-up")
    assert kith("migrate") == "the store is up to date\n"
