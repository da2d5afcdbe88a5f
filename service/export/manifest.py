"""The manifest of an export: what it consists of, and where the next one goes on. It is written last.

While an export is written, the same is in `progress.json`, with the tables that are finished.
"""

from typing import Any

import msgspec
from msgspec import Struct, field

from graph.domain.model.errors import InvalidInput
from graph.domain.tables.columns import DELETED, SCHEMA_VERSION, Table
from service.export.folders import Folder

MANIFEST, PROGRESS = "manifest.json", "progress.json"
"""The name of the file when the export is complete, and until then."""
FORMAT, VERSION = "kith-export", 1
"""What a manifest is, and the version of its own form."""


class ManifestColumn(Struct, frozen=True):
    """A column of a file."""

    name: str
    type: str


class ManifestTable(Struct, frozen=True):
    """A finished table. `change` is the number of the newest change of the state that it shows, read at `read_at`.

    `rows` counts those with values, `deleted` those that say that a row is gone. `states` is the file that the next
    export compares with.
    """

    name: str
    file: str
    rows: int
    deleted: int
    bytes: int
    sha256: str
    change: int
    read_at: str
    columns: tuple[ManifestColumn, ...]
    withheld_columns: tuple[str, ...]
    states: str


class Manifest(Struct, frozen=True):
    """An export. `cursor` names it; `since` is the cursor of the export whose rows it changes, null if it is whole.

    `store` tells exports of one store from those of others. `role` is the role whose rights it has, `withheld_tables`
    are those that it may not read, by name, with the missing scope.
    """

    store: str
    cursor: str
    since: str | None
    file_format: str
    role: str
    purpose: str
    begun_at: str
    kith: str
    tables: tuple[ManifestTable, ...] = ()
    withheld_tables: dict[str, str] = field(default_factory=dict)
    completed_at: str | None = None
    schema_version: int = SCHEMA_VERSION
    format: str = FORMAT
    version: int = VERSION

    def table(self, name: str) -> ManifestTable | None:
        """Return a finished table by its name."""
        return next((table for table in self.tables if table.name == name), None)

    def options(self) -> dict[str, Any]:
        """Return what an export that goes on must have in common with the one that was cut off."""
        names = ("store", "since", "file_format", "role", "purpose", "schema_version", "withheld_tables")
        return {name: getattr(self, name) for name in names}


def columns_of(table: Table) -> tuple[ManifestColumn, ...]:
    """Return the columns of a table as the manifest has them."""
    named = (ManifestColumn(column.name, column.type.value) for column in table.columns)
    return *named, ManifestColumn(DELETED, "boolean")


def read(folder: Folder, name: str) -> Manifest | None:
    """Return the manifest in a folder; `None` if there is none. Raises `InvalidInput` if it is of no export."""
    content = folder.read(name)
    if content is None:
        return None
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidInput("INVALID_FILE", f"{folder.name}/{name} is not of an export: {error}", ("folder",)) from error
    if (manifest.format, manifest.version) != (FORMAT, VERSION):
        message = f"{folder.name}/{name} is {manifest.format} {manifest.version}; {FORMAT} {VERSION} is expected"
        raise InvalidInput("INVALID_FILE", message, ("folder",))
    return manifest


def write(folder: Folder, name: str, manifest: Manifest) -> None:
    """Write a manifest."""
    with folder.write(name) as file:
        file.write(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
