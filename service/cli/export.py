"""`kith export`: tables for analysis."""

from typing import Annotated

import typer
from msgspec.structs import replace
from rich.markup import escape

from graph.domain.access.accessed import Accessed
from graph.domain.access.viewer import Viewer
from graph.domain.model.errors import InvalidInput
from graph.viewer_graph import ViewerGraph
from service.bootstrap import SystemClock, Wiring
from service.cli.operator import Operator, Purpose, Reason
from service.cli.previews import show_progress
from service.cli.shared import Rules, Store, console, run_with_wiring
from service.config import settings as settings_module
from service.export.export import Export, ExportRequest
from service.export.folders import open_folder
from service.export.formats import Format
from service.export.manifest import Manifest


def export(
    folder: Annotated[str, typer.Argument(help="The folder to write: a path, or a URL such as s3://BUCKET/NAME.")],
    format: Annotated[Format, typer.Option(help="What to write.")] = Format.PARQUET,
    table: Annotated[
        list[str] | None, typer.Option(help="A table to write; may be repeated. Without it, all that may be read.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="The folder of the export before: only what has changed since is written.")
    ] = None,
    role: Annotated[
        str | None,
        typer.Option(help="The role whose rights decide what is written and masked; without it, that of operators."),
    ] = None,
    store: Store = None,
    rules: Rules = None,
    purpose: Purpose = "",
    reason: Reason = "",
) -> None:
    """Write tables for analysis: customers, identifiers, links, orders, interactions, consents, segments, changes.

    If this is stopped, run it again to continue: tables that are finished stay. The store may be in use. While Neo4j
    is read, writes to it wait.
    """
    settings = settings_module.load(store=store, rules=rules)
    operator = Operator(settings, "export", purpose, reason)

    async def run(wiring: Wiring) -> Manifest:
        viewer = _with_rights_of(role, operator.viewer, wiring)
        rows = await ViewerGraph(wiring.graph, viewer).table_rows()
        request = ExportRequest(
            open_folder(folder),
            format,
            viewer.role,
            purpose,
            wiring.graph.references.pseudonym("", b"store"),
            tuple(table or ()),
            None if since is None else open_folder(since),
        )
        planned = Export(request, rows, SystemClock().now)
        if planned.complete:
            console.print(f"{escape(folder)} is complete already", soft_wrap=True)
            return planned.manifest
        operator.record(Accessed(), "export")
        return await planned.run(wiring.store, await wiring.store.count_records(), show_progress)

    _print(run_with_wiring(settings, run, read_only=True), folder)


def _with_rights_of(name: str | None, viewer: Viewer, wiring: Wiring) -> Viewer:
    """Return a viewer with no more rights than a role has."""
    if name is None:
        return viewer
    role = wiring.access.roles.get(name)
    if role is None:
        known = ", ".join(wiring.access.roles)
        raise InvalidInput("INVALID_VALUE", f"role {name[:60]!r} is unknown; known are {known}", ("role",))
    return replace(viewer, role=name, scopes=role.scopes & viewer.scopes, reach=role.reach)


def _print(manifest: Manifest, folder: str) -> None:
    for table in manifest.tables:
        deleted = f", {table.deleted} gone" if manifest.since is not None else ""
        console.print(f"{table.file}: {table.rows} rows{deleted}", soft_wrap=True)
    for name, scope in manifest.withheld_tables.items():
        console.print(f"{name} is left out: the role {manifest.role} lacks the scope {scope}", soft_wrap=True)
    console.print(f"next: kith export FOLDER --since {escape(folder)}", soft_wrap=True)
