"""`kith backfill`: a whole history into an empty store, by arrays on this machine or by Spark on a cluster."""

import asyncio
import gc
import signal
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Annotated, TypeVar, cast

import typer
from rich.progress import Progress, TaskID

from graph.domain.model.errors import InvalidInput
from service.bootstrap import SystemClock, Wiring
from service.cli.decision_log import CommandDecisionLog
from service.cli.ingest import (
    AllowRejected,
    Delimiter,
    Encoding,
    IgnoreColumns,
    ReportFile,
    Source,
    end,
    options_again,
    progress_bars,
    read_options,
)
from service.cli.ingest_summary import print_findings, print_large, print_summary
from service.cli.operator import user
from service.cli.previews import show_progress
from service.cli.shared import Rules, Store, console, run_with_wiring
from service.config import settings as settings_module
from service.config.settings import Settings
from service.ingest.raw_lines import ReadOptions
from service.ingest.report import Report

T = TypeVar("T")
ARRAYS, SPARK = "arrays", "spark"
"""The engines."""

Histories = Annotated[
    list[str] | None,
    typer.Argument(metavar="FILES...", help="NDJSON, CSV, Parquet or spreadsheet files; for Spark, paths of NDJSON."),
]
Engine = Annotated[str, typer.Option(help="`arrays` on this machine, or `spark` on a cluster.")]
SparkMaster = Annotated[
    str, typer.Option(help="The master of Spark, such as local[4]; without it, what Spark is configured for.")
]
ImportFiles = Annotated[
    Path | None,
    typer.Option(
        help="Neo4j: write files for `neo4j-admin database import` into this folder, and leave the database alone."
    ),
]
Output = Annotated[
    str, typer.Option(help="Spark: keep the tables in this folder, which all executors reach, and load nothing.")
]
Kept = Annotated[str, typer.Option("--from", help="Load the tables that `--output` has kept in this folder.")]


def backfill(
    files: Histories = None,
    source: Source = "",
    report: ReportFile = None,
    allow_rejected: AllowRejected = 0,
    delimiter: Delimiter = "",
    encoding: Encoding = "",
    ignore_columns: IgnoreColumns = "",
    import_files: ImportFiles = None,
    engine: Engine = ARRAYS,
    spark_master: SparkMaster = "",
    output: Output = "",
    kept: Kept = "",
    store: Store = None,
    rules: Rules = None,
) -> None:
    """Load a whole history into an empty store; exit status as `kith import`. Run it again to continue if stopped."""
    paths = _checked(files or [], engine, output, kept)
    options = read_options(delimiter, encoding, ignore_columns)
    if engine == SPARK and options != ReadOptions():
        raise InvalidInput("INVALID_SETTING", "the engine spark reads NDJSON in UTF-8: it has no options for reading")
    if import_files is not None and (engine == SPARK or kept):
        raise InvalidInput("INVALID_SETTING", "--import-files is for the engine arrays")
    settings = settings_module.load(store=store, rules=rules)
    # Millions of values without reference cycles: the cyclic garbage collector would take a third of the time.
    gc.disable()
    # Stop by an exception, so that the temporary files, which can take gigabytes, are deleted.
    signal.signal(signal.SIGTERM, _stop)
    if kept:
        _load_kept(settings, kept)
        return
    lines_report = _report(paths, report, engine)
    if engine == SPARK:
        lines_report.delete_earlier()
        _run_spark(settings, paths, lines_report, source, spark_master, output)
    else:
        _run_arrays(settings, [Path(path) for path in paths], lines_report, source, options, import_files)
    end(lines_report, allow_rejected, options_again(source, ignore_columns, store, rules))


def _checked(files: list[str], engine: str, output: str, kept: str) -> list[str]:
    """Return the files if they and the engine fit each other."""
    if engine not in (ARRAYS, SPARK):
        raise InvalidInput("INVALID_SETTING", f"--engine is {engine[:40]!r}; {ARRAYS} and {SPARK} exist")
    if kept and (files or output):
        raise InvalidInput("INVALID_SETTING", "--from loads what a run has made of its files: name no files with it")
    if output and engine != SPARK:
        raise InvalidInput("INVALID_SETTING", "--output keeps the tables of --engine spark")
    if not files and not kept:
        raise typer.BadParameter("Missing argument 'FILES...'.")
    for path in files if engine == ARRAYS else ():
        if not Path(path).is_file():
            raise typer.BadParameter(f"File '{path}' does not exist, or is a folder.", param_hint="'FILES...'")
    return files


def _report(paths: Sequence[str], chosen: Path | None, engine: str) -> Report:
    local = [Path(path) for path in paths if Path(path).is_file()]
    if not local:
        # Paths of a cluster: the report is beside nothing.
        return Report.beside([Path("history")], chosen)
    return Report.beside(local if engine == SPARK else [Path(path) for path in paths], chosen)


