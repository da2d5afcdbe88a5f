"""Backups and copies of stores in use: what is restored is what was saved, whichever kind of store it comes from."""

import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from graph.domain.model.errors import InvalidInput, StoreNotEmpty, StoreUnavailable
from graph.domain.model.stored_records import Record
from graph.ports import LOADING
from graph.stores.neo4j import Neo4jStore
from graph.stores.sqlite import SQLiteStore
from graph.transfer.importing import import_records
from service.backup import transfer
from service.config.settings import Settings
from tests.builders.clients import Client, seen
from tests.builders.runs import Run
from tests.builders.stores import wipe
from tests.builders.transfers import comparable, everything_shown, exported, send_every_kind

steps: list[tuple[str, int | None]] = []


@contextmanager
def show(step: str, total: int | None) -> Iterator[transfer.Advance]:
    done: list[int] = []
    yield done.append
    steps.append((step, done[-1]))
    assert total in (None, done[-1])


def settings(store: str) -> Settings:
    return Settings(
        _env_file=None,
        store=store,
        neo4j_user=os.environ.get("NEO4J_USER", ""),
        neo4j_password=os.environ.get("NEO4J_PASSWORD", ""),
        neo4j_database=os.environ.get("NEO4J_DATABASE", "neo4j"),
    )


def of(path: Path) -> Settings:
    return settings(f"sqlite:///{path}")


@pytest.fixture
def store(tmp_path: Path, run: Run) -> Iterator[SQLiteStore]:
    """A SQLite store with everything, in use."""
    store = SQLiteStore(tmp_path / "kith.db")
    send_every_kind(Client(store, run), run)
    yield store
    run(store.close())


