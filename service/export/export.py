"""Writes an export: spools one state of the store, then writes table by table, and goes on where it was cut off."""

import secrets
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, aclosing
from itertools import islice
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from graph.domain.model.errors import InvalidInput
from graph.domain.model.times import iso
from graph.domain.tables.columns import SCHEMA_VERSION, TABLES, ColumnType, Table
from graph.domain.tables.rows import Row, TableRows
from graph.ports import ExportStore
from service.export import manifest as manifests
from service.export.folders import PART, Folder, usable
from service.export.formats import BLOCK_ROWS, Format, Writer, writer
from service.export.manifest import MANIFEST, PROGRESS, Manifest, ManifestTable, columns_of
from service.export.row_states import RowStates
from service.export.spool import Spool, space_for_files
from service.export.table_reading import TableReader
from service.runtime import version

STATES = "_states"
"""The folder of what the next export compares with."""
ShowProgress = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]
"""Shows the progress of a step by its name and its total, if that is known; called with how much is done."""


class ExportRequest(Struct, frozen=True):
    """What to export: some tables, or all that the role may read if none is named.

    `store_name` is what tells the store from others. With `since`, only what has changed since that export is written.
    """

    folder: Folder
    format: Format
    role: str
    purpose: str
    store_name: str
    tables: tuple[str, ...] = ()
    since: Folder | None = None


class Export:
    """An export that is planned: `complete` if the folder holds it already, `begun` if it was cut off there."""

    def __init__(self, request: ExportRequest, rows: TableRows, now: Callable[[], int]) -> None:
        """Raise `InvalidInput` if it cannot be written as it is requested; nothing is written yet."""
        with usable(request.folder.name):
            self._plan(request, rows, now)

    def _plan(self, request: ExportRequest, rows: TableRows, now: Callable[[], int]) -> None:
        self._request, self._rows, self._now = request, rows, now
        self._tables = _chosen(request.tables, rows)
        self._before = None if request.since is None else _earlier(request.since, request)
        withheld = rows.withheld_tables if not request.tables else {}
        planned = Manifest(
            request.store_name,
            secrets.token_hex(16),
            None if self._before is None else self._before.cursor,
            request.format.value,
            request.role,
            request.purpose,
            iso(now()),
            version.describe(),
            withheld_tables=dict(withheld),
        )
        self.manifest, self.complete, self.begun = self._continued(planned)

    def _continued(self, planned: Manifest) -> tuple[Manifest, bool, bool]:
        """Return what the folder holds of the export, whether that is complete, and whether it was begun."""
        folder = self._request.folder
        done, begun = manifests.read(folder, MANIFEST), manifests.read(folder, PROGRESS)
        found = done or begun
        if found is None:
            if names := [name for name in folder.names() if not name.endswith(PART)]:
                message = f"{folder.name} holds other files, such as {names[0]}; an export needs a folder of its own"
                raise InvalidInput("INVALID_FILE", message, ("folder",))
            return planned, False, False
        differing = [name for name, value in planned.options().items() if found.options()[name] != value]
        wanted = {table.name for table in self._tables}
        if not {table.name for table in found.tables} <= wanted or (
            done is not None and len(found.tables) != len(wanted)
        ):
            differing.append("tables")
        if differing:
            state = "an export" if done is not None else "an export that was cut off"
            message = f"{folder.name} holds {state} with another {' and '.join(differing)}: name a folder of its own"
            raise InvalidInput("INVALID_FILE", message, ("folder",))
        for table in found.tables:
            if folder.size(table.file) != table.bytes:
                message = f"{folder.name}/{table.file} is not as it was written: {table.bytes} bytes are expected"
                raise InvalidInput("INVALID_FILE", message, ("folder",))
        return found, done is not None, done is None

    async def run(self, store: ExportStore, total: int, show: ShowProgress) -> Manifest:
        """Write what is missing, and return the manifest. `total` is about how many records the store has.

        Raises `InvalidInput` if the folder cannot be written, `StoreUnavailable`.
        """
        with usable(self._request.folder.name), space_for_files():
            return await self._run(store, total, show)

    async def _run(self, store: ExportStore, total: int, show: ShowProgress) -> Manifest:
        missing = [table for table in self._tables if self.manifest.table(table.name) is None]
        spool = Spool()
        try:
            read_at = iso(self._now())
            with show("read the store", total) as advance:
                done = 0
                async with aclosing(store.export()) as batches:
                    async for batch in batches:
                        spool.add(batch)
                        done += len(batch)
                        advance(done)
            spool.complete()
            if not self.begun:
                manifests.write(self._request.folder, PROGRESS, self.manifest)
            reader = TableReader(spool, self._rows)
            for table in missing:
                with show(table.name, None) as advance:
                    finished = self._write(table, reader, spool.newest_change, read_at, advance)
                self.manifest = replace(self.manifest, tables=(*self.manifest.tables, finished))
                manifests.write(self._request.folder, PROGRESS, self.manifest)
        finally:
            spool.close()
        self.manifest = replace(self.manifest, completed_at=iso(self._now()))
        manifests.write(self._request.folder, MANIFEST, self.manifest)
        self._request.folder.remove(PROGRESS)
        return self.manifest

    def _write(
        self, table: Table, reader: TableReader, change: int, read_at: str, advance: Callable[[int], None]
    ) -> ManifestTable:
        request = self._request
        file_name, states_name = f"{table.name}.{request.format.value}", f"{STATES}/{table.name}.sqlite"
        with tempfile.TemporaryDirectory(prefix="kith-export-") as temporary:
            states = RowStates(Path(temporary) / "states", self._earlier_states(table, Path(temporary) / "before"))
            try:
                with request.folder.write(file_name) as file:
                    output = writer(request.format, table, file)
                    rows, deleted = _write_rows(output, table, reader, states, advance)
                    output.close()
            finally:
                states.close()
            request.folder.copy_in(Path(temporary) / "states", states_name)
        return ManifestTable(
            table.name,
            file_name,
            rows,
            deleted,
            file.bytes,
            file.sha256,
            change,
            read_at,
            columns_of(table),
            self._rows.withheld_columns(table),
            states_name,
        )

    def _earlier_states(self, table: Table, path: Path) -> Path | None:
        """Return the states of the rows of a table in the export before; `None` if it did not have the table."""
        found = None if self._before is None else self._before.table(table.name)
        if found is None or self._request.since is None:
            return None
        self._request.since.copy_out(found.states, path)
        return path


