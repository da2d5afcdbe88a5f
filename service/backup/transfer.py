"""Backs up and restores a store, and copies one store to another.

The backup of a SQLite file is a SQLite file, that of Neo4j is an archive; either kind of store restores both. What is
restored or copied into SQLite is built in a file of its own, which takes its place at the end.
"""

import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, aclosing, asynccontextmanager, closing
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from graph.domain.model.errors import InvalidInput, StoreNotEmpty, StoreUnavailable
from graph.domain.model.stored_records import Record
from graph.ports import COPYING, LOADING, Store
from graph.stores.sqlite import ReadOnlySQLiteStore, SQLiteStore
from graph.stores.sqlite.backup import backup_to, belongs_to
from graph.stores.sqlite.restore import check_backup, is_sqlite, open_file, replacement
from graph.transfer.importing import import_records
from service.backup import archive
from service.bootstrap import SystemClock, check_is_file, check_ready, open_existing, open_store, sqlite_path
from service.config.settings import Settings
from service.runtime import version

if TYPE_CHECKING:
    from graph.stores.neo4j import Neo4jStore

S = TypeVar("S", bound=Store)
Advance = Callable[[int], None]
"""Called with how much is done."""
ShowProgress = Callable[[str, int | None], AbstractContextManager[Advance]]
"""Shows the progress of a step by its name and its total, if that is known."""


async def back_up(settings: Settings, file: Path, force: bool, show: ShowProgress) -> None:
    """Back up a store into a file while it is in use. An existing file is replaced only with `force`.

    Raises `InvalidInput` if the file may not be written, `StoreUnavailable` if the store cannot be read or the disk is
    full.
    """
    _check_may_be_written(file, force)
    path = sqlite_path(settings)
    if path is not None:
        _back_up_file(path, file, force, show)
        return
    store = open_existing(settings)
    try:
        await check_ready(store)
        with show("back up", await store.count_records()) as advance:
            async with aclosing(store.export()) as batches:
                await archive.write(file, batches, SystemClock().now(), version.describe(), advance)
    finally:
        await store.close()


def _check_may_be_written(file: Path, force: bool) -> None:
    try:
        exists, is_folder = file.exists(), file.is_dir()
    except OSError as error:
        raise InvalidInput("INVALID_FILE", f"{file} cannot be written: {error.strerror}") from error
    if is_folder:
        raise InvalidInput("INVALID_FILE", f"{file} is a folder: the backup needs the name of a file")
    if exists and not force:
        raise InvalidInput("INVALID_FILE", f"{file} exists already; with --force it is replaced")
    if exists and not file.is_file():
        raise InvalidInput("INVALID_FILE", f"{file} is not a file; it is not replaced")
    if not file.absolute().parent.is_dir():
        raise InvalidInput("INVALID_FILE", f"{file.absolute().parent} is not a folder")


def _back_up_file(path: Path, file: Path, force: bool, show: ShowProgress) -> None:
    check_is_file(path)
    if belongs_to(file, path):
        raise InvalidInput("INVALID_FILE", f"{file} is a file of the store itself")
    _copy_file(open_file(path, "rw"), file, force, "back up", show)


def _copy_file(source: sqlite3.Connection, target: Path, force: bool, step: str, show: ShowProgress) -> None:
    with show(step, None) as advance, closing(source):
        backup_to(source, target, lambda copied, total: advance(copied), force)


async def restore(settings: Settings, file: Path, force: bool, show: ShowProgress) -> None:
    """Restore a backup into a store that no service uses and that is empty; with `force` its content is replaced.

    The backup is checked first. Raises `InvalidInput` if it cannot be used, `StoreNotEmpty`, `StoreUnavailable`.
    """
    check_is_file(file)
    path = sqlite_path(settings)
    if path is not None and belongs_to(file, path):
        raise InvalidInput("INVALID_FILE", f"{file} is a file of the store itself")
    if not is_sqlite(file):
        with show("check", None) as advance:
            total = sum(archive.check(file, advance).values())
        await _import(settings, archive.read(file), total, force, show)
        return
    check_backup(file)
    if path is not None:
        with replacement(path, force) as new:
            _copy_file(open_file(file, "ro"), new, False, "restore", show)
        return
    await _copy_from(ReadOnlySQLiteStore(file), settings, force, show)


async def copy(source: Settings, target: Settings, force: bool, show: ShowProgress) -> None:
    """Copy everything from one store to another, which must be empty; with `force` its content is replaced.

    Raises `InvalidInput` if both are the same, `StoreNotEmpty`, `StoreUnavailable`.
    """
    paths = sqlite_path(source), sqlite_path(target)
    same_file = paths[0] is not None and paths[1] is not None and belongs_to(paths[1], paths[0])
    if source.store == target.store or same_file:
        raise InvalidInput("INVALID_SETTING", "both stores are the same")
    await _copy_from(open_existing(source), target, force, show)


async def _copy_from(store: Store, target: Settings, force: bool, show: ShowProgress) -> None:
    try:
        await check_ready(store)
        async with aclosing(store.export()) as batches:
            await _import(target, batches, await store.count_records(), force, show)
    finally:
        await store.close()


async def _import(
    settings: Settings, batches: AsyncIterator[Sequence[Record]], total: int, force: bool, show: ShowProgress
) -> None:
    """Import records into the store that the settings name."""
    path = sqlite_path(settings)
    if path is not None:
        with replacement(path, force) as new:
            async with _migrated(SQLiteStore(new)) as store:
                await _fill(store, batches, total, show)
        return
    async with _migrated(cast("Neo4jStore", open_store(settings))) as database:
        await _make_empty(database, force)
        await _fill(database, batches, total, show)


@asynccontextmanager
async def _migrated(store: S) -> AsyncIterator[S]:
    """Migrate a store, and close it in the end."""
    try:
        await store.migrate()
        yield store
    finally:
        await store.close()


async def _fill(store: Store, batches: AsyncIterator[Sequence[Record]], total: int, show: ShowProgress) -> None:
    with show("import", total) as advance:
        await import_records(store, batches, advance)


async def _make_empty(store: "Neo4jStore", force: bool) -> None:
    loading = await store.get_value(LOADING)
    if loading != COPYING and not force:
        # A copy that was interrupted is one that may be replaced.
        if loading is not None:
            raise StoreUnavailable.loading()
        if not await store.is_empty():
            raise StoreNotEmpty("the store is not empty; with --force its content is replaced")
    await store.clear()
