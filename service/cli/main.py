"""The command line: `kith` and `python -m service`."""

import asyncio
import gc
import json
import logging
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer
import uvicorn
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from graph.domain.model.errors import InvalidInput, KithError
from graph.domain.profile.pages import ById, ByKey
from graph.domain.resolution import scenario
from service.bootstrap import Wiring, wire
from service.cli import rules
from service.cli.customer_page import selection, show
from service.config import settings as settings_module
from service.config.settings import Settings
from service.http.app import create_app
from service.ingest.importer import Counts, ImportRun, Report
from service.runtime import interpreter, version

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Kith, the identity graph."
)
app.add_typer(rules.app, name="rules")
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

Store = Annotated[str | None, typer.Option(help="sqlite:///FILE or neo4j://HOST:PORT; else KITH_STORE.")]
Rules = Annotated[Path | None, typer.Option(help="A rules file; else KITH_RULES, else the default rules.")]


Files = Annotated[list[Path], typer.Argument(help="NDJSON, CSV or Parquet files.", exists=True, dir_okay=False)]
Source = Annotated[str, typer.Option(help="The source of lines that name none.")]
Refused = Annotated[Path | None, typer.Option(help="Where refused lines go; else beside the first file.")]


def main() -> None:
    """Run the command line; an error that was expected is one line and exit status 2."""
    interpreter.set_up()
    try:
        app()
    except KithError as error:
        errors.print(f"[red]kith: {escape(error.message)}[/red]")
        sys.exit(2)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version.describe())
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print version and commit.")
    ] = False,
) -> None:
    """Kith, an identity graph for customer data."""


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; else KITH_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; else KITH_PORT.")] = None,
    store: Store = None,
    rules: Rules = None,
) -> None:
    """Serve GraphQL over HTTP."""
    settings = settings_module.load(host=host, port=port, store=store, rules=rules)
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    if not settings.on_loopback and not settings.api_keys.get_secret_value():
        raise InvalidInput("BAD_SETTING", f"KITH_HOST: listening on {settings.host} needs keys in KITH_API_KEYS")
    wiring = wire(settings)
    asgi = create_app(settings, wiring)
    console.print(f"Kith keeps its graph in {settings.store}", soft_wrap=True)
    console.print(f"GraphQL is at http://{settings.host}:{settings.port}/graphql", soft_wrap=True)
    # The access log is off: the address of a GET holds its query, and with it personal values.
    uvicorn.run(
        asgi,
        host=settings.host,
        port=settings.port,
        log_level=settings.log_level,
        access_log=False,
        ws_max_size=settings.max_body_bytes,
        # Events are small; with hundreds who follow, compressing each for each of them takes a tenth of the time.
        ws_per_message_deflate=False,
    )
    if wiring.refused is not None:
        raise wiring.refused


@app.command()
def migrate(store: Store = None, rules: Rules = None) -> None:
    """Create or update the store's structure; safe to repeat."""

    async def run(wiring: Wiring) -> list[str]:
        done = await wiring.store.migrate()
        await wiring.prepare()
        return done

    done = _with(settings_module.load(store=store, rules=rules), run, prepare=False)
    console.print("\n".join(done) if done else "nothing to do")


def _with(settings: Settings, run: Any, prepare: bool = True) -> Any:
    """Run a coroutine function over a wiring, and let go of the store whatever happens."""

    async def whole() -> Any:
        wiring = wire(settings)
        try:
            if prepare:
                await wiring.prepare()
            return await run(wiring)
        finally:
            await wiring.graph.close()

    return asyncio.run(whole())


@app.command(name="import")
def import_(
    files: Files,
    source: Source = "",
    report: Refused = None,
    store: Store = None,
    rules: Rules = None,
) -> None:
    """Import observations and orders; can be stopped and run again without harm."""
    where = _report(report, files)
    counts = _with(settings_module.load(store=store, rules=rules), lambda wiring: _import(wiring, files, where, source))
    console.print(f"{_told(counts)}; {counts.merges} merges")
    _tell_refused(counts, where)


def _report(chosen: Path | None, files: list[Path]) -> Report:
    return Report(chosen or files[0].with_name(f"{files[0].stem}-refused.ndjson"))


