"""`kith import --dry-run`: read files and print what would become of their lines."""

from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from graph.domain.model.times import iso
from service.bootstrap import SystemClock, Wiring
from service.cli.ingest_summary import print_findings, print_summary
from service.cli.shared import console
from service.config import rules_file
from service.ingest.dry_run import DryRun, LinePreview
from service.ingest.file_formats import open_file
from service.ingest.raw_lines import ReadOptions
from service.ingest.report import Report


async def run(wiring: Wiring, files: Sequence[Path], report: Report, source: str, options: ReadOptions) -> None:
    """Read files under the rules of the store, or those of the settings if the store has none, and print the result."""
    stored = await wiring.read_rules()
    rules = rules_file.parse(wiring.rules_text if stored is None else stored.text)
    inputs = [(path, open_file(path, rules, options)) for path in files]
    dry_run = DryRun(rules, wiring.graph.terms, SystemClock().now(), report, source)
    for path, file in inputs:
        print_findings(path, file.findings)
        if first := dry_run.run(path, file):
            console.print(_table(first))
    for path, line, problem in dry_run.rejected:
        place = f"{path.name} line {line}" if len(files) > 1 else f"line {line}"
        console.print(escape(f"{place}: {problem.code}: {problem.message}"), soft_wrap=True)
    configured = "the configured rules file" if wiring.rules_configured else "the default rules"
    origin = configured if stored is None else f"version {stored.version} of the store's rules"
    text = f"dry run under {origin}: nothing was stored, and conflicts with what is stored are not known"
    console.print(text, soft_wrap=True)
    print_summary(dry_run.counts)


def _table(previews: Sequence[LinePreview]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("line", "kind", "source", "time"):
        table.add_column(column, no_wrap=True)
    table.add_column("identifiers, and what is dropped or rejected", overflow="fold")
    for preview in previews:
        rejected = [] if preview.problem is None else [f"rejected: {preview.problem.code}"]
        dropped = [f"dropped: {dropped.namespace}={dropped.value} {dropped.reason}" for dropped in preview.dropped]
        cells = (
            str(preview.line),
            preview.kind,
            preview.source,
            "" if preview.seen_at is None else iso(preview.seen_at),
            "\n".join((*preview.keys, *dropped, *rejected)),
        )
        table.add_row(*map(Text, cells))
    return table
