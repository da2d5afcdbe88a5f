"""Parse lines of files in several processes.

Each process pays in time and memory for every module that this one imports, so it imports no store and no arrays.
"""

import multiprocessing
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from types import TracebackType
from typing import Any, Self

from graph.bulk.spool import Row
from graph.commands.bulk_suppression import BulkSuppression
from graph.domain.commands import Terms, command
from graph.domain.model.erasures import HeldOrder
from graph.domain.model.errors import Problem
from graph.domain.model.observations import REJECTED_BY_RULES
from graph.domain.model.products import Product
from graph.domain.model.rules import DroppedIdentifier, Rules
from graph.domain.profile.consents import ConsentStatement
from graph.domain.resolution.preparation import receipt_of
from service.config import rules_file
from service.ingest.raw_lines import LineContent, RawLine
from service.ingest.records import parse_record
from service.runtime.children import exit_after

CHUNK_LINES = 2_000
"""Lines that are sent to a process at a time."""
CHUNKS_AHEAD = 4
"""Chunks that wait for each process, so that every process has work and memory stays bounded."""


@dataclass(slots=True)
class LineReader:
    """Parses lines. It holds everything that the result depends on, and is sent to each process once."""

    rules_text: str
    terms: Terms
    now: int
    source: str
    suppression: BulkSuppression = field(default_factory=BulkSuppression)
    _rules: Rules | None = None

    @property
    def rules(self) -> Rules:
        """Return the rules, which are parsed once."""
        if self._rules is None:
            self._rules = rules_file.parse(self.rules_text)
        return self._rules

    def read_line(self, content: LineContent) -> "LineResult":
        """Parse the content of a line, and normalize it under the rules."""
        record = parse_record(content, self.source)
        notes = tuple(note.value for note in record.notes)
        if isinstance(record.statement, Problem):
            return (), record.statement, (), notes, "", ()
        if isinstance(record.statement, Product):
            return (), PRODUCT_NOT_LOADED, (), notes, "", ()
        sent = command(record.statement, self.rules, self.terms, self.now)
        if isinstance(sent, Problem):
            return (), sent, (), notes, "", ()
        rejected = sent.normalized.rejected
        if rejected is not None and rejected.code not in REJECTED_BY_RULES:
            return (), rejected, (), notes, "", ()
        own, held = self.suppression.applied(sent, self.rules)
        if isinstance(own, Problem):
            return (), own, (), notes, "", held
        # Nothing follows from a line that the rules reject.
        stored = [own] if rejected is not None else [own, *own.derived]
        # Plain tuples are sent between processes faster than named tuples.
        rows = tuple(tuple(Row.of(receipt_of(item))) for item in stored)
        dropped = () if rejected is not None else own.normalized.dropped
        text = record.statement.policy_text if isinstance(record.statement, ConsentStatement) else ""
        return rows, rejected, dropped, notes, text, held


LineResult = tuple[
    tuple[tuple[Any, ...], ...],
    Problem | None,
    tuple[DroppedIdentifier, ...],
    tuple[str, ...],
    str,
    tuple[HeldOrder, ...],
]
"""The rows of a line that are to be stored, the problem of the line, its dropped identifiers, notes on its times, the
consent text that it contains, and the held orders that it changes.

The first row is the line's own; others follow from it. A line that the rules reject has a row and a problem: it is
stored, so that other rules can accept it later.
"""
PRODUCT_NOT_LOADED = Problem(
    "INVALID_LINE", "is a product, which a backfill does not load; use `kith import` for it afterwards"
)

_reader: LineReader | None = None


def _initialize_worker(reader: LineReader) -> None:
    global _reader
    _reader = reader
    parent = multiprocessing.parent_process()
    if parent is not None:
        # The pool's pipes have ends in every reader, so a reader would wait forever for a parent that was killed.
        exit_after(parent.join)


def _read_chunk(contents: Sequence[LineContent]) -> list[LineResult]:
    if _reader is None:
        raise RuntimeError("the process has no reader: _initialize_worker was not called")
    return [_reader.read_line(content) for content in contents]


class ReaderPool:
    """Processes that parse lines. As a context manager it ends them."""

    def __init__(self, reader: LineReader, processes: int) -> None:
        self._processes = processes
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(processes, context, initializer=_initialize_worker, initargs=(reader,))

    def __enter__(self) -> Self:
        self._pool.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.__exit__(kind, error, trace)

    def read(self, lines: Iterator[RawLine]) -> Iterator[tuple[list[RawLine], list[LineResult]]]:
        """Yield chunks of lines with their results, in the order of the lines."""
        running: deque[tuple[list[RawLine], Future[list[LineResult]]]] = deque()
        while True:
            chunk = list(islice(lines, CHUNK_LINES))
            if chunk:
                # The contents are sent faster without the objects around them.
                running.append((chunk, self._pool.submit(_read_chunk, [line.value for line in chunk])))
            if running and (not chunk or len(running) >= self._processes * CHUNKS_AHEAD):
                done, future = running.popleft()
                yield done, future.result()
            elif not chunk:
                return
