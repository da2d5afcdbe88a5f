"""Load whole files into an empty store for `kith backfill`, resolving everything together.

A run can be stopped and started again: the store keeps a checkpoint of the portions that it holds.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from graph.bulk.collect import Collected, Collector
from graph.bulk.column_portions import ColumnResult
from graph.bulk.spool import Spool
from graph.commands.bulk_suppression import read_suppression
from graph.domain.model.rules import Rules
from graph.domain.model.store_values import Writes
from graph.identity_graph import IdentityGraph
from graph.ports import Store
from service.bootstrap import SystemClock, Wiring
from service.config import rules_file
from service.ingest.bulk_consent_gate import BulkConsentGate
from service.ingest.counts import LineCounts
from service.ingest.file_formats import InputFile, open_file
from service.ingest.line_collector import CONFLICT, LineCollector
from service.ingest.load_portions import (
    LoadCheckpoint,
    ProgressCallback,
    digests_of_options,
    load_portions,
    new_seed,
    prepare_store,
    resume_or_start,
    takes_columns,
)
from service.ingest.parallel_reader import LineReader, ReaderPool
from service.ingest.raw_lines import AS_FOUND, ReadOptions
from service.ingest.report import Report
from service.runtime.ids import derive_customer_id

OpenCallback = Callable[[Path, InputFile], None]
"""Called with each file before it is read."""


@dataclass(slots=True)
class Backfill:
    """Loads files into a migrated store that has rules. Lines without a time get `now`, in microseconds."""

    store: Store
    graph: IdentityGraph
    now: int
    report: Report
    on_progress: ProgressCallback
    source: str
    options: ReadOptions
    on_open: OpenCallback
    caller: str = ""
    """Who loads them, stored with each statement."""
    seed: str = field(default_factory=new_seed)
    """The secret that customer ids are derived from."""
    processes: int = field(default_factory=lambda: os.cpu_count() or 1)
    customers: int = 0
    identifiers: int = 0
    links: int = 0

    @property
    def counts(self) -> LineCounts:
        """The counts of the lines so far."""
        return self.report.counts

    async def run(self, files: Sequence[Path]) -> None:
        """Read, resolve and load files; raise `StoreNotEmpty` if the store is not empty."""
        (stored_rules, *_) = await self.store.rules()
        rules = rules_file.parse(stored_rules.text)
        # All files are opened first: one that cannot be read as a whole leaves the store unchanged.
        inputs = [open_file(path, rules, self.options) for path in files]
        for path, file in zip(files, inputs, strict=True):
            self.on_open(path, file)
        digests = *map(_digest, files), *digests_of_options(self.source, self.options)
        checkpoint = await resume_or_start(self.store, digests, self.now, self.seed)
        suppression = await read_suppression(self.store, self.graph.erasures.tombstone_rules())
        reader = LineReader(stored_rules.text, self.graph.terms, checkpoint.now, self.source, suppression)
        with tempfile.TemporaryDirectory(prefix="kith-backfill-") as folder:
            spool = Spool(Path(folder))
            try:
                lines = LineCollector(Collector(spool), self.report)
                collected = self._collect_rows(files, inputs, lines, reader, rules)
            except BaseException:
                if not checkpoint.stage:
                    await self.store.end_load()
                raise
            for text in lines.texts:
                await self.graph.consent_texts.put(text)
            self.on_progress("resolve", 0, 1)
            seed = bytes.fromhex(checkpoint.seed)
            result = ColumnResult(
                collected,
                rules,
                checkpoint.now,
                lambda anchor: derive_customer_id(seed, checkpoint.now, anchor),
                self.caller,
            )
            self.on_progress("resolve", 1, 1)
            self.customers, self.identifiers, self.links = result.customers, result.identifiers, result.links
            await self._load(checkpoint, result, collected.columns.rows)
            spool.close()
        if lines.held_orders:
            await self.store.load(Writes(held_orders=list(lines.held_orders.values())), {})
        await self.store.end_load()

    async def _load(self, checkpoint: LoadCheckpoint, result: ColumnResult, rows: int) -> None:
        """Store the result of `rows` lines."""
        total = result.identifiers + result.links + rows
        portions = result.column_portions() if takes_columns(self.store, checkpoint) else result.portions()
        await load_portions(self.store, self.graph, checkpoint, portions, total, self.on_progress)

    # --- reading

    def _collect_rows(
        self, files: Sequence[Path], inputs: Sequence[InputFile], lines: LineCollector, reader: LineReader, rules: Rules
    ) -> Collected:
        """Return the rows of all files."""
        total_bytes = sum(path.stat().st_size for path in files)
        bytes_before = 0
        gate = BulkConsentGate(rules, reader.now) if rules.consent_purposes else None
        with ReaderPool(reader, self.processes) as pool:
            if gate is not None:
                # All decisions first: a line may need one that comes after it.
                for file in inputs:
                    for _, results in pool.read(file.lines()):
                        for result in results:
                            gate.add(result)
                inputs = [open_file(path, rules, self.options) for path in files]
            for index, (path, file) in enumerate(zip(files, inputs, strict=True)):
                for chunk, results in pool.read(file.lines()):
                    for line, result in zip(chunk, results, strict=True):
                        lines.add(index, path, line, result if gate is None else gate.admitted(result))
                    self.on_progress("read", bytes_before + chunk[-1].read_bytes, total_bytes)
                self.counts.blank += file.blank
                bytes_before += path.stat().st_size
                self.on_progress("read", bytes_before, total_bytes)
        collected, conflicts = lines.finish()
        for index, numbers in conflicts.items():
            self._reject_conflicts(files[index], rules, numbers)
        self.report.flush()
        return collected

    def _reject_conflicts(self, path: Path, rules: Rules, numbers: frozenset[int]) -> None:
        """Reject the lines of a file that contradict an earlier line. They are read again for the report."""
        last = max(numbers)
        for line in open_file(path, rules, self.options).lines():
            if line.line in numbers:
                self.report.reject(path, line, CONFLICT)
            if line.line >= last:
                break


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()


B = TypeVar("B", bound=Backfill)


def _ignore(path: Path, file: InputFile) -> None:
    """Do nothing with an open file."""


async def run(
    wiring: Wiring,
    files: Sequence[Path],
    report: Report,
    on_progress: ProgressCallback,
    source: str = "",
    options: ReadOptions = AS_FOUND,
    on_open: OpenCallback = _ignore,
    caller: str = "",
    make: Callable[..., B] = Backfill,  # type: ignore[assignment]
) -> B:
    """Backfill the store of a wiring, and return the run with its counts; `caller` is who runs it."""
    await prepare_store(wiring)
    backfill = make(
        wiring.store,
        wiring.graph,
        SystemClock().now(),
        report,
        on_progress,
        source,
        options,
        on_open,
        caller,
    )
    await backfill.run(files)
    return backfill
