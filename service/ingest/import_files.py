"""A backfill into files for `neo4j-admin database import`, and what completes a database that was filled from them.

The folder holds the files of nodes and relationships, which are large, and a SQLite file with everything else that an
empty store gets when it is prepared and backfilled: rules, tombstones, held orders, values by name. The manifest is
written last.
"""

import asyncio
import gc
import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, aclosing
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, cast

import orjson
from msgspec import Struct

from graph.bulk.result import BulkResult
from graph.domain.model.errors import InvalidInput, StoreNotEmpty, StoreUnavailable
from graph.domain.model.json_text import compact
from graph.ports import IMPORTING, LOADING, T
from graph.stores.neo4j.import_files import ARGUMENTS, STAGES, ImportFiles, file_names
from graph.stores.neo4j.migrator import structure
from graph.stores.sqlite import ReadOnlySQLiteStore
from graph.transfer.importing import import_records
from service.bootstrap import erasure_key_file, erasure_ledger_path, open_store
from service.config.settings import Settings
from service.ingest.backfill import Backfill
from service.ingest.load_portions import LoadCheckpoint, consents_of

if TYPE_CHECKING:
    from graph.stores.neo4j import Neo4jStore

ShowStep = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]
"""Shows the progress of a step by its name and its total, if that is known; it yields what is called with how much is
done."""
MANIFEST, REST = "kith-import.json", "rest.db"
"""What the files hold, and the SQLite file with what is not in them."""
IMPORT_COMMAND = f"neo4j-admin database import full neo4j @{ARGUMENTS}"
"""What is run in the folder while the database is stopped."""
START_SECONDS = 180
"""Seconds after which a server that was just started must answer."""


class Manifest(Struct, frozen=True):
    """What the files of a folder hold. `structure` is that of the database for which they were written."""

    id: str
    structure: str
    counts: Mapping[str, int]
    """Nodes by label and relationships by type."""

    @property
    def progress(self) -> str:
        """The value by which a database is recognized that was filled from these files."""
        return IMPORTING + self.id

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """Read the manifest of a folder; raises `InvalidInput` if there is none of this version of Kith."""
        try:
            values = orjson.loads((folder / MANIFEST).read_bytes())
        except FileNotFoundError:
            message = f"{folder} holds no complete import files: write them with `kith backfill --import-files`"
            raise InvalidInput("INVALID_FILE", message) from None
        manifest = cls(values["id"], values["structure"], values["counts"])
        if manifest.structure != structure():
            raise InvalidInput("INVALID_FILE", f"another version of Kith wrote {folder}: write the files again")
        return manifest


@dataclass(slots=True)
class FileBackfill(Backfill):
    """A backfill whose store takes only what is not in the files."""

    folder: Path = Path()
    files: ImportFiles | None = None

    async def _load(self, checkpoint: LoadCheckpoint, result: BulkResult, rows: int) -> None:
        self.files = ImportFiles(self.folder, result.identifiers, result.customers, rows)
        done, total = 0, result.identifiers + result.links + rows
        for portion in result.portions(STAGES):
            writes = portion.writes
            self.on_progress("write", done, total)
            self.files.add(writes, portion.numbers)
            await self.graph.log_decisions(consents_of(writes))
            done += len(writes.members) + len(writes.links) + len(writes.receipts)
            # As in an online load: no cyclic garbage is left for later.
            gc.collect(0)
        self.on_progress("write", total, total)

    def complete(self) -> Manifest:
        """Write what makes the files complete, after everything else is stored."""
        if self.files is None:
            raise TypeError("nothing was backfilled")
        id = secrets.token_hex(16)
        counts = self.files.finish(IMPORTING + id, self.now)
        manifest = Manifest(id, structure(), counts)
        (self.folder / MANIFEST).write_text(compact(manifest))
        return manifest


