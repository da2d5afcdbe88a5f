"""Lines of files, read by several processes. What these load is paid for by each: no store, no arrays."""

import multiprocessing
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from types import TracebackType
from typing import Any, Self

from graph.bulk.spool import Row
from graph.domain.commands import Terms, command
from graph.domain.model.errors import Problem
from graph.domain.model.observations import REFUSED_BY_RULES
from graph.domain.model.rules import Rules
from graph.domain.resolution.intake import receipt_of
from service.config import rules_file
from service.ingest.files import Raw, Value
from service.ingest.records import read

LINES = 2_000
"""Lines that a process reads at a time."""
AHEAD = 4
"""Such chunks that wait for each process, so that none is idle and memory stays bounded."""


@dataclass(slots=True)
class Reader:
    """What a process needs to read lines: everything that tells what they come to."""

    rules_text: str
    terms: Terms
    now: int
    source: str
    _rules: Rules | None = None

    @property
    def rules(self) -> Rules:
        """The rules, read once."""
        if self._rules is None:
            self._rules = rules_file.parse(self.rules_text)
        return self._rules

    def made(self, value: Value) -> "Made":
        """What the value of a line comes to."""
        statement = read(value, self.source)
        found = statement if isinstance(statement, Problem) else command(statement, self.rules, self.terms, self.now)
        if isinstance(found, Problem):
            return None, found
        refused = found.outcome.refused
        if refused is not None and refused.code not in REFUSED_BY_RULES:
            return None, refused
        # Plain tuples cross between processes faster than named ones.
        return tuple(Row.of(receipt_of(found), len(found.outcome.dropped))), refused


Made = tuple[tuple[Any, ...] | None, Problem | None]
"""A line's row, if there is something to be stored, and what is wrong with it."""

_reader: Reader | None = None


def _begin(reader: Reader) -> None:
    global _reader
    _reader = reader


def _work(values: Sequence[Value]) -> list[Made]:
    if _reader is None:
        raise RuntimeError("the process was not begun")
    return [_reader.made(value) for value in values]


class Readers:
    """Processes that read lines; a context manager that ends them."""

    def __init__(self, reader: Reader, processes: int) -> None:
        self._processes = processes
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(processes, context, initializer=_begin, initargs=(reader,))

    def __enter__(self) -> Self:
        self._pool.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.__exit__(kind, error, trace)

    def read(self, lines: Iterator[Raw]) -> Iterator[tuple[list[Raw], list[Made]]]:
        """Lines and what they come to, some at a time, in their order."""
        running: deque[tuple[list[Raw], Future[list[Made]]]] = deque()
        while True:
            chunk = list(islice(lines, LINES))
            if chunk:
                # Objects of ours would cross more slowly than what is in them.
                running.append((chunk, self._pool.submit(_work, [one.value for one in chunk])))
            if running and (not chunk or len(running) >= self._processes * AHEAD):
                done, future = running.popleft()
                yield done, future.result()
            elif not chunk:
                return
