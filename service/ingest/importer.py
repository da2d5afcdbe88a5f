"""One run of `kith import`: files in, in batches, several on their way at once; refused lines into a report."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import orjson

from graph.commands.commit import Accepted, Answer, Refused
from graph.domain.model.errors import Problem, TemporaryFailure
from graph.domain.model.observations import Observation
from graph.domain.model.orders import OrderStatement
from graph.domain.profile.attributes import AttributesStatement
from graph.domain.profile.consents import ConsentStatement
from graph.domain.profile.external_segments import OutsideStatement
from graph.domain.profile.interactions import InteractionStatement
from graph.identity_graph import IdentityGraph
from service.ingest.records import Item, items

BATCH = 500
ON_THE_WAY = 3
"""Batches that are read or written at the same time: one in the database, one waiting, one being read."""


@dataclass(slots=True)
class Counts:
    """What became of the lines so far."""

    accepted: int = 0
    repeated: int = 0
    refused: int = 0
    dropped: int = 0
    merges: int = 0
    by_code: dict[str, int] = field(default_factory=dict)

    def refuse(self, problem: Problem) -> None:
        """Count a refused line."""
        self.refused += 1
        self.by_code[problem.code] = self.by_code.get(problem.code, 0) + 1

    @property
    def lines(self) -> int:
        """All lines."""
        return self.accepted + self.repeated + self.refused


@dataclass(slots=True)
class Report:
    """The file of refused lines, with the reasons; there is none where no line is refused."""

    path: Path
    _out: TextIO | None = None

    def refuse(self, path: Path, line: int, problem: Problem) -> None:
        """Write down a refused line of a file."""
        if self._out is None:
            self._out = self.path.open("w", encoding="utf-8")
        row = {"file": str(path), "line": line, "code": problem.code, "reason": problem.message, "path": problem.path}
        self._out.write(orjson.dumps(row).decode() + "\n")

    def flush(self) -> None:
        """Have everything in the file."""
        if self._out is not None:
            self._out.flush()


@dataclass(slots=True)
class ImportRun:
    """Imports files into a graph; safe to stop at any moment and to run again."""

    graph: IdentityGraph
    report: Report
    progress: Callable[[int, Counts], None]
    source: str = ""
    counts: Counts = field(default_factory=Counts)

    async def run(self, path: Path) -> None:
        """Import one file; `progress` is told the bytes read and the counts after each batch."""
        running: set[asyncio.Task[None]] = set()
        batch: list[Item] = []
        try:
            for item in items(path, self.graph.rules, self.source):
                # A batch is of one kind, so that the order of the lines is kept within it.
                if batch and (len(batch) == BATCH or _kind(item) != _kind(batch[0])):
                    await self._start(running, path, batch)
                    batch = []
                batch.append(item)
            if batch:
                await self._start(running, path, batch)
            while running:
                await self._one_of(running)
        finally:
            for task in running:
                task.cancel()
            self.report.flush()

    async def _start(self, running: set[asyncio.Task[None]], path: Path, batch: list[Item]) -> None:
        running.add(asyncio.create_task(self._import(path, batch)))
        if len(running) >= ON_THE_WAY:
            await self._one_of(running)

    async def _one_of(self, running: set[asyncio.Task[None]]) -> None:
        done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            running.discard(task)
            task.result()

    async def _import(self, path: Path, batch: list[Item]) -> None:
        answers = await self._send(batch)
        for item, answer in zip(batch, answers, strict=True):
            match answer:
                case Refused(problem):
                    self.counts.refuse(problem)
                    self.report.refuse(path, item.line, problem)
                case Accepted():
                    self.counts.repeated += answer.repeated
                    self.counts.accepted += not answer.repeated
                    self.counts.dropped += len(answer.dropped)
                    self.counts.merges += len(answer.merges)
        self.progress(batch[-1].read_bytes, self.counts)

    async def _send(self, batch: list[Item]) -> list[Answer]:
        pause = 0.5
        while True:
            try:
                return await self._record(_kind(batch[0]))([item.what for item in batch])
            except TemporaryFailure:
                # What was sent may have been stored; sending it again changes nothing.
                if pause > 30:
                    raise
                await asyncio.sleep(pause)
                pause *= 2

    def _record(self, kind: type) -> Callable[[list[Any]], Awaitable[list[Answer]]]:
        """What takes in items of a kind."""
        graph = self.graph
        recorders: dict[type, Callable[[list[Any]], Awaitable[list[Answer]]]] = {
            Observation: graph.link,
            OrderStatement: graph.record_orders,
            AttributesStatement: graph.record_attributes,
            ConsentStatement: graph.record_consents,
            InteractionStatement: graph.record_interactions,
            OutsideStatement: graph.record_outside_segments,
        }
        return recorders[kind]


def _kind(item: Item) -> type:
    return Observation if isinstance(item.what, Observation | Problem) else type(item.what)