def prepare_folder(folder: Path) -> None:
    """Make the folder; what an interrupted run has left is deleted. Raises `InvalidInput` if it holds anything else."""
    if (folder / MANIFEST).exists():
        message = f"{folder} holds complete import files: import them, or delete the folder to write others"
        raise InvalidInput("FILE_EXISTS", message)
    try:
        folder.mkdir(exist_ok=True)
        found = [*folder.iterdir()]
    except OSError as error:
        raise InvalidInput("INVALID_FILE", f"{folder} cannot be written: {error.strerror}") from error
    own = {*file_names(), ARGUMENTS}
    if others := sorted(file.name for file in found if file.name not in own and not file.name.startswith(REST)):
        raise InvalidInput("INVALID_FILE", f"{folder} is not empty: it holds {others[0]}")
    for file in found:
        file.unlink()


def settings_of_rest(settings: Settings, folder: Path) -> Settings:
    """Return the settings of the store that holds what is not in the files; raises `InvalidInput` if it is SQLite's."""
    if settings.store_system != "neo4j":
        raise InvalidInput("INVALID_SETTING", f"KITH_STORE: import files are for Neo4j, not for {settings.store!r}")
    changed: dict[str, object] = {
        "store": f"sqlite:///{folder.absolute() / REST}",
        # Without the setting, they are beside a SQLite file: here they are those of the database.
        "erasure_ledger": erasure_ledger_path(settings).absolute(),
    }
    if settings.is_enabled(None):
        changed["erasure_keys"] = erasure_key_file(settings).path.absolute()
    return settings.model_copy(update=changed)


async def finish(settings: Settings, folder: Path, show: ShowStep) -> Manifest:
    """Complete a database that was filled from the files of a folder, and return what they hold.

    Constraints and indexes are created, what is not in the files is stored, and the database serves writes. It can be
    run again if it is interrupted. Raises `InvalidInput`, `StoreNotEmpty` or `StoreUnavailable` if the folder is not
    complete, or the database was not filled from it.
    """
    manifest = Manifest.read(folder)
    if settings.store_system != "neo4j":
        raise InvalidInput("INVALID_SETTING", f"KITH_STORE: import files are for Neo4j, not for {settings.store!r}")
    store = cast("Neo4jStore", open_store(settings))
    try:
        await _check_imported(store, folder, manifest)
        with show("constraints and indexes", None):
            await store.migrate()
            await store.complete_import()
        rest = ReadOnlySQLiteStore(folder / REST)
        try:
            await when_available(lambda: _store_rest(store, rest, show))
        finally:
            await rest.close()
        return manifest
    finally:
        await store.close()


async def _store_rest(store: "Neo4jStore", rest: ReadOnlySQLiteStore, show: ShowStep) -> None:
    """Store what is not in the files, and end the load. What an earlier try has stored is written again."""
    with show("rules and values", await rest.count_records()) as advance:
        async with aclosing(rest.export()) as batches:
            await import_records(store, batches, advance)


async def when_available(work: Callable[[], Awaitable[T]]) -> T:
    """Do some work again until the database is available: one that was just started may take a while to answer."""
    tried_until = monotonic() + START_SECONDS
    while True:
        try:
            return await work()
        except StoreUnavailable:
            if monotonic() > tried_until:
                raise
        await asyncio.sleep(1)


async def _check_imported(store: "Neo4jStore", folder: Path, manifest: Manifest) -> None:
    """Raise an error if a database was not filled from the files, or not with all of them."""
    progress = await when_available(lambda: store.get_value(LOADING))
    if progress is None and await store.is_empty():
        raise StoreUnavailable(f"the database is empty: stop it, and run `{IMPORT_COMMAND}` in {folder}")
    if progress is None:
        raise StoreNotEmpty("the database is not empty, or its import was finished before")
    if progress != manifest.progress:
        raise InvalidInput("DIFFERENT_FILES", f"the database was not filled from the files of {folder}")
    found = await store.count_imported()
    for kind, count in found.items():
        if count != manifest.counts[kind]:
            message = f"the database holds {count} {kind}, the files {manifest.counts[kind]}: import them again"
            raise InvalidInput("DIFFERENT_FILES", message)
