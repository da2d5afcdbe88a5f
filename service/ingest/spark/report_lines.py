"""The result of each line of a history: counts, and the entries of the report in the order of the lines."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as sql

from graph.domain.model.erasures import HeldOrder
from service.ingest.line_collector import CONFLICT
from service.ingest.located import located
from service.ingest.raw_lines import RawLine
from service.ingest.report import Report
from service.ingest.spark.files import History
from service.ingest.spark.reading import ROW_BITS, Lines, decode_rest
from service.ingest.spark.statements import conflicting_lines


@dataclass(slots=True)
class LineResults:
    """What the lines have beside their rows: consent texts, in order, and the newest reports of held orders."""

    texts: dict[str, None] = field(default_factory=dict)
    held_orders: dict[str, HeldOrder] = field(default_factory=dict)


def report_lines(history: History, lines: Lines, repeats: DataFrame, report: Report) -> LineResults:
    """Count the lines and write the report, as `LineCollector` does."""
    results = LineResults()
    _count(lines, repeats, report)
    notable = lines.placed.where("rest is not null")
    # The content of a line is not kept: it is read again for those lines of which the report shows it.
    columns = "file", "block", "seq", "line", "number", "rest"
    for file, number, content, packed in _with_contents(history, notable.select(*columns)):
        path, rest = Path(history.files[file].name), decode_rest(packed or b"")
        line = RawLine(number, 0, content)
        if rest.text:
            results.texts[rest.text] = None
        for order in rest.held:
            newest = results.held_orders.setdefault(order.hash, order)
            if order.reported_at > newest.reported_at:
                results.held_orders[order.hash] = order
        if rest.problem is not None:
            report.reject(path, line, located(rest.problem, line))
        for identifier in rest.dropped:
            report.drop(path, number, identifier)
    conflicts = lines.placed.join(conflicting_lines(repeats), "line", "left_semi")
    for file, number, content, _ in _with_contents(history, conflicts.select(*columns)):
        report.reject(Path(history.files[file].name), RawLine(number, 0, content), CONFLICT)
    report.flush()
    return results


def _with_contents(history: History, chosen: DataFrame) -> Iterator[tuple[int, int, bytes, bytes | None]]:
    """Yield file, number, content and rest of chosen lines, in their order."""
    if chosen.isEmpty():
        return
    contents = history.lines().join(chosen, ["file", "block", "seq"])
    for row in contents.orderBy("line").select("file", "number", "content", "rest").toLocalIterator():
        file, number, content, rest = row
        yield file, number, bytes(content), None if rest is None else bytes(rest)


def _count(lines: Lines, repeats: DataFrame, report: Report) -> None:
    counts = report.counts
    counts.blank += lines.blank
    each = lines.read.select("notes", (sql.col("is_valid") & (sql.size("rows") > 0)).alias("valid"))
    # One pass: a line without notes has one row, without a note.
    noted = each.select("valid", sql.posexplode_outer("notes").alias("at", "note"))
    firsts = sql.count_if(sql.col("valid") & (sql.coalesce("at", sql.lit(0)) == 0))
    of_notes = noted.groupBy("note").agg(firsts, sql.count("*")).collect()
    for note, _, count in sorted(row for row in of_notes if row[0] is not None):
        counts.time_notes[note] = counts.time_notes.get(note, 0) + count
    valid = sum(number for _, number, _ in of_notes)
    is_first = sql.col("position").bitwiseAND(sql.lit((1 << ROW_BITS) - 1)) == 0
    by_line = (
        repeats.where("line_is_valid")
        .groupBy(sql.shiftright("position", ROW_BITS))
        .agg(
            sql.bool_or("conflicting").alias("conflicts"),
            sql.bool_or(is_first & ~sql.col("conflicting")).alias("repeats"),
        )
    )
    conflicts = sql.count_if("conflicts")
    conflicting, duplicates = by_line.agg(conflicts, sql.count_if(sql.expr("repeats and not conflicts"))).collect()[0]
    counts.duplicates += duplicates
    counts.accepted += valid - conflicting - duplicates
