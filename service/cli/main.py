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
from service.cli.customer_page import print_customer, selection
from service.config import settings as settings_module
from service.config.settings import Settings
from service.http.app import create_app
from service.ingest.importer import ImportRun, LineCounts, RejectionReport
from service.runtime import interpreter, version

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(rules.app, name="rules")
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

Store = Annotated[
    str | None, typer.Option(help="sqlite:///FILE or neo4j://HOST:PORT; without it, the setting KITH_STORE.")
]
Rules = Annotated[
    Path | None, typer.Option(help="A rules file; without it, the setting KITH_RULES, then the default rules.")
]
Files = Annotated[list[Path], typer.Argument(help="NDJSON, CSV or Parquet files.", exists=True, dir_okay=False)]
Source = Annotated[str, typer.Option(help="The source of lines that do not name one.")]
RejectedFile = Annotated[
    Path | None,
    typer.Option(help="The file for rejected lines; without it, FILE-rejected.ndjson beside the first file."),
]


def main() -> None:
    """Run the command line. An expected error is printed as one line, with exit status 2."""
    interpreter.tune_interpreter()
    try:
        app()
    except KithError as error:
        errors.print(f"[red]kith: {escape(error.message)}[/red]")
        sys.exit(2)


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(version.describe())
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print version and commit, and exit."),
    ] = False,
) -> None:
    """Kith, an identity graph for customer data."""


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; without it, the setting KITH_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; without it, the setting KITH_PORT.")] = None,
    store: Store = None,
    rules: Rules = None,
) -> None:
    """Serve GraphQL over HTTP and WebSocket."""
    settings = settings_module.load(host=host, port=port, store=store, rules=rules)
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    if not settings.on_loopback and not settings.api_keys.get_secret_value():
        message = f"KITH_HOST: {settings.host} is not a loopback address, so KITH_API_KEYS is required"
        raise InvalidInput("INVALID_SETTING", message)
    wiring = wire(settings)
    asgi = create_app(settings, wiring)
    console.print(f"Store: {settings.store}", soft_wrap=True)
    console.print(f"GraphQL: http://{settings.host}:{settings.port}/graphql", soft_wrap=True)
    # The access log is off: the URL of a GET request contains its query, and with it personal data.
    uvicorn.run(
        asgi,
        host=settings.host,
        port=settings.port,
        log_level=settings.log_level,
        access_log=False,
        ws_max_size=settings.max_body_bytes,
        # Events are small. With hundreds of subscribers, compressing every event for each takes a tenth of the time.
        ws_per_message_deflate=False,
    )
    if wiring.rules_error is not None:
        raise wiring.rules_error


@app.command()
def migrate(store: Store = None, rules: Rules = None) -> None:
    """Create or update the structure of the store. It is safe to run this again."""

    async def run(wiring: Wiring) -> list[str]:
        applied = await wiring.store.migrate()
        await wiring.prepare()
        return applied

    applied = _run_with_wiring(settings_module.load(store=store, rules=rules), run, prepare=False)
    console.print("\n".join(applied) if applied else "the store is up to date")


def _run_with_wiring(settings: Settings, run: Any, prepare: bool = True) -> Any:
    """Run a coroutine function over a wiring, and close the store in any case."""

    async def run_and_close() -> Any:
        wiring = wire(settings)
        try:
            if prepare:
                await wiring.prepare()
            return await run(wiring)
        finally:
            await wiring.graph.close()

    return asyncio.run(run_and_close())


@app.command(name="import")
def import_(
    files: Files,
    source: Source = "",
    report: RejectedFile = None,
    store: Store = None,
    rules: Rules = None,
) -> None:
    """Import observations, orders and facts. It is safe to stop this and run it again."""
    rejections = _rejection_report(report, files)
    counts = _run_with_wiring(
        settings_module.load(store=store, rules=rules), lambda wiring: _import(wiring, files, rejections, source)
    )
    console.print(f"{_summary(counts)}; {counts.merges} merges")
    _print_rejected(counts, rejections)


def _rejection_report(chosen: Path | None, files: list[Path]) -> RejectionReport:
    return RejectionReport(chosen or files[0].with_name(f"{files[0].stem}-rejected.ndjson"))


def _progress(details: str = "") -> Progress:
    """Return progress bars with percentages, times and `details`."""
    percentage = TextColumn("{task.percentage:>3.0f} %" + details)
    columns = (TextColumn("{task.description}"), BarColumn(), percentage, TimeElapsedColumn(), TimeRemainingColumn())
    return Progress(*columns, console=errors)


