"""Lines of a history to rows, by the same functions as `kith backfill`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Struct
from pyspark.sql import DataFrame
from pyspark.sql import functions as sql

from graph.bulk.spool import Row
from graph.domain.model.erasures import HeldOrder
from graph.domain.model.errors import Problem
from graph.domain.model.facts import FactKind
from graph.domain.model.rules import DroppedIdentifier
from service.ingest.bulk_consent_gate import BulkConsentGate
from service.ingest.parallel_reader import LineReader, LineResult
from service.ingest.spark.files import History
from service.ingest.spark.frames import Tables, Values, mapped

ROW_BITS = 16
"""The position of a row has the number of its line above these bits, and its place among those of the line below."""
ROW = (
    "source string, id string, digest string, status string, seen_at bigint, keys array<string>, tier int, "
    "confidence double, sent string, order_key string, reported_at bigint, facts string, kind string, "
    "fact_holders array<string>"
)
"""A receipt: the fields of `graph.bulk.spool.Row`."""
ROW_FIELDS = ", ".join(":".join(field.split()) for field in ROW.split(", "))
READ = (
    "file int, block bigint, seq bigint, blank boolean, is_valid boolean, "
    f"rows array<struct<{ROW_FIELDS}>>, notes array<string>, rest binary"
)
_CONSENT = FactKind.CONSENT.value


class Rest(Struct, frozen=True, array_like=True):
    """What a line has beside its rows, which few lines have."""

    problem: Problem | None
    dropped: tuple[DroppedIdentifier, ...]
    text: str
    held: tuple[HeldOrder, ...]


_encode = msgspec.msgpack.Encoder().encode
decode_rest = msgspec.msgpack.Decoder(Rest).decode
"""Read the rest of a line."""


def _packed(result: LineResult) -> Values:
    rows, problem, dropped, notes, text, held = result
    has_rest = problem is not None or dropped or text or held
    # A sentence is written as the text that it is.
    plain = None if problem is None else Problem(problem.code, str(problem.message), problem.path)
    rest = _encode(Rest(plain, dropped, text, held)) if has_rest else None
    return problem is None, list(rows), list(notes), rest


def _unpacked(is_valid: bool, rows: list[dict[str, Any]], notes: list[str], rest: bytes | None) -> LineResult:
    others = Rest(None, (), "", ()) if rest is None else decode_rest(rest)
    return tuple(map(row_of, rows)), others.problem, others.dropped, tuple(notes), others.text, others.held


def row_of(values: dict[str, Any]) -> Row:
    """Return the row of its columns."""
    row = Row(**values)
    return row._replace(keys=tuple(row.keys), fact_holders=tuple(row.fact_holders))


@dataclass(slots=True)
class Lines:
    """The lines that were read, and the number of lines before each block."""

    read: DataFrame
    placed: DataFrame
    """As `read`, with the number of a line among all lines (`line`, from 0) and in its file (`number`, from 1)."""
    blank: int

    def rows(self) -> DataFrame:
        """Return the rows of the lines by their positions, which are in the order of the lines."""
        each = self.placed.select("line", "is_valid", sql.posexplode("rows").alias("at", "row"))
        position = sql.shiftleft("line", ROW_BITS) + sql.col("at")
        return each.select(position.alias("position"), sql.col("is_valid").alias("line_is_valid"), "row.*")


def read_lines(history: History, reader: LineReader, tables: Tables) -> Lines:
    """Read the lines of files; executors need this package."""

    def parse(rows: Iterator[Values]) -> Iterable[Values]:
        for file, block, seq, content in rows:
            if content.strip():
                yield file, block, seq, False, *_packed(reader.read_line(content))
            else:
                yield file, block, seq, True, True, [], [], None

    read = tables.write("read", mapped(history.lines(), parse, READ))
    if reader.rules.consent_purposes:
        read = tables.write("admitted", _admitted(read, reader))
    blocks = read.groupBy("file", "block").agg(sql.count("*"), sql.count_if("blank")).orderBy("file", "block").collect()
    starts, line, before, current = list[tuple[int, int, int, int]](), 0, 0, -1
    for file, block, size, _ in blocks:
        before = before if file == current else 0
        current = file
        starts.append((file, block, line, before))
        line += size
        before += size
    begins = tables.spark.createDataFrame(starts, "file int, block bigint, _line bigint, _before bigint")
    placed = read.join(sql.broadcast(begins), ["file", "block"])
    placed = placed.withColumn("line", sql.col("_line") + sql.col("seq"))
    placed = placed.withColumn("number", sql.col("_before") + sql.col("seq") + 1)
    return Lines(read, placed.drop("_line", "_before"), sum(blank for *_, blank in blocks))


def _admitted(read: DataFrame, reader: LineReader) -> DataFrame:
    """Return the lines without identifiers that lack a consent. The decisions of all lines are sent to executors."""
    gate = BulkConsentGate(reader.rules, reader.now)
    decisions = read.where(sql.exists("rows", lambda row: row["kind"] == _CONSENT))
    for (rows,) in decisions.orderBy("file", "block", "seq").select("rows").toLocalIterator():
        gate.add((tuple(row_of(row.asDict()) for row in rows), None, (), (), "", ()))

    def admit(lines: Iterator[Values]) -> Iterable[Values]:
        for file, block, seq, blank, is_valid, rows, notes, rest in lines:
            yield file, block, seq, blank, *_packed(gate.admitted(_unpacked(is_valid, rows, notes, rest)))

    return mapped(read, admit, READ)
