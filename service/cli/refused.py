"""`kith refused`: records of sources that could not be taken; show them, take them in again, delete them."""

from collections.abc import Sequence
from typing import Annotated, Any

import orjson
import typer
from rich.markup import escape

from graph.domain.access.accessed import Accessed
from graph.domain.model.errors import InvalidInput
from graph.domain.model.refused_records import Position, RefusedFilter, RefusedRecord
from graph.domain.model.times import iso, parse_time
from graph.identity_graph import IdentityGraph
from graph.viewer_graph import ViewerGraph
from service.bootstrap import Wiring
from service.cli.operator import Operator, Purpose, Reason
from service.cli.shared import Store, console, errors, run_with_stored_rules, run_with_wiring
from service.config import settings as settings_module
from service.config.connectors_file import ConnectorSource
from service.connectors import mapping_file
from service.connectors.intake import Intake
from service.connectors.registry import Connectors
from service.connectors.retrying import retry as retry_all

PAGE_SIZE = 100

app = typer.Typer(no_args_is_help=True, help="Records of sources that could not be taken in.")

Source = Annotated[str | None, typer.Option(help="Only records of this source.")]
Code = Annotated[str | None, typer.Option(help="Only records with this problem, such as NOT_MAPPED.")]
Since = Annotated[str | None, typer.Option(help="Only records that were delivered at this time or later.")]


def _filter(source: str | None, code: str | None, since: str | None) -> RefusedFilter:
    try:
        return RefusedFilter(source, code, None if since is None else parse_time(since).microseconds)
    except ValueError as error:
        raise InvalidInput("INVALID_TIMESTAMP", f"--since: {error}") from error


@app.command("list")
def list_(
    source: Source = None,
    code: Code = None,
    since: Since = None,
    limit: Annotated[int, typer.Option(min=1, help="How many records are printed, those delivered last first.")] = 50,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print each record with its content, as a JSON object on a line.")
    ] = False,
    store: Store = None,
    purpose: Purpose = "",
    reason: Reason = "",
) -> None:
    """List refused records without their values, and count them; with --json, with their values."""
    settings = settings_module.load(store=store).model_copy(update={"rules": None})
    operator = Operator(settings, "refused list", purpose, reason, shows_values=as_json)
    chosen = _filter(source, code, since)

    async def run(wiring: Wiring) -> None:
        if as_json:
            await _print_json(ViewerGraph(wiring.graph, operator.viewer), chosen, limit, operator)
        else:
            await _print_list(wiring.graph, chosen, limit)

    run_with_wiring(settings, run, read_only=True)


async def _print_json(graph: ViewerGraph, chosen: RefusedFilter, limit: int, operator: Operator) -> None:
    after: Position | None = None
    while limit > 0:
        page = await graph.refused_records(chosen, after, min(limit, PAGE_SIZE))
        _record(graph, operator)
        for record in page.items:
            typer.echo(orjson.dumps(_described(record)).decode())
        if not page.has_more:
            return
        limit, after = limit - len(page.items), page.items[-1].position


async def _print_list(graph: IdentityGraph, chosen: RefusedFilter, limit: int) -> None:
    after: Position | None = None
    while limit > 0:
        page = await graph.refused.page(chosen, after, min(limit, PAGE_SIZE), with_content=False)
        for record in page.items:
            path = ".".join(map(str, record.path)) or "-"
            times = f"{record.count} times" if record.count > 1 else "once"
            line = f"{iso(record.last_received_at)}  {record.id}  {record.source}  {record.code}  {path}  {times}"
            console.print(escape(line), soft_wrap=True)
        if not page.has_more:
            break
        limit, after = limit - len(page.items), page.items[-1].position
    counts = [
        count
        for count in await graph.refused.counts()
        if chosen.source in (None, count.source) and chosen.code in (None, count.code)
    ]
    for count in counts:
        line = f"{count.source}  {count.code}  records: {count.records}, deliveries: {count.deliveries}"
        console.print(escape(line), soft_wrap=True)
    if not counts:
        console.print("no refused records")


