"""`kith watch`: files that appear in a folder in, such as those that other systems upload by SFTP."""

import asyncio
import logging
import math
from pathlib import Path
from typing import Annotated

import typer

from graph.domain.model.errors import InvalidInput
from service.bootstrap import Wiring
from service.cli.connector_source import MappingName, Source, chosen_source, run_until_stopped
from service.cli.ingest import Delimiter, Encoding
from service.cli.operator import user
from service.cli.shared import Rules, Store
from service.config import settings as settings_module
from service.connectors.file_intake import FileIntake
from service.connectors.folder import REPORT, Folder
from service.connectors.intake import Intake
from service.connectors.record_files import open_records
from service.ingest.counts import counts_text
from service.ingest.raw_lines import ReadOptions
from service.ingest.report import Report

log = logging.getLogger("kith.watch")


def watch(
    folder: Annotated[Path, typer.Argument(help="The folder.", exists=True, file_okay=False)],
    source: Source = "",
    mapping: MappingName = "",
    done: Annotated[
        Path | None, typer.Option(file_okay=False, help="Where files go once they are read; without it, FOLDER/done.")
    ] = None,
    failed: Annotated[
        Path | None,
        typer.Option(
            file_okay=False,
            help="Where files go of which records were refused, with a report, and files that cannot be read, with the "
            "reason; without it, FOLDER/failed.",
        ),
    ] = None,
    interval: Annotated[
        float,
        typer.Option(
            min=0.1, max=3600, help="Seconds between two looks. A file is read once two looks find it the same."
        ),
    ] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="End when no file is left; status 1 if one has failed.")] = False,
    delimiter: Delimiter = "",
    encoding: Encoding = "",
    store: Store = None,
    rules: Rules = None,
) -> None:
    """Import files that appear in a folder by a mapping, until the command is stopped. It is safe to stop anytime."""
    settings = settings_module.load(store=store, rules=rules)
    chosen, loaded = chosen_source(settings, source, mapping)
    watched = Folder(folder, done or folder / "done", failed or folder / "failed")
    options = ReadOptions(delimiter, encoding)

    async def work(wiring: Wiring) -> int:
        intake = Intake(wiring.graph, chosen, loaded, user(), is_live=False)
        failures = 0
        while True:
            files = await asyncio.to_thread(watched.look)
            for file in files:
                failures += not await _take(watched, file, intake, options)
            if once and not files and not watched.has_files():
                return failures
            if not files:
                await asyncio.sleep(interval)

    try:
        failures = run_until_stopped(settings, work)
    finally:
        watched.close()
    if failures:
        raise typer.Exit(1)


async def _take(folder: Folder, file: Path, intake: Intake, options: ReadOptions) -> bool:
    """Take one file in and move it away; return whether it could be read and all its records are stored."""
    report = Report(folder.report_of(file))
    report.delete_earlier()
    taking = FileIntake(intake, report, lambda _, __: None, math.inf)
    try:
        opened = await asyncio.to_thread(open_records, file, intake.mapping, options)
        await taking.take(file, opened)
    except (InvalidInput, OSError) as error:
        if isinstance(error, FileNotFoundError):
            log.warning("%s is gone: its sender has taken it away", file.name)
            return True
        place = folder.fail(file, error.message if isinstance(error, InvalidInput) else str(error))
        log.error("%s cannot be read; why is beside it in %s", file.name, place.parent)  # noqa: TRY400
        return False
    finally:
        report.close()
    counts = report.counts
    place = folder.finish(file, bool(counts.rejected))
    log.info(
        "%s: %d records accepted, %d duplicates, %d refused, %d ignored, %d suppressed; moved to %s",
        file.name, counts.accepted, counts.duplicates, counts.rejected, counts.ignored, counts.suppressed, place.parent,
    )  # fmt: skip
    if counts.rejected:
        log.warning("%s: refused: %s; see %s%s", file.name, counts_text(counts.rejected_by_code), place, REPORT)
    return not counts.rejected
