"""`kith import`: files in, and what became of their lines; and what `kith backfill` shares with it."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from service.bootstrap import Wiring
from service.cli import dry_run
from service.cli.connector_source import chosen_source
from service.cli.decision_log import CommandDecisionLog
from service.cli.ingest_summary import print_findings, print_report, print_summary
from service.cli.mapped_import import MappedFiles
from service.cli.operator import user
from service.cli.shared import Rules, Store, errors, run_with_wiring
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
    options = read_options(delimiter, encoding, ignore_columns)
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
    end(lines_report, allow_rejected, options_again(source, ignore_columns, store, rules, mapping))


def read_options(delimiter: str, encoding: str, ignore_columns: str) -> ReadOptions:
    """Return how files are to be read, from the options of a command."""
    # A name with a comma is in quotes, as in CSV.
    names = next(csv.reader([ignore_columns], skipinitialspace=True), [])
    return ReadOptions(delimiter, encoding, frozenset(name.strip() for name in names if name.strip()))


def options_again(
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


def end(report: Report, allow_rejected: int, options: Sequence[str]) -> None:
    """Say where the report is, and end the command."""
    report.close()
    print_report(report, options)
    if report.counts.rejected > allow_rejected:
        raise typer.Exit(1)


def progress_bars(details: str = "") -> Progress:
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
    with progress_bars("  {task.fields[lines]} lines  {task.fields[rate]}/s") as progress:
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