@app.command()
def show(
    ids: Annotated[list[str], typer.Argument(help="The ids of refused records.")],
    store: Store = None,
    purpose: Purpose = "",
    reason: Reason = "",
) -> None:
    """Show refused records with their content, as JSON. Exit status 1 if one of them does not exist."""
    settings = settings_module.load(store=store).model_copy(update={"rules": None})
    operator = Operator(settings, "refused show", purpose, reason)

    async def run(wiring: Wiring) -> Sequence[RefusedRecord]:
        graph = ViewerGraph(wiring.graph, operator.viewer)
        found = await graph.refused_records_with(ids)
        _record(graph, operator)
        return found

    found = run_with_wiring(settings, run, read_only=True)
    for record in found:
        typer.echo(orjson.dumps(_described(record), option=orjson.OPT_INDENT_2).decode())
    if missing := set(ids).difference(record.id for record in found):
        errors.print(f"there is no refused record {escape(', '.join(sorted(missing)))}")
        raise typer.Exit(1)


@app.command()
def retry(
    source: Source = None,
    code: Code = None,
    since: Since = None,
    mapping: Annotated[
        str | None,
        typer.Option("--as", help="The mapping, or a .toml file, for sources that KITH_CONNECTORS does not name."),
    ] = None,
    store: Store = None,
) -> None:
    """Take refused records in again by the mappings of now, and delete those that are taken.

    Each is recorded as if it had been taken when it was delivered. Exit status 1 if one is refused again.
    """
    settings = settings_module.load(store=store)
    chosen = _filter(source, code, since)

    async def run(wiring: Wiring) -> bool:
        way_in = _WaysIn(wiring.graph, Connectors(wiring.graph, settings.connectors), mapping)
        retried = await retry_all(wiring.graph, chosen, way_in.of)
        console.print(f"taken in: {retried.taken}")
        if retried.dropped:
            console.print(f"deleted, because they must not be stored: {retried.dropped}")
        for found, count in sorted(retried.refused.items()):
            console.print(escape(f"refused with {found}: {count}, such as: {retried.examples[found]}"), soft_wrap=True)
        return not retried.refused

    if not run_with_wiring(settings, run):
        raise typer.Exit(1)


class _WaysIn:
    """The ways in of refused records: those that the service has, and others by the mapping that was chosen or used."""

    def __init__(self, graph: IdentityGraph, connectors: Connectors, mapping: str | None) -> None:
        self._graph, self._connectors, self._mapping = graph, connectors, mapping
        self._made: dict[tuple[str, str], Intake] = {}

    def of(self, record: RefusedRecord) -> Intake:
        """Return the way in of a record; raises `InvalidInput` if there is none."""
        if (declared := self._connectors.get(record.source)) is not None:
            return declared
        name = self._mapping or record.mapping
        if (record.source, name) not in self._made:
            source = ConnectorSource(record.source, name)
            self._made[record.source, name] = Intake(self._graph, source, mapping_file.named(name))
        return self._made[record.source, name]


@app.command()
def delete(
    ids: Annotated[list[str] | None, typer.Argument(help="The ids of refused records.")] = None,
    source: Annotated[str | None, typer.Option(help="Instead of ids: all records of this source.")] = None,
    code: Annotated[str | None, typer.Option(help="With --source: only records with this problem.")] = None,
    store: Store = None,
) -> None:
    """Delete refused records: those with some ids, or those of a source."""
    if bool(ids) == (source is not None) or (code is not None and source is None):
        raise InvalidInput("INVALID_VALUE", "name either the ids of refused records, or --source")

    async def run(wiring: Wiring) -> None:
        refused = wiring.graph.refused
        deleted = await (refused.delete(ids) if ids else refused.delete_all(RefusedFilter(source, code)))
        console.print(f"deleted: {deleted}")

    run_with_stored_rules(store, run)


def _record(graph: ViewerGraph, operator: Operator) -> None:
    """Record whose data is about to be shown; nothing if it is nobody's."""
    accessed: Accessed = graph.take_accessed()
    if accessed.touches_people:
        operator.record(accessed)


def _described(record: RefusedRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "source": record.source,
        "mapping": record.mapping,
        "code": record.code,
        "message": record.message,
        "path": record.path,
        "recordId": record.record_id or None,
        "deliveries": record.count,
        "receivedAt": iso(record.received_at),
        "lastReceivedAt": iso(record.last_received_at),
        "cut": record.is_cut,
        "beside": record.beside,
        "content": record.content,
    }
