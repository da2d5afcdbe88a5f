"""Load whole files into an empty store for `kith backfill`, resolving everything together.

A run can be stopped and started again: the store keeps a checkpoint of the portions that it holds.
"""

import asyncio
import gc
import hashlib
import os
import secrets
import tempfile
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import orjson
from msgspec import Struct
from msgspec.structs import replace

from graph.bulk.collect import Collected, Collector
from graph.bulk.result import STAGES, BulkResult
from graph.bulk.spool import Row, Spool
from graph.domain.commands import Terms
from graph.domain.model.errors import InvalidInput, Problem
from graph.domain.model.json_text import compact
from graph.domain.model.rules import Rules
from graph.ports import LOADING, Store
from service.bootstrap import SystemClock, Wiring
from service.config import rules_file
from service.ingest.file_formats import raw_lines
from service.ingest.importer import LineCounts, RejectionReport
from service.ingest.parallel_reader import LineReader, ReaderPool
from service.runtime.ids import derive_customer_id

ProgressCallback = Callable[[str, int, int], None]
"""Called with the stage, the amount that is done, and the total amount."""


class LoadCheckpoint(Struct, frozen=True):
    """How far a store is loaded. It is stored there, so that a later run can continue.

    `files` are digests of the files, `now` is in microseconds, and customer ids are derived from the secret `seed`.
    """

    files: tuple[str, ...]
    now: int
    seed: str
    stage: str = ""
    portion: int = 0

    def to_json(self) -> str:
        """Return the stored form."""
        return compact(self)

    @classmethod
    def from_json(cls, text: str) -> "LoadCheckpoint":
        """Read the stored form."""
        values = orjson.loads(text)
        return cls(tuple(values["files"]), values["now"], values["seed"], values["stage"], values["portion"])

    def covers(self, stage: str, portion: int) -> bool:
        """Whether the store already holds a portion of a stage."""
        done = (STAGES.index(self.stage) if self.stage else -1, self.portion)
        return (STAGES.index(stage), portion) <= done


