"""Take the records of a file in by a mapping, with a report of those that are refused."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from graph.domain.model.errors import Problem
from service.connectors.batches import Batches, now
from service.connectors.intake import Intake, Outcome, Result
from service.connectors.record_files import RecordFile
from service.ingest.counts import LineCounts
from service.ingest.raw_lines import RawLine
from service.ingest.report import Report

Progress = Callable[[int, LineCounts], None]
"""Gets the bytes of a file that are done, and the counts of all its records so far."""


class FileIntake:
    """Takes files in. It is safe to stop at any moment and to take a file again.

    Records without a time of their own have that of their file, so that reading it again changes nothing.
    """

    def __init__(self, intake: Intake, report: Report, progress: Progress, patience: float) -> None:
        self._intake, self._report, self._progress, self._patience = intake, report, progress, patience

    async def take(self, path: Path, file: RecordFile) -> None:
        """Take the records of a file in. Raises `InvalidInput`, and `TemporaryFailure` if patience ends."""
        counts = self._report.counts

        def settle(line: RawLine, record: Any, outcome: Outcome) -> None:
            count(self._report, path, line, record, outcome)
            self._progress(line.read_bytes, counts)

        changed_at = os.stat(path).st_mtime_ns // 1000
        batches = Batches(self._intake, settle, min(changed_at, now()), self._patience)
        try:
            for found in file.records():
                if isinstance(found.record, Problem):
                    self._report.reject(path, found.line, found.record)
                else:
                    await batches.add(found.line, found.record, found.beside)
            await batches.finish()
            counts.blank += file.blank
        finally:
            batches.cancel()
            self._report.flush()


def count(report: Report, path: Path, line: RawLine, record: Any, outcome: Outcome) -> None:
    """Count a record with its outcome, and write to the report what was not stored of it."""
    if outcome.problem is not None:
        # Its content is the record: a line may hold several.
        report.reject(path, replace(line, value=record), outcome.problem)
        return
    report.counts.accepted += line.rows * (outcome.result is Result.ACCEPTED)
    report.counts.duplicates += line.rows * (outcome.result is Result.DUPLICATE)
    report.counts.ignored += line.rows * (outcome.result is Result.IGNORED)
    for dropped in outcome.dropped:
        report.drop(path, line.line, dropped)
