"""Import files in batches for `kith import`, several batches at a time. Rejected lines go to a report."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from graph.commands.commit import Accepted, CommandResult, Rejected
from graph.domain.commands import SourceStatement
from graph.domain.model.errors import Problem, TemporaryFailure
from graph.domain.model.observations import Observation
from graph.domain.model.orders import OrderStatement
from graph.domain.model.products import Product
from graph.domain.profile.attributes import AttributesStatement
from graph.domain.profile.consents import ConsentStatement
from graph.domain.profile.external_segments import ExternalSegmentStatement
from graph.domain.profile.interactions import InteractionStatement
from graph.identity_graph import IdentityGraph
from service.ingest.counts import LineCounts
from service.ingest.file_formats import InputFile
from service.ingest.located import located
from service.ingest.raw_lines import RawLine
from service.ingest.records import parse_record
from service.ingest.report import Report

BATCH_SIZE = 500
MAX_BATCHES_IN_FLIGHT = 3
"""Batches in progress at the same time: one in the database, one waiting, one being read."""

Batch = list[tuple[RawLine, SourceStatement | Product]]
"""Lines of a file with their statements, which are all of one kind."""


@dataclass(slots=True)
class ImportRun:
    """Imports files into a graph. It is safe to stop at any moment and to run again."""

    graph: IdentityGraph
    report: Report
    progress: Callable[[int, LineCounts], None]
    source: str = ""
    caller: str = ""
    """Who imports them, stored with each statement."""

    @property
    def counts(self) -> LineCounts:
        """The counts of the lines so far."""
        return self.report.counts

    async def run(self, path: Path, file: InputFile) -> None:
        """Import one file, and call `progress` after each batch with the bytes read and the counts."""
        running: set[asyncio.Task[None]] = set()
        batch: Batch = []
        read_bytes = 0
        try:
            for line in file.lines():
                read_bytes = line.read_bytes
                record = parse_record(line.value, self.source)
                if record.notes:
                    self.counts.note(note.value for note in record.notes)
                statement = record.statement
                if isinstance(statement, Problem):
                    self.report.reject(path, line, located(statement, line))
                    continue
                # All statements of a batch are of one kind, so that it keeps the order of the lines.
                if batch and (len(batch) == BATCH_SIZE or type(statement) is not type(batch[0][1])):
                    await self._start(running, path, batch)
                    batch = []
                batch.append((line, statement))
            if batch:
                await self._start(running, path, batch)
            while running:
                await self._wait_for_a_batch(running)
            self.counts.blank += file.blank
            self.progress(read_bytes, self.counts)
        finally:
            for task in running:
                task.cancel()
            self.report.flush()

    async def _start(self, running: set[asyncio.Task[None]], path: Path, batch: Batch) -> None:
        running.add(asyncio.create_task(self._import(path, batch)))
        if len(running) >= MAX_BATCHES_IN_FLIGHT:
            await self._wait_for_a_batch(running)

    async def _wait_for_a_batch(self, running: set[asyncio.Task[None]]) -> None:
        done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            running.discard(task)
            task.result()

    async def _import(self, path: Path, batch: Batch) -> None:
        for (line, _), result in zip(batch, await self._send(batch), strict=True):
            match result:
                case Rejected(problem) | (Problem() as problem):
                    self.report.reject(path, line, located(problem, line))
                case Accepted():
                    self.counts.duplicates += line.rows * result.duplicate
                    self.counts.accepted += line.rows * (not result.duplicate)
                    self.counts.merges += len(result.merges)
                    for dropped in result.dropped_identifiers:
                        self.report.drop(path, line.line, dropped)
                case _:  # a product
                    self.counts.accepted += line.rows
        self.progress(batch[-1][0].read_bytes, self.counts)

    async def _send(self, batch: Batch) -> list[CommandResult | bool | Problem]:
        record = self._recorder(type(batch[0][1]))
        pause = 0.5
        while True:
            try:
                results: list[CommandResult | bool | Problem] = await record([statement for _, statement in batch])
            except TemporaryFailure:
                # The batch may have been stored; sending it again is idempotent.
                if pause > 30:
                    raise
                await asyncio.sleep(pause)
                pause *= 2
            else:
                return results

    def _recorder(self, kind: type) -> Callable[[list[Any]], Awaitable[Any]]:
        """Return the method of the graph that records statements of a kind."""
        graph = self.graph
        if kind is Product:
            return graph.record_products
        recorders: dict[type, Callable[..., Awaitable[Any]]] = {
            Observation: graph.link,
            OrderStatement: graph.record_orders,
            AttributesStatement: graph.record_attributes,
            ConsentStatement: graph.record_consents,
            InteractionStatement: graph.record_interactions,
            ExternalSegmentStatement: graph.record_external_segments,
        }
        return partial(recorders[kind], caller=self.caller)