class _Bars:
    """A progress bar for each stage."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(stage, total=total)
        self._bars.update(self._tasks[stage], completed=done, total=total)


def _run_with_log(settings: Settings, run: Callable[[Wiring], Awaitable[T]], opened: Settings | None = None) -> T:
    """Run over a wiring that logs the decisions that are loaded; `opened` are those of the store, if it has its own."""
    decision_log = CommandDecisionLog(settings)

    def with_log(wiring: Wiring) -> Awaitable[T]:
        wiring.graph.decision_log = decision_log
        return run(wiring)

    try:
        return run_with_wiring(opened or settings, with_log, prepare=False)
    finally:
        decision_log.close()


def _run_arrays(
    settings: Settings,
    files: Sequence[Path],
    lines_report: Report,
    source: str,
    options: ReadOptions,
    import_files: Path | None,
) -> None:
    try:
        from service.ingest import backfill as bulk
    except ImportError as error:
        raise _missing_extra("kith backfill", "bulk", error) from error
    make: Callable[..., bulk.Backfill] = bulk.Backfill
    opened = settings
    if import_files is not None:
        from service.ingest import import_files as offline

        opened = offline.settings_of_rest(settings, import_files)
        offline.prepare_folder(import_files)
        make = partial(offline.FileBackfill, folder=import_files)
    # As late as possible: a run that cannot begin keeps the report of an earlier one.
    lines_report.delete_earlier()
    with progress_bars() as bars:
        on_progress = _Bars(bars)
        run = _run_with_log(
            settings,
            lambda wiring: bulk.run(
                wiring,
                files,
                lines_report,
                on_progress,
                source,
                options,
                lambda path, file: print_findings(path, file.findings),
                user(),
                make,
            ),
            opened,
        )
    if import_files is not None:
        cast("offline.FileBackfill", run).complete()
    print_summary(run.counts)
    _print_loaded(run.customers, run.identifiers, run.links)
    if import_files is not None:
        console.print(
            f"wrote {import_files}; there, and with the database stopped, run: {offline.IMPORT_COMMAND}", soft_wrap=True
        )


def finish_import(
    folder: Annotated[Path, typer.Argument(help="The folder that `kith backfill --import-files` wrote.")],
    store: Store = None,
) -> None:
    """Complete a Neo4j database that was filled from import files. It is safe to run this again if it was stopped."""
    from service.ingest import import_files as offline

    settings = settings_module.load(store=store)
    manifest = asyncio.run(offline.finish(settings, folder, show_progress))
    counts = ", ".join(f"{count:,} {kind}" for kind, count in manifest.counts.items() if count > 1)
    console.print(f"the database holds all that was written: {counts}", soft_wrap=True)


def _run_spark(
    settings: Settings, paths: Sequence[str], lines_report: Report, source: str, master: str, output: str
) -> None:
    try:
        from service.ingest.load_portions import prepare_store
        from service.ingest.spark.backfill import SparkBackfill
        from service.ingest.spark.session import open_session
    except ImportError as error:
        raise _missing_extra("--engine spark", "spark", error) from error
    with open_session(master) as spark, progress_bars() as bars:
        on_progress = _Bars(bars)

        async def run(wiring: Wiring) -> SparkBackfill:
            await prepare_store(wiring)
            now = SystemClock().now()
            backfill = SparkBackfill(
                spark, wiring.store, wiring.graph, now, lines_report, on_progress, source, user(), output
            )
            await backfill.run(paths)
            return backfill

        done = _run_with_log(settings, run)
    for component in done.large_components:
        lines_report.name_large(component.key, component.identifiers, component.neighbors)
    print_summary(done.counts)
    print_large([component.identifiers for component in done.large_components], lines_report)
    if done.loaded is None:
        console.print(f"the tables are in {output}; load them: kith backfill --from {output}", soft_wrap=True)
    else:
        _print_loaded(done.loaded.customers, done.loaded.identifiers, done.loaded.links)


def _load_kept(settings: Settings, folder: str) -> None:
    try:
        from service.ingest.load_portions import prepare_store
        from service.ingest.spark.load import Loaded, load_kept_tables
    except ImportError as error:
        raise _missing_extra("--from", "spark", error) from error
    with progress_bars() as bars:
        on_progress = _Bars(bars)

        async def run(wiring: Wiring) -> Loaded:
            await prepare_store(wiring)
            return await load_kept_tables(wiring.store, wiring.graph, folder, on_progress, user())

        loaded = _run_with_log(settings, run)
    _print_loaded(loaded.customers, loaded.identifiers, loaded.links)


def _missing_extra(what: str, extra: str, error: ImportError) -> InvalidInput:
    message = f"{what} requires the extra `{extra}`: from a checkout, pip install '.[{extra}]'"
    return InvalidInput("MISSING_EXTRA", f"{message} (missing: {error.name})")


def _print_loaded(customers: int, identifiers: int, links: int) -> None:
    console.print(f"{customers} customers with {identifiers} identifiers, {links} links")


def _stop(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)
