"""Import files in batches for `kith import`, several batches at a time. Rejected lines go to a report."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import orjson

from graph.commands.commit import Accepted, CommandResult, Rejected
from graph.domain.model.errors import Problem, TemporaryFailure
from graph.domain.model.observations import Observation
from graph.domain.model.orders import OrderStatement
from graph.domain.profile.attributes import AttributesStatement
from graph.domain.profile.consents import ConsentStatement
from graph.domain.profile.external_segments import ExternalSegmentStatement
from graph.domain.profile.interactions import InteractionStatement
from graph.identity_graph import IdentityGraph
from service.ingest.records import Record, read_records

BATCH_SIZE = 500
MAX_BATCHES_IN_FLIGHT = 3
"""Batches in progress at the same time: one in the database, one waiting, one being read."""


@dataclass(slots=True)
class LineCounts:
    """How many lines had which result so far."""

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    dropped: int = 0
    merges: int = 0
    by_code: dict[str, int] = field(default_factory=dict)

    def reject(self, problem: Problem) -> None:
        """Count a rejected line."""
        self.rejected += 1
        self.by_code[problem.code] = self.by_code.get(problem.code, 0) + 1

    @property
    def lines(self) -> int:
        """Return the number of lines read."""
        return self.accepted + self.duplicates + self.rejected


@dataclass(slots=True)
class RejectionReport:
    """The file of rejected lines with their reasons. It is created with the first rejected line."""

    path: Path
    _out: TextIO | None = None

    def reject(self, path: Path, line: int, problem: Problem) -> None:
        """Write a rejected line."""
        if self._out is None:
            self._out = self.path.open("w", encoding="utf-8")
        row = {"file": str(path), "line": line, "code": problem.code, "reason": problem.message, "path": problem.path}
        self._out.write(orjson.dumps(row).decode() + "\n")

    def flush(self) -> None:
        """Write buffered lines to disk."""
        if self._out is not None:
            self._out.flush()


@dataclass(slots=True)
class ImportRun:
    """Imports files into a graph. It is safe to stop at any moment and to run again."""

    graph: IdentityGraph
    report: RejectionReport
    progress: Callable[[int, LineCounts], None]
    source: str = ""
    counts: LineCounts = field(default_factory=LineCounts)

    async def run(self, path: Path) -> None:
        """Import one file, and call `progress` after each batch with the bytes read and the counts."""
        running: set[asyncio.Task[None]] = set()
        batch: list[Record] = []
        try:
            for record in read_records(path, self.graph.rules, self.source):
                # All records of a batch are of one kind, so that it keeps the order of the lines.
                if batch and (len(batch) == BATCH_SIZE or _kind(record) != _kind(batch[0])):
                    await self._start(running, path, batch)
                    batch = []
                batch.append(record)
            if batch:
                await self._start(running, path, batch)
            while running:
                await self._wait_for_a_batch(running)
        finally:
            for task in running:
                task.cancel()
            self.report.flush()

    async def _start(self, running: set[asyncio.Task[None]], path: Path, batch: list[Record]) -> None:
        running.add(asyncio.create_task(self._import(path, batch)))
        if len(running) >= MAX_BATCHES_IN_FLIGHT:
            await self._wait_for_a_batch(running)

    async def _wait_for_a_batch(self, running: set[asyncio.Task[None]]) -> None:
        done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            running.discard(task)
            task.result()

    async def _import(self, path: Path, batch: list[Record]) -> None:
        results = await self._send(batch)
        for record, result in zip(batch, results, strict=True):
            match result:
                case Rejected(problem):
                    self.counts.reject(problem)
                    self.report.reject(path, record.line, problem)
                case Accepted():
                    self.counts.duplicates += result.duplicate
                    self.counts.accepted += not result.duplicate
                    self.counts.dropped += len(result.dropped_identifiers)
                    self.counts.merges += len(result.merges)
        self.progress(batch[-1].read_bytes, self.counts)

    async def _send(self, batch: list[Record]) -> list[CommandResult]:
        pause = 0.5
        while True:
            try:
                return await self._recorder(_kind(batch[0]))([record.content for record in batch])
            except TemporaryFailure:
                # The batch may have been stored; sending it again is idempotent.
                if pause > 30:
                    raise
                await asyncio.sleep(pause)
                pause *= 2

    def _recorder(self, kind: type) -> Callable[[list[Any]], Awaitable[list[CommandResult]]]:
        """Return the method of the graph that records contents of a kind."""
        graph = self.graph
        recorders: dict[type, Callable[[list[Any]], Awaitable[list[CommandResult]]]] = {
            Observation: graph.link,
            OrderStatement: graph.record_orders,
            AttributesStatement: graph.record_attributes,
            ConsentStatement: graph.record_consents,
            InteractionStatement: graph.record_interactions,
            ExternalSegmentStatement: graph.record_external_segments,
        }
        return recorders[kind]


def _kind(record: Record) -> type:
    return Observation if isinstance(record.content, Observation | Problem) else type(record.content)
