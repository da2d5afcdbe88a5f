"""Collect the lines that a backfill reads: their rows for resolution, and the result of each line."""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from graph.bulk.collect import Collected, Collector
from graph.bulk.spool import Row
from graph.domain.model.erasures import HeldOrder
from graph.domain.model.errors import Problem
from service.ingest.located import located
from service.ingest.parallel_reader import LineResult
from service.ingest.raw_lines import RawLine
from service.ingest.report import Report

CONFLICT = Problem("ID_CONFLICT", "already exists with other content", ("id",))


def _integers() -> "array[int]":
    return array("q")


@dataclass(slots=True)
class LineCollector:
    """Collects lines one by one. Which of them repeat or contradict an earlier line is known when all are collected."""

    collector: Collector
    report: Report
    texts: dict[str, None] = field(default_factory=dict)
    """The consent texts of the lines."""
    held_orders: dict[str, HeldOrder] = field(default_factory=dict)
    """The newest reports of held orders, by hash."""
    _files: "array[int]" = field(default_factory=_integers)
    _numbers: "array[int]" = field(default_factory=_integers)
    _file_rows: "array[int]" = field(default_factory=_integers)
    _is_valid: "array[int]" = field(default_factory=_integers)
    _first_row: "array[int]" = field(default_factory=_integers)
    """The row of each line that is its own."""
    _line_of_row: "array[int]" = field(default_factory=_integers)

    def add(self, index: int, path: Path, line: RawLine, result: LineResult) -> None:
        """Add the next line of the file with an index and a path."""
        rows, problem, dropped, notes, text, held_orders = result
        if text:
            self.texts[text] = None
        for order in held_orders:
            newest = self.held_orders.setdefault(order.hash, order)
            if order.reported_at > newest.reported_at:
                self.held_orders[order.hash] = order
        if notes:
            self.report.counts.note(notes)
        if problem is not None:
            self.report.reject(path, line, located(problem, line))
        for identifier in dropped:
            self.report.drop(path, line.line, identifier)
        if rows:
            self._first_row.append(len(self._line_of_row))
            self._files.append(index)
            self._numbers.append(line.line)
            self._file_rows.append(line.rows)
            self._is_valid.append(problem is None)
        for values in rows:
            self.collector.add(Row._make(values))
            self._line_of_row.append(len(self._files) - 1)

    def finish(self) -> tuple[Collected, Mapping[int, frozenset[int]]]:
        """Return the rows, and the numbers of the lines that contradict an earlier line by the index of their file.

        Those lines are not counted yet: their content, which the report needs, must be read again.
        """
        collected = self.collector.finish()
        valid = _as_numbers(self._is_valid).astype(bool)
        duplicate = collected.duplicate[_as_numbers(self._first_row)]
        conflicting = np.zeros(len(valid), np.bool_)
        # A line conflicts if any of its rows does.
        conflicting[_as_numbers(self._line_of_row)[collected.conflicting]] = True
        conflicting &= valid
        # Nothing follows from a line that is not stored. Rows that follow from a line are decisions, of which the
        # collector computes nothing else.
        skipped = conflicting[_as_numbers(self._line_of_row)]
        skipped[_as_numbers(self._first_row)] = False
        collected.conflicting[skipped] = True
        collected.valid[skipped] = False
        file_rows = _as_numbers(self._file_rows)
        counts = self.report.counts
        counts.duplicates += int(file_rows[valid & duplicate & ~conflicting].sum())
        counts.accepted += int(file_rows[valid & ~duplicate & ~conflicting].sum())
        numbers: dict[int, set[int]] = {}
        for at in conflicting.nonzero()[0].tolist():
            numbers.setdefault(self._files[at], set()).add(self._numbers[at])
        return collected, {index: frozenset(lines) for index, lines in numbers.items()}


def _as_numbers(values: "array[int]") -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.frombuffer(values, np.int64)