@dataclass(slots=True)
class Backfill:
    """Loads files into a migrated store that has rules. Lines without a time get `now`, in microseconds."""

    store: Store
    terms: Terms
    now: int
    report: RejectionReport
    on_progress: ProgressCallback
    source: str = ""
    counts: LineCounts = field(default_factory=LineCounts)
    processes: int = field(default_factory=lambda: os.cpu_count() or 1)
    customers: int = 0
    identifiers: int = 0
    links: int = 0

    async def run(self, files: Sequence[Path]) -> None:
        """Read, resolve and load files; raise `StoreNotEmpty` if the store is not empty."""
        checkpoint = await self._resume_or_start(files)
        (stored_rules, *_) = await self.store.rules()
        rules = rules_file.parse(stored_rules.text)
        reader = LineReader(stored_rules.text, self.terms, checkpoint.now, self.source)
        with tempfile.TemporaryDirectory(prefix="kith-backfill-") as folder:
            spool = Spool(Path(folder))
            try:
                collected = self._collect_rows(files, spool, reader, rules)
            except BaseException:
                if not checkpoint.stage:
                    await self.store.end_load()
                raise
            self.on_progress("resolve", 0, 1)
            seed = bytes.fromhex(checkpoint.seed)
            result = BulkResult(
                collected, rules, checkpoint.now, lambda number: derive_customer_id(seed, checkpoint.now, number)
            )
            self.on_progress("resolve", 1, 1)
            self.customers, self.identifiers, self.links = result.customers, result.identifiers, result.links
            await self._load(checkpoint, result, collected.columns.rows)
            spool.close()
        await self.store.end_load()

    async def _resume_or_start(self, files: Sequence[Path]) -> LoadCheckpoint:
        """Return the checkpoint of an earlier run with the same files, or a new checkpoint."""
        digests = tuple(_digest(path) for path in files)
        text = await self.store.get_value(LOADING)
        earlier = None if text is None else LoadCheckpoint.from_json(text)
        if earlier is not None and earlier.files == digests:
            checkpoint = earlier
        elif earlier is not None and earlier.stage:
            raise InvalidInput(
                "DIFFERENT_FILES",
                "the backfill that was started in this store has different files; give those again, in the same order",
            )
        else:
            checkpoint = LoadCheckpoint(digests, self.now, secrets.token_hex(32))
        await self.store.begin_load(checkpoint.to_json())
        if checkpoint is not earlier and earlier is not None:
            # The earlier run loaded nothing, so this run may have different files.
            await self.store.put_value(LOADING, checkpoint.to_json())
        return checkpoint

    # --- reading

    def _collect_rows(self, files: Sequence[Path], spool: Spool, reader: LineReader, rules: Rules) -> Collected:
        collector = Collector(spool)
        line_numbers, file_indexes, is_valid = array("q"), array("i"), array("b")
        total_bytes = sum(path.stat().st_size for path in files)
        bytes_before = 0
        with ReaderPool(reader, self.processes) as pool:
            for index, path in enumerate(files):
                for chunk, results in pool.read(raw_lines(path, rules)):
                    for raw_line, (values, problem) in zip(chunk, results, strict=True):
                        if problem is not None:
                            self._reject(path, raw_line.line, problem)
                        if values is not None:
                            row = Row._make(values)
                            collector.add(row)
                            line_numbers.append(raw_line.line)
                            file_indexes.append(index)
                            is_valid.append(problem is None)
                            self.counts.dropped += row.dropped
                    self.on_progress("read", bytes_before + chunk[-1].read_bytes, total_bytes)
                bytes_before += path.stat().st_size
        collected = collector.finish()
        valid = np.frombuffer(is_valid, np.int8).astype(bool)
        self.counts.duplicates = int((valid & collected.duplicate).sum())
        self.counts.accepted = int((valid & ~collected.duplicate & ~collected.conflicting).sum())
        for at in (valid & collected.conflicting).nonzero()[0].tolist():
            problem = Problem("ID_CONFLICT", "already exists with other content", ("id",))
            self._reject(files[file_indexes[at]], line_numbers[at], problem)
        return collected

    def _reject(self, path: Path, line: int, problem: Problem) -> None:
        self.counts.reject(problem)
        self.report.reject(path, line, problem)

    # --- loading

    async def _load(self, checkpoint: LoadCheckpoint, result: BulkResult, rows: int) -> None:
        done = 0
        total = result.identifiers + result.links + rows
        writing: asyncio.Task[None] | None = None
        for portion in result.portions():
            writes = portion.writes
            # A portion is built while the previous one is written.
            if writing is not None:
                await writing
            self.on_progress("load", done, total)
            done += len(writes.members) + len(writes.links) + len(writes.receipts)
            if not checkpoint.covers(portion.stage, portion.number):
                writes.values[LOADING] = replace(checkpoint, stage=portion.stage, portion=portion.number).to_json()
                writing = asyncio.create_task(self.store.load(writes, portion.numbers))
                await asyncio.sleep(0)
                # The objects that a driver leaves behind form cycles, each of which holds a whole portion. The command
                # disables the cyclic garbage collector, so the objects since the last portion are collected here.
                gc.collect(0)
        if writing is not None:
            await writing
        self.on_progress("load", done, total)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()


async def run(
    wiring: Wiring, files: Sequence[Path], report: RejectionReport, on_progress: ProgressCallback, source: str = ""
) -> Backfill:
    """Backfill the store of a wiring, and return the run with its counts."""
    await wiring.store.migrate()
    if await wiring.store.get_value(LOADING) is None:
        await wiring.prepare()
    backfill = Backfill(wiring.store, wiring.graph.terms, SystemClock().now(), report, on_progress, source)
    await backfill.run(files)
    return backfill