async def cut_off(records: Sequence[Record]) -> AsyncIterator[Sequence[Record]]:
    yield records[: len(records) // 2]
    raise ConnectionError


def contents(path: Path, run: Run) -> list[str]:
    store = SQLiteStore(path)
    try:
        return comparable(exported(store, run))
    finally:
        run(store.close())


def test_a_file_in_use_is_backed_up_and_restored(store: SQLiteStore, tmp_path: Path, run: Run) -> None:
    # given
    source, backup, restored = tmp_path / "kith.db", tmp_path / "backup.db", tmp_path / "restored.db"
    before = comparable(exported(store, run))
    # when
    run(transfer.back_up(of(source), backup, False, show))
    Client(store, run).link(seen("crm_id=later", id="later"))
    run(transfer.restore(of(restored), backup, False, show))
    # then
    assert contents(restored, run) == before
    assert contents(backup, run) == before
    # when / then: nothing is replaced unless that is meant
    with pytest.raises(InvalidInput, match="exists already; with --force"):
        run(transfer.back_up(of(source), backup, False, show))
    run(transfer.back_up(of(source), backup, True, show))
    with pytest.raises(StoreNotEmpty, match="with --force"):
        run(transfer.restore(of(restored), backup, False, show))
    with pytest.raises(StoreUnavailable, match="another process uses"):
        run(transfer.restore(of(source), backup, True, show))
    run(transfer.restore(of(restored), backup, True, show))
    assert contents(restored, run) == comparable(exported(store, run)) != before


def test_a_copy_shows_the_same(store: SQLiteStore, tmp_path: Path, run: Run) -> None:
    # given
    shown = everything_shown(Client(store, run), run)
    # when
    run(transfer.copy(of(tmp_path / "kith.db"), of(tmp_path / "copy.db"), False, show))
    # then
    copy = SQLiteStore(tmp_path / "copy.db")
    assert everything_shown(Client(copy, run), run) == shown
    run(copy.close())


def test_what_cannot_be_used_is_refused_before_anything_is_changed(
    store: SQLiteStore, tmp_path: Path, run: Run
) -> None:
    # given
    target, text = tmp_path / "target.db", tmp_path / "notes.txt"
    text.write_text("not a backup")
    run(transfer.copy(of(tmp_path / "kith.db"), of(target), False, show))
    before = contents(target, run)
    # when / then
    for file, reason in ((text, "not a usable archive"), (tmp_path / "none", "is not a file")):
        with pytest.raises(InvalidInput, match=reason):
            run(transfer.restore(of(target), file, True, show))
    with pytest.raises(InvalidInput, match="is not a folder"):
        run(transfer.back_up(of(target), tmp_path / "no" / "backup.db", False, show))
    with pytest.raises(InvalidInput, match="is not a file"):
        run(transfer.back_up(of(tmp_path / "none.db"), tmp_path / "backup.db", False, show))
    for unusable, reason in ((tmp_path, "is a folder"), (tmp_path / ("a" * 300), "cannot be written")):
        with pytest.raises(InvalidInput, match=reason):
            run(transfer.back_up(of(target), unusable, True, show))
    assert contents(target, run) == before
    assert not (tmp_path / "none.db").exists()


def test_a_store_is_not_replaced_by_itself(store: SQLiteStore, tmp_path: Path, run: Run) -> None:
    # given: a store in use, other names of its file, and the files beside it, some of which do not exist
    path, link, folder = tmp_path / "kith.db", tmp_path / "link.db", tmp_path / "folder"
    link.symlink_to(path)
    folder.symlink_to(tmp_path)
    before = contents(path, run)
    # when / then
    for file in (path, link, folder / path.name):
        for other in (path, link):
            with pytest.raises(InvalidInput, match="the same"):
                run(transfer.copy(of(file), of(other), True, show))
            with pytest.raises(InvalidInput, match="of the store itself"):
                run(transfer.back_up(of(file), other, True, show))
            with pytest.raises(InvalidInput, match="of the store itself"):
                run(transfer.restore(of(file), other, True, show))
        for ending in ("-wal", "-shm", "-journal", "-queue", "-lock"):
            with pytest.raises(InvalidInput, match="of the store itself"):
                run(transfer.back_up(of(file), tmp_path / f"kith.db{ending}", True, show))
    assert contents(path, run) == before


def test_the_file_behind_a_link_is_restored(store: SQLiteStore, tmp_path: Path, run: Run) -> None:
    # given
    backup, target, link = tmp_path / "backup.db", tmp_path / "target.db", tmp_path / "link.db"
    run(transfer.back_up(of(tmp_path / "kith.db"), backup, False, show))
    link.symlink_to(target)
    # when
    run(transfer.restore(of(link), backup, False, show))
    # then
    assert link.is_symlink()
    assert contents(target, run) == contents(backup, run)


@pytest.mark.neo4j
def test_neo4j_is_backed_up_into_an_archive_that_both_kinds_restore(
    neo4j_store: Neo4jStore, neo4j_uri: str, tmp_path: Path, run: Run
) -> None:
    # given
    neo4j, archive, copy = settings(neo4j_uri), tmp_path / "kith.archive", tmp_path / "copy.db"
    run(wipe(neo4j_store))
    send_every_kind(Client(neo4j_store, run), run)
    records = comparable(exported(neo4j_store, run))
    shown = everything_shown(Client(neo4j_store, run), run)
    # when: to SQLite
    run(transfer.back_up(neo4j, archive, False, show))
    run(transfer.restore(of(copy), archive, False, show))
    # then
    assert contents(copy, run) == records
    # when: back to Neo4j, which is not empty
    with pytest.raises(StoreNotEmpty, match="with --force"):
        run(transfer.restore(neo4j, archive, False, show))
    whole = archive.read_bytes()
    archive.write_bytes(whole[:-9])
    with pytest.raises(InvalidInput, match="cut off"):
        run(transfer.restore(neo4j, archive, True, show))
    assert comparable(exported(neo4j_store, run)) == records
    archive.write_bytes(whole)
    run(transfer.restore(neo4j, archive, True, show))
    # then
    assert comparable(exported(neo4j_store, run)) == records
    assert everything_shown(Client(neo4j_store, run), run) == shown
    # when: from a SQLite file, and as a copy of a store
    run(transfer.restore(neo4j, copy, True, show))
    assert comparable(exported(neo4j_store, run)) == records
    run(transfer.copy(of(copy), neo4j, True, show))
    assert comparable(exported(neo4j_store, run)) == records


@pytest.mark.neo4j
def test_an_interrupted_copy_begins_again(
    neo4j_store: Neo4jStore, neo4j_uri: str, store: SQLiteStore, tmp_path: Path, run: Run
) -> None:
    # given: a copy that ended in the middle
    run(wipe(neo4j_store))
    records = exported(store, run)
    with pytest.raises(ConnectionError):
        run(import_records(neo4j_store, cut_off(records), lambda done: None))
    assert run(neo4j_store.get_value(LOADING)) == "copying"
    # when
    run(transfer.copy(of(tmp_path / "kith.db"), settings(neo4j_uri), False, show))
    # then
    assert comparable(exported(neo4j_store, run)) == comparable(records)
