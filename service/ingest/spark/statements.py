"""Which rows count: step 1 of the resolution rule, as `graph.bulk.collect` decides it for one machine."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as sql

from graph.domain.model.orders import keeps_identifiers, precedence, reports_in_effect
from graph.domain.model.receipts import ObservationStatus
from service.ingest.spark.frames import Tables, Values, map_groups
from service.ingest.spark.reading import ROW_BITS, Lines

_DIGEST_LETTERS = 15
"""The end of a digest that is compared: a keyed digest begins with a word."""
REPORTS = "order_key string, position bigint, is_best boolean, superseded boolean"


def find_repeats(lines: Lines, tables: Tables) -> DataFrame:
    """Return the positions of rows that repeat an earlier (source, id): `conflicting` ones have other content."""
    digest = sql.right("digest", sql.lit(_DIGEST_LETTERS)).alias("digest")
    rows = lines.rows().select("position", "line_is_valid", "source", "id", digest)
    earliest = sql.min(sql.struct("position", "digest")).over(Window.partitionBy("source", "id"))
    later = rows.withColumn("_first", earliest).where("position > _first.position")
    later = later.withColumn("conflicting", sql.expr("digest != _first.digest"))
    return tables.write("repeats", later.select("position", "line_is_valid", "conflicting"))


def conflicting_lines(repeats: DataFrame) -> DataFrame:
    """Return the numbers of the valid lines of which a row conflicts."""
    line = sql.shiftright("position", ROW_BITS).alias("line")
    return repeats.where("conflicting and line_is_valid").select(line).distinct()


def decide_rows(lines: Lines, repeats: DataFrame, tables: Tables) -> DataFrame:
    """Return the rows with `skipped` ones, which are not stored, and `valid` ones, which support links."""
    conflicts = conflicting_lines(repeats).withColumn("_in_conflict", sql.lit(True))
    repeated = repeats.select("position", sql.lit(True).alias("_repeated"))
    rows = lines.rows().join(repeated, "position", "left").withColumn("line", sql.shiftright("position", ROW_BITS))
    rows = rows.join(conflicts, "line", "left")
    # Nothing follows from a line that is not stored.
    follows = sql.col("_in_conflict").isNotNull() & (sql.col("position").bitwiseAND(sql.lit((1 << ROW_BITS) - 1)) > 0)
    skipped = sql.col("_repeated").isNotNull() | follows
    rows = rows.withColumn("skipped", skipped)
    rows = rows.withColumn("valid", (sql.col("status") == ObservationStatus.VALID.value) & ~sql.col("skipped"))
    return tables.write("rows", rows.drop("_repeated", "_in_conflict", "line", "line_is_valid"))


def decide_reports(rows: DataFrame, tables: Tables) -> DataFrame:
    """Return the valid reports of orders: those whose facts are in effect are `is_best`."""
    reports = rows.where("valid and array_contains(keys, order_key)")
    # The facts say whether a report without other identifiers keeps those of earlier ones.
    facts = sql.when(sql.size("keys") == 1, sql.col("facts")).otherwise("").alias("facts")
    slim = reports.select("order_key", "position", "source", "tier", "reported_at", "id", "keys", facts)
    return tables.write("reports", map_groups(slim, ["order_key"], ["reported_at", "id"], best_reports, REPORTS))


def best_reports(key: Sequence[Any], rows: Iterator[Values]) -> Iterable[Values]:
    """Decide which reports of one order are in effect, given oldest first."""
    by_source: dict[str, list[Values]] = {}
    for row in rows:
        by_source.setdefault(row[2], []).append(row)
    ranked: list[tuple[tuple[bool, int, int, str], int]] = []
    superseded: set[int] = set()
    for source, reports in by_source.items():
        in_effect = {report[1] for report in reports_in_effect(reports, _keeps)}
        superseded.update(report[1] for report in reports if report[1] not in in_effect)
        _, position, _, tier, reported_at, *_ = reports[-1]
        ranked.append((precedence(source, tier, reported_at), position))
    best = min(ranked)[1]
    for reports in by_source.values():
        for report in reports:
            yield key[0], report[1], report[1] == best, report[1] in superseded


def _keeps(report: Values) -> bool:
    *_, keys, facts = report
    return len(keys) == 1 and keeps_identifiers(keys, facts)


def evidence_rows(rows: DataFrame, reports: DataFrame) -> DataFrame:
    """Return the rows that count as evidence, and which of them stored rows are superseded."""
    replaced = reports.where("superseded").select("position", "superseded")
    return rows.join(replaced, "position", "left").withColumn("superseded", sql.col("superseded").isNotNull())
