"""`kith import --as`: files with records of another system, by a mapping."""

from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape

from graph.domain.model.errors import InvalidInput, Problem
from service.bootstrap import SystemClock, Wiring
from service.cli.connector import show_checked
from service.cli.ingest_summary import print_findings, print_summary
from service.cli.operator import user
from service.cli.shared import console
from service.config import rules_file
from service.config.connectors_file import ConnectorSource
from service.connectors.batches import MAX_PAUSE
from service.connectors.check import Judge, check
from service.connectors.file_intake import FileIntake, Progress, count
from service.connectors.intake import Intake, Outcome, Result
from service.connectors.mapping import RecordMapping
from service.connectors.record_files import RecordFile, open_records
from service.ingest.dry_run import PREVIEW_LINES
from service.ingest.raw_lines import ReadOptions
from service.ingest.report import Report


class MappedFiles:
    """Files of one source. Raises `InvalidInput` if one of them cannot be read as a whole: then none is."""

    def __init__(
        self, files: Sequence[Path], source: ConnectorSource, mapping: RecordMapping, options: ReadOptions
    ) -> None:
        if options.ignored_columns:
            message = "--ignore-columns is not for --as: columns that the mapping does not name are not read"
            raise InvalidInput("INVALID_VALUE", message, ("ignore-columns",))
        self._source, self._mapping = source, mapping
        self._files = [(path, open_records(path, mapping, options)) for path in files]

    async def take(self, wiring: Wiring, report: Report, progress: Progress) -> None:
        """Take all records in."""
        intake = Intake(wiring.graph, self._source, self._mapping, user(), keeps_refused=False, is_live=False)
        done = 0
        for path, file in self._files:
            print_findings(path, file.findings)
            taking = FileIntake(intake, report, _after(done, progress), MAX_PAUSE)
            await taking.take(path, file)
            done += path.stat().st_size

    async def check(self, wiring: Wiring, report: Report) -> None:
        """Print what the first records become and which are refused, and store nothing."""
        stored = await wiring.read_rules()
        rules = rules_file.parse(wiring.rules_text if stored is None else stored.text)
        judge = Judge(rules, wiring.graph.terms, SystemClock().now())
        for path, file in self._files:
            print_findings(path, file.findings)
            self._check(path, file, judge, report)
        console.print("dry run: nothing was stored, and conflicts with what is stored are not known", soft_wrap=True)
        print_summary(report.counts)

    def _check(self, path: Path, file: RecordFile, judge: Judge, report: Report) -> None:
        links = "true" if self._source.link_traits else "false"
        own = {**self._source.values, "source": self._source.name, "link_traits": links}
        for number, found in enumerate(file.records()):
            if isinstance(found.record, Problem):
                report.reject(path, found.line, found.record)
                problem: Problem | None = found.record
            else:
                checked = check(self._mapping, found.record, {**found.beside, **own}, judge)
                problem = checked.problem
                if number < PREVIEW_LINES:
                    show_checked(found.line.line, checked)
                result = Result.IGNORED if checked.is_ignored else Result.ACCEPTED
                count(report, path, found.line, found.record, Outcome(result, 0, problem))
            if problem is not None:
                console.print(escape(f"line {found.line.line}: {problem.code}: {problem.message}"), soft_wrap=True)
        report.counts.blank += file.blank
        report.flush()


def _after(done: int, progress: Progress) -> Progress:
    """Return the progress of a file behind others of so many bytes."""
    return lambda read_bytes, counts: progress(done + read_bytes, counts)
