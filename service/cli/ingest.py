"""`kith import` and `kith backfill`: files in, and what became of their lines."""

import asyncio
import csv
import gc
import signal
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Annotated, cast

import typer
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from graph.domain.model.errors import InvalidInput
from service.bootstrap import Wiring
from service.cli import dry_run
from service.cli.connector_source import chosen_source
from service.cli.decision_log import CommandDecisionLog
from service.cli.ingest_summary import print_findings, print_report, print_summary
from service.cli.mapped_import import MappedFiles
from service.cli.operator import user
from service.cli.previews import show_progress
from service.cli.shared import Rules, Store, console, errors, run_with_wiring
from service.config import settings as settings_module
from service.ingest.counts import LineCounts
from service.ingest.file_formats import open_file
from service.ingest.importer import ImportRun
from service.ingest.raw_lines import ReadOptions
from service.ingest.report import Report

Files = Annotated[
    list[Path], typer.Argument(help="NDJSON, CSV, Parquet or spreadsheet files.", exists=True, dir_okay=False)
]
Source = Annotated[str, typer.Option(help="The source of lines that do not name one.")]
MappingName = Annotated[
    str,
    typer.Option(
        "--as", help="The mapping of another system's records: a name of `kith connector list`, or a file (.toml)."
    ),
]
ReportFile = Annotated[
    Path | None,
    typer.Option(
        help="The file for rejected lines and dropped identifiers; without it, FILE-report.ndjson beside the first."
    ),
]
AllowRejected = Annotated[
    int,
    typer.Option(
        "--allow-rejected", "--allow-refused", min=0, help="Up to this many rejected lines, the exit status is 0."
    ),
]
Delimiter = Annotated[
    str, typer.Option(help="The delimiter of CSV files: a character or `tab`; without it, it is found from the file.")
]
Encoding = Annotated[
    str, typer.Option(help="The encoding of text files, such as cp1252; without it, it is found from the file.")
]
IgnoreColumns = Annotated[str, typer.Option(help="Names of columns that are not read, comma-separated.")]
ImportFiles = Annotated[
    Path | None,
    typer.Option(
        help="Neo4j: write files for `neo4j-admin database import` into this folder, and leave the database alone."
    ),
]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Show what would become of the lines. Nothing is written but the report."),
]


def import_(
    files: Files,
    source: Source = "",
    mapping: MappingName = "",
    report: ReportFile = None,
    allow_rejected: AllowRejected = 0,
    dry_run_only: DryRun = False,
    delimiter: Delimiter = "",
    encoding: Encoding = "",
    ignore_columns: IgnoreColumns = "",
    store: Store = None,
    rules: Rules = None,
) -> None:
    """Import all lines that are valid; exit status 1 if others were rejected. It is safe to run this again."""
    options = _read_options(delimiter, encoding, ignore_columns)
    lines_report = Report.beside(files, report)
    settings = settings_module.load(store=store, rules=rules)
    mapped = None if not mapping else MappedFiles(files, *chosen_source(settings, source, mapping), options)
    lines_report.delete_earlier()
    if dry_run_only:

        async def check(wiring: Wiring) -> None:
            if mapped is None:
                await dry_run.run(wiring, files, lines_report, source, options)
            else:
                await mapped.check(wiring, lines_report)

        run_with_wiring(settings, check, prepare=False, read_only=True)
    else:
        decision_log = CommandDecisionLog(settings)

        async def run(wiring: Wiring) -> None:
            wiring.graph.decision_log = decision_log
            await _import(wiring, files, lines_report, source, options, mapped)

        try:
            run_with_wiring(settings, run)
        finally:
            decision_log.close()
        print_summary(lines_report.counts, "" if mapped else f"; {lines_report.counts.merges} merges")
    _end(lines_report, allow_rejected, _options_again(source, ignore_columns, store, rules, mapping))


def _read_options(delimiter: str, encoding: str, ignore_columns: str) -> ReadOptions:
    # A name with a comma is in quotes, as in CSV.
    names = next(csv.reader([ignore_columns], skipinitialspace=True), [])
    return ReadOptions(delimiter, encoding, frozenset(name.strip() for name in names if name.strip()))


