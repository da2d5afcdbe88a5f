"""Load whole files into an empty store for `kith backfill`, resolving everything together.

A run can be stopped and started again: the store keeps a checkpoint of the portions that it holds.
"""

import asyncio
import gc
import hashlib
import os
import secrets
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson
from msgspec import Struct
from msgspec.structs import replace

from graph.bulk.collect import Collected, Collector
from graph.bulk.result import STAGES, BulkResult
from graph.bulk.spool import Spool
from graph.commands.bulk_suppression import read_suppression
from graph.domain.model.errors import InvalidInput, StoreUnavailable
from graph.domain.model.facts import FactKind
from graph.domain.model.json_text import compact
from graph.domain.model.receipts import Receipt
from graph.domain.model.rules import Rules
from graph.domain.model.store_values import Writes
from graph.identity_graph import IdentityGraph
from graph.ports import COPYING, LOADING, Store
from service.bootstrap import SystemClock, Wiring
from service.config import rules_file
from service.ingest.bulk_consent_gate import BulkConsentGate
from service.ingest.counts import LineCounts
from service.ingest.file_formats import InputFile, open_file
from service.ingest.line_collector import CONFLICT, LineCollector
from service.ingest.parallel_reader import LineReader, ReaderPool
from service.ingest.raw_lines import AS_FOUND, ReadOptions
from service.ingest.report import Report
from service.runtime.ids import derive_customer_id

ProgressCallback = Callable[[str, int, int], None]
"""Called with the stage, the amount that is done, and the total amount."""
OpenCallback = Callable[[Path, InputFile], None]
"""Called with each file before it is read."""


class LoadCheckpoint(Struct, frozen=True):
    """How far a store is loaded. It is stored there, so that a later run can continue.

    `files` are digests of the files and of options for reading them, `now` is in microseconds, and customer ids are
    derived from the secret `seed`.
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
    graph: IdentityGraph
    now: int
    report: Report
    on_progress: ProgressCallback
    source: str
    options: ReadOptions
    on_open: OpenCallback
    caller: str = ""
    """Who loads them, stored with each statement."""
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
        checkpoint = await self._resume_or_start(files)
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
            result = BulkResult(
                collected,
                rules,
                checkpoint.now,
                lambda number: derive_customer_id(seed, checkpoint.now, number),
                self.caller,
            )
            self.on_progress("resolve", 1, 1)
            self.customers, self.identifiers, self.links = result.customers, result.identifiers, result.links
            await self._load(checkpoint, result, collected.columns.rows)
            spool.close()
        if lines.held_orders:
            await self.store.load(Writes(held_orders=list(lines.held_orders.values())), {})
        await self.store.end_load()

    async def _resume_or_start(self, files: Sequence[Path]) -> LoadCheckpoint:
        """Return the checkpoint of an earlier run with the same files, or a new checkpoint."""
        digests = *map(_digest, files), *_digests_of_options(self.source, self.options)
        text = await self.store.get_value(LOADING)
        earlier = None if text is None else LoadCheckpoint.from_json(text)
        if earlier is not None and earlier.files == digests:
            checkpoint = earlier
        elif earlier is not None and earlier.stage:
            raise InvalidInput(
                "DIFFERENT_FILES",
                "the backfill that was started in this store has different files or options; give those again, in the "
                "same order",
            )
        else:
            checkpoint = LoadCheckpoint(digests, self.now, secrets.token_hex(32))
        await self.store.begin_load(checkpoint.to_json())
        if checkpoint is not earlier and earlier is not None:
            # The earlier run loaded nothing, so this run may have different files.
            await self.store.put_value(LOADING, checkpoint.to_json())
        return checkpoint

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

    # --- loading

    async def _load(self, checkpoint: LoadCheckpoint, result: BulkResult, rows: int) -> None:
        done = 0
        total = result.identifiers + result.links + rows
        writing: asyncio.Task[None] | None = None
        decisions: list[Receipt] = []
        for portion in result.portions():
            writes = portion.writes
            # A portion is built while the previous one is written.
            if writing is not None:
                await writing
            # Also those that an earlier run has stored: it may have been stopped before it logged them.
            await self.graph.log_decisions(decisions)
            decisions = [receipt for receipt in writes.receipts if receipt.kind == FactKind.CONSENT.value]
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
        await self.graph.log_decisions(decisions)
        self.on_progress("load", done, total)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()


def _digests_of_options(source: str, options: ReadOptions) -> tuple[str, ...]:
    """Return a digest of the options that decide how files are read; none if all are left out."""
    if not source and options == AS_FOUND:
        return ()
    text = compact([source, options.delimiter, options.encoding, sorted(options.ignored_columns)])
    return (hashlib.blake2b(text.encode()).hexdigest(),)


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
) -> Backfill:
    """Backfill the store of a wiring, and return the run with its counts; `caller` is who runs it."""
    await wiring.check_store()
    progress = await wiring.store.get_value(LOADING)
    if progress == COPYING:
        raise StoreUnavailable("a copy or a restore into this store was interrupted: run it again first")
    if progress is None:
        await wiring.prepare()
    elif wiring.safeguards is not None:
        await wiring.safeguards.check()
        await wiring.graph.erasures.refresh()
    backfill = Backfill(
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