def _write_rows(
    output: Writer, table: Table, reader: TableReader, states: RowStates, advance: Callable[[int], None]
) -> tuple[int, int]:
    """Write the rows of a table that are new, and those that say that a row is gone; return how many of each."""
    written = read = 0
    rows = reader.read(table)
    while block := list(islice(rows, BLOCK_ROWS)):
        read += len(block)
        changed: list[Sequence[Any]] = [(*row, False) for row in block if states.is_new(row)]
        if changed:
            output.write(changed)
            written += len(changed)
        advance(read)
    states.complete()
    deleted = 0
    keys = states.gone()
    while gone := list(islice(keys, BLOCK_ROWS)):
        output.write([_deleted(table, key) for key in gone])
        deleted += len(gone)
    return written, deleted


def _deleted(table: Table, key: str) -> Row:
    value = int(key) if table.key.type is ColumnType.INTEGER else key
    return value, *(None for _ in table.columns[1:]), True


def _chosen(names: Sequence[str], rows: TableRows) -> tuple[Table, ...]:
    for name in names:
        if name not in TABLES:
            message = f"table {name[:60]!r} is unknown; known are {', '.join(TABLES)}"
            raise InvalidInput("INVALID_VALUE", message, ("table",))
        if scope := rows.withheld_tables.get(name):
            raise InvalidInput("FORBIDDEN", f"table {name} requires the scope {scope}", ("table",))
    withheld = rows.withheld_tables
    return tuple(table for name, table in TABLES.items() if (name in names if names else name not in withheld))


def _earlier(since: Folder, request: ExportRequest) -> Manifest:
    """Return the manifest of the export that a new one goes on from."""
    found = manifests.read(since, MANIFEST)
    if found is None:
        state = "was cut off" if manifests.read(since, PROGRESS) is not None else "is not there"
        message = f"{since.name} has no {MANIFEST}: the export {state}"
        raise InvalidInput("INVALID_FILE", message, ("since",))
    if since.name == request.folder.name:
        raise InvalidInput("INVALID_VALUE", f"{since.name} is the folder to write, too", ("since",))
    for name, expected in (("store", request.store_name), ("role", request.role)):
        if (value := getattr(found, name)) != expected:
            shown = "of another store" if name == "store" else f"for the {name} {value}, and this one for {expected}"
            raise InvalidInput("INVALID_VALUE", f"the export in {since.name} is {shown}", ("since",))
    if found.schema_version != SCHEMA_VERSION:
        message = (
            f"{since.name} has version {found.schema_version} of the columns, and this program writes "
            f"{SCHEMA_VERSION}: export everything once"
        )
        raise InvalidInput("INVALID_VALUE", message, ("since",))
    return found
