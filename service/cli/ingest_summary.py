"""What `kith import` and `kith backfill` print: findings of files, counts of lines, and where the report is."""

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.markup import escape

from graph.domain.model.times import TimeNote
from service.cli.shared import console
from service.ingest.counts import LineCounts, counts_text
from service.ingest.report import Report


def print_findings(path: Path, findings: Iterable[str]) -> None:
    """Print what was found out about a file before it is read."""
    if found := "; ".join(findings):
        console.print(escape(f"{path.name}: {found}"), soft_wrap=True)


def print_summary(counts: LineCounts, more: str = "") -> None:
    """Print how many lines had which result, what was assumed about times, and `more` behind the first of these."""
    suppressed = f", {counts.suppressed} suppressed" if counts.suppressed else ""
    ignored = f", {counts.ignored} ignored" if counts.ignored else ""
    console.print(
        f"{counts.accepted} lines accepted, {counts.duplicates} duplicates, {counts.rejected} rejected, "
        f"{counts.blank} blank{suppressed}{ignored}; {counts.dropped} identifiers dropped{more}",
        soft_wrap=True,
    )
    if counts.time_notes:
        console.print(
            ", ".join(_note(text, count) for text, count in sorted(counts.time_notes.items())), soft_wrap=True
        )


def print_large(sizes: Sequence[int], report: Report) -> None:
    """Print that there are components of such sizes, and where it is what holds each of them together."""
    if sizes:
        count = "1 component has" if len(sizes) == 1 else f"{len(sizes)} components have"
        text = f"{count} up to {max(sizes)} identifiers; {report.path} names what holds each of them together"
        console.print(escape(text), soft_wrap=True)


def _note(text: str, count: int) -> str:
    if text == TimeNote.DATE_ALONE.value:
        dates = f"{count} date had" if count == 1 else f"{count} dates had"
        return f"{dates} no time of day: 00:00 UTC was assumed"
    return f"{count} time was {text}" if count == 1 else f"{count} times were {text}"


def print_report(report: Report, options: Sequence[str] = ()) -> None:
    """Print the codes of what is in the report, and where it is. Without a report, print nothing.

    `options` are those with which its lines are to be read again.
    """
    if not report.is_written:
        return
    counts = report.counts
    parts = [
        f"{name} ({counts_text(codes)})"
        for name, codes in (
            ("rejected lines", counts.rejected_by_code),
            ("dropped identifiers", counts.dropped_by_code),
        )
        if codes
    ]
    if counts.suppressed:
        parts.append(f"suppressed lines ({counts.suppressed})")
    console.print(escape(f"{' and '.join(parts)} are in {report.path}"), soft_wrap=True)
    if counts.rejected:
        command = shlex.join(["kith", "import", str(report.path), *options])
        text = f"correct the rejected lines there and read them again: {command}"
        console.print(escape(text), soft_wrap=True)