def _progress(told: str = "") -> Progress:
    """Bars with how far they are, and what else is told of them."""
    share = TextColumn("{task.percentage:>3.0f} %" + told)
    columns = (TextColumn("{task.description}"), BarColumn(), share, TimeElapsedColumn(), TimeRemainingColumn())
    return Progress(*columns, console=errors)


def _told(counts: Counts) -> str:
    return (
        f"{counts.accepted} lines taken in, {counts.repeated} known already, {counts.refused} refused; "
        f"{counts.dropped} identifiers dropped"
    )


def _tell_refused(counts: Counts, report: Report) -> None:
    report.flush()
    if counts.refused:
        reasons = ", ".join(f"{code} {count}" for code, count in sorted(counts.by_code.items()))
        console.print(f"refused lines ({reasons}) are in {report.path}", soft_wrap=True)


async def _import(wiring: Wiring, files: list[Path], report: Report, source: str) -> Counts:
    with _progress("  {task.fields[lines]} lines  {task.fields[rate]}/s") as progress:
        total = sum(path.stat().st_size for path in files)
        bar = progress.add_task("import", total=total, lines=0, rate=0)
        done = 0

        def told(read: int, counts: Counts) -> None:
            elapsed = progress.tasks[0].elapsed or 1
            progress.update(bar, completed=done + read, lines=counts.lines, rate=round(counts.lines / elapsed))

        run = ImportRun(wiring.graph, report, told, source)
        for path in files:
            progress.update(bar, description=path.name)
            await run.run(path)
            done += path.stat().st_size
        return run.counts


@app.command()
def backfill(
    files: Files,
    source: Source = "",
    report: Refused = None,
    store: Store = None,
    rules: Rules = None,
) -> None:
    """Load a whole history into an empty store, resolved together; run it again where it was stopped."""
    try:
        from service.ingest import backfill as bulk
    except ImportError as error:
        raise InvalidInput("BAD_SETUP", f"backfill needs the extra kith[bulk]: {error.name} is not here") from error
    where = _report(report, files)
    # Millions of values that hold no cycles: looking for some would take a third of the time.
    gc.disable()
    # Who is told to stop takes away the gigabytes that are between reading and loading.
    signal.signal(signal.SIGTERM, _stop)
    with _progress() as progress:
        tasks: dict[str, TaskID] = {}

        def told(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=total)
            progress.update(tasks[what], completed=done, total=total)

        run = _with(
            settings_module.load(store=store, rules=rules),
            lambda wiring: bulk.run(wiring, files, where, told, source),
            prepare=False,
        )
    console.print(_told(run.counts))
    console.print(f"{run.customers} customers of {run.identifiers} identifiers, {run.links} links")
    _tell_refused(run.counts, where)


def _stop(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)


@app.command()
def lookup(
    what: Annotated[str, typer.Argument(help="namespace=value, or a customer's id.")],
    store: Store = None,
    rules: Rules = None,
) -> None:
    """Show a customer's 360° view by any identifier."""

    async def run(wiring: Wiring) -> bool:
        graph = wiring.graph
        namespace, equals, value = what.partition("=")
        asked = ByKey(graph.key(namespace, value)) if equals else ById(what)
        (view,) = await graph.customers([asked], selection(graph))
        if view is not None:
            await show(console, graph, view)
        return view is not None

    if not _with(settings_module.load(store=store, rules=rules), run):
        errors.print("no customer holds this")
        raise typer.Exit(1)


@app.command()
def simulate(file: Annotated[Path, typer.Argument(help="A scenario file.", exists=True, dir_okay=False)]) -> None:
    """Print what the rule makes of a scenario file, as JSON; exit status 1 where its `expect` differs."""
    try:
        parsed = scenario.parse(file.read_text("utf-8"))
    except (InvalidInput, UnicodeDecodeError) as error:
        reason = error.message if isinstance(error, InvalidInput) else "is not UTF-8"
        raise InvalidInput("BAD_SCENARIO", f"{file}: {reason}") from error
    outcome = scenario.simulate(parsed)
    answer = outcome.as_json()
    differs = parsed.expect is not None and parsed.expect != outcome.customers
    if differs:
        answer["expected"] = parsed.expect
    print(json.dumps(answer, ensure_ascii=False))
    if differs:
        raise typer.Exit(1)