def _options_again(
    source: str, ignore_columns: str, store: str | None, rules: Path | None, mapping: str = ""
) -> list[str]:
    """Return the options that the import of a report needs too."""
    given = {
        "--as": mapping,
        "--source": source,
        "--ignore-columns": ignore_columns,
        "--store": store,
        "--rules": rules,
    }
    return [word for option, value in given.items() if value for word in (option, str(value))]


def _end(report: Report, allow_rejected: int, options: Sequence[str]) -> None:
    """Say where the report is, and end the command."""
    report.close()
    print_report(report, options)
    if report.counts.rejected > allow_rejected:
        raise typer.Exit(1)


def _progress(details: str = "") -> Progress:
    """Return progress bars with percentages, times and `details`."""
    percentage = TextColumn("{task.percentage:>3.0f} %" + details)
    columns = (TextColumn("{task.description}"), BarColumn(), percentage, TimeElapsedColumn(), TimeRemainingColumn())
    return Progress(*columns, console=errors)


async def _import(
    wiring: Wiring, files: list[Path], report: Report, source: str, options: ReadOptions, mapped: MappedFiles | None
) -> None:
    # All files are opened first: one that cannot be read as a whole ends the import before it begins.
    inputs = [] if mapped else [(path, open_file(path, wiring.graph.rules, options)) for path in files]
    for path, file in inputs:
        print_findings(path, file.findings)
    with _progress("  {task.fields[lines]} lines  {task.fields[rate]}/s") as progress:
        total = sum(path.stat().st_size for path in files)
        bar = progress.add_task("import", total=total, lines=0, rate=0)
        done = 0

        def report_progress(read_bytes: int, counts: LineCounts) -> None:
            elapsed = progress.tasks[0].elapsed or 1
            progress.update(bar, completed=done + read_bytes, lines=counts.lines, rate=round(counts.lines / elapsed))

        if mapped is not None:
            await mapped.take(wiring, report, report_progress)
            return
        run = ImportRun(wiring.graph, report, report_progress, source, user())
        for path, file in inputs:
            progress.update(bar, description=path.name)
            await run.run(path, file)
            done += path.stat().st_size
            progress.update(bar, completed=done)


def backfill(
    files: Files,
    source: Source = "",
    report: ReportFile = None,
    allow_rejected: AllowRejected = 0,
    delimiter: Delimiter = "",
    encoding: Encoding = "",
    ignore_columns: IgnoreColumns = "",
    import_files: ImportFiles = None,
    store: Store = None,
    rules: Rules = None,
) -> None:
    """Load a whole history into an empty store; exit status as `kith import`. Run it again to continue if stopped."""
    try:
        from service.ingest import backfill as bulk
    except ImportError as error:
        message = "kith backfill requires the extra `bulk`: from a checkout, pip install '.[bulk]'"
        raise InvalidInput("MISSING_EXTRA", f"{message} (missing: {error.name})") from error
    options = _read_options(delimiter, encoding, ignore_columns)
    lines_report = Report.beside(files, report)
    settings = settings_module.load(store=store, rules=rules)
    make: Callable[..., bulk.Backfill] = bulk.Backfill
    opened = settings
    if import_files is not None:
        from service.ingest import import_files as offline

        opened = offline.settings_of_rest(settings, import_files)
        offline.prepare_folder(import_files)
        make = partial(offline.FileBackfill, folder=import_files)
    lines_report.delete_earlier()
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

        decision_log = CommandDecisionLog(settings)

        def load(wiring: Wiring) -> Awaitable[bulk.Backfill]:
            wiring.graph.decision_log = decision_log
            return bulk.run(
                wiring,
                files,
                lines_report,
                report_progress,
                source,
                options,
                lambda path, file: print_findings(path, file.findings),
                user(),
                make,
            )

        try:
            run = run_with_wiring(opened, load, prepare=False)
        finally:
            decision_log.close()
    if import_files is not None:
        cast("offline.FileBackfill", run).complete()
    print_summary(run.counts)
    console.print(f"{run.customers} customers with {run.identifiers} identifiers, {run.links} links")
    if import_files is not None:
        console.print(
            f"wrote {import_files}; there, and with the database stopped, run: {offline.IMPORT_COMMAND}", soft_wrap=True
        )
    _end(lines_report, allow_rejected, _options_again(source, ignore_columns, store, rules))


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


def _stop(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)