def _summary(counts: LineCounts) -> str:
    return (
        f"{counts.accepted} lines accepted, {counts.duplicates} duplicates, {counts.rejected} rejected; "
        f"{counts.dropped} identifiers dropped"
    )


def _print_rejected(counts: LineCounts, report: RejectionReport) -> None:
    report.flush()
    if counts.rejected:
        reasons = ", ".join(f"{code} {count}" for code, count in sorted(counts.by_code.items()))
        console.print(f"rejected lines ({reasons}) are in {report.path}", soft_wrap=True)


async def _import(wiring: Wiring, files: list[Path], report: RejectionReport, source: str) -> LineCounts:
    with _progress("  {task.fields[lines]} lines  {task.fields[rate]}/s") as progress:
        total = sum(path.stat().st_size for path in files)
        bar = progress.add_task("import", total=total, lines=0, rate=0)
        done = 0

        def report_progress(read_bytes: int, counts: LineCounts) -> None:
            elapsed = progress.tasks[0].elapsed or 1
            progress.update(bar, completed=done + read_bytes, lines=counts.lines, rate=round(counts.lines / elapsed))

        run = ImportRun(wiring.graph, report, report_progress, source)
        for path in files:
            progress.update(bar, description=path.name)
            await run.run(path)
            done += path.stat().st_size
        return run.counts


@app.command()
def backfill(
    files: Files,
    source: Source = "",
    report: RejectedFile = None,
    store: Store = None,
    rules: Rules = None,
) -> None:
    """Load a whole history into an empty store. If this is stopped, run it again to continue."""
    try:
        from service.ingest import backfill as bulk
    except ImportError as error:
        message = "kith backfill requires the extra `bulk`: from a checkout, pip install '.[bulk]'"
        raise InvalidInput("MISSING_EXTRA", f"{message} (missing: {error.name})") from error
    rejections = _rejection_report(report, files)
    # Millions of values without reference cycles: the cyclic garbage collector would take a third of the time.
    gc.disable()
    # Stop by an exception, so that the temporary files, which can take gigabytes, are deleted.
    signal.signal(signal.SIGTERM, _stop)
    with _progress() as progress:
        tasks: dict[str, TaskID] = {}

        def report_progress(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(stage, total=total)
            progress.update(tasks[stage], completed=done, total=total)

        run = _run_with_wiring(
            settings_module.load(store=store, rules=rules),
            lambda wiring: bulk.run(wiring, files, rejections, report_progress, source),
            prepare=False,
        )
    console.print(_summary(run.counts))
    console.print(f"{run.customers} customers with {run.identifiers} identifiers, {run.links} links")
    _print_rejected(run.counts, rejections)


def _stop(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)


@app.command()
def lookup(
    customer: Annotated[str, typer.Argument(help="An identifier as NAMESPACE=VALUE, or a customer id.")],
    store: Store = None,
    rules: Rules = None,
) -> None:
    """Show the 360° view of a customer. Exit status 1 if there is no such customer."""

    async def run(wiring: Wiring) -> bool:
        graph = wiring.graph
        namespace, equals, value = customer.partition("=")
        ref = ByKey(graph.rules.key(namespace, value)) if equals else ById(customer)
        (view,) = await graph.customers([ref], selection(graph))
        if view is not None:
            await print_customer(console, graph, view)
        return view is not None

    if not _run_with_wiring(settings_module.load(store=store, rules=rules), run):
        errors.print("no customer found")
        raise typer.Exit(1)


@app.command()
def simulate(file: Annotated[Path, typer.Argument(help="A scenario file.", exists=True, dir_okay=False)]) -> None:
    """Resolve a scenario file and print the result as JSON. Exit status 1 if the result differs from its `expect`."""
    try:
        parsed = scenario.parse(file.read_text("utf-8"))
    except (InvalidInput, UnicodeDecodeError) as error:
        reason = error.message if isinstance(error, InvalidInput) else "is not UTF-8"
        raise InvalidInput("INVALID_SCENARIO", f"{file}: {reason}") from error
    outcome = scenario.simulate(parsed)
    result = outcome.as_json()
    differs = parsed.expect is not None and parsed.expect != outcome.customers
    if differs:
        result["expected"] = parsed.expect
    print(json.dumps(result, ensure_ascii=False))
    if differs:
        raise typer.Exit(1)
