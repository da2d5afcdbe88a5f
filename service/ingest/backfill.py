"""One run of `kith backfill`: whole files into an empty store, resolved together; can be stopped and run again."""

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

from graph.bulk.collect import Gathered, Gathering
from graph.bulk.result import STAGES, Outcome
from graph.bulk.spool import Row, Spool
from graph.domain.commands import Terms
from graph.domain.model.errors import InvalidInput, Problem
from graph.domain.model.json_text import compact
from graph.domain.model.rules import Rules
from graph.ports import LOADING, Store
from service.bootstrap import SystemClock, Wiring
from service.config import rules_file
from service.ingest.files import raw_lines
from service.ingest.importer import Counts, Report
from service.ingest.parallel_reader import Reader, Readers
from service.runtime.ids import id_from

Told = Callable[[str, int, int], None]
"""Is told what is being done, how far it is, and how far there is to go."""


class Mark(Struct, frozen=True):
    """How far a store is loaded: kept in it, so that another run can go on."""

    files: tuple[str, ...]
    now: int
    seed: str
    stage: str = ""
    portion: int = 0

    def text(self) -> str:
        """As it is kept."""
        return compact(self)

    @classmethod
    def read(cls, text: str) -> "Mark":
        """From what is kept."""
        values = orjson.loads(text)
        return cls(tuple(values["files"]), values["now"], values["seed"], values["stage"], values["portion"])

    def covers(self, stage: str, portion: int) -> bool:
        """Whether a portion has been loaded already."""
        done = (STAGES.index(self.stage) if self.stage else -1, self.portion)
        return (STAGES.index(stage), portion) <= done


@dataclass(slots=True)
class Backfill:
    """Files into a store that is migrated and has rules; `now` in microseconds holds for lines without a time."""

    store: Store
    terms: Terms
    now: int
    report: Report
    told: Told
    source: str = ""
    counts: Counts = field(default_factory=Counts)
    processes: int = field(default_factory=lambda: os.cpu_count() or 1)
    customers: int = 0
    identifiers: int = 0
    links: int = 0

    async def run(self, files: Sequence[Path]) -> None:
        """Read, resolve, load; raises `Conflict` where the store is not empty."""
        mark = await self._begun(files)
        (kept, *_) = await self.store.rules()
        rules = rules_file.parse(kept.text)
        with tempfile.TemporaryDirectory(prefix="kith-backfill-") as folder:
            spool = Spool(Path(folder))
            try:
                gathered = self._gathered(files, spool, Reader(kept.text, self.terms, mark.now, self.source), rules)
            except BaseException:
                if not mark.stage:
                    await self.store.end_load()
                raise
            self.told("resolve", 0, 1)
            seed = bytes.fromhex(mark.seed)
            outcome = Outcome(gathered, rules, mark.now, lambda number: id_from(seed, mark.now, number))
            self.told("resolve", 1, 1)
            self.customers, self.identifiers, self.links = outcome.customers, outcome.identifiers, outcome.links
            await self._load(mark, outcome, gathered.columns.rows)
            spool.close()
        await self.store.end_load()

    async def _begun(self, files: Sequence[Path]) -> Mark:
        """The mark of a run before this one, if there is one, else a new one."""
        digests = tuple(_digest(path) for path in files)
        text = await self.store.kept(LOADING)
        before = None if text is None else Mark.read(text)
        if before is not None and before.files == digests:
            mark = before
        elif before is not None and before.stage:
            raise InvalidInput(
                "OTHER_FILES", "the backfill that was begun in this store is of other files; give those again, in order"
            )
        else:
            mark = Mark(digests, self.now, secrets.token_hex(32))
        await self.store.begin_load(mark.text())
        if mark is not before and before is not None:
            # Nothing of the files before was loaded.
            await self.store.keep(LOADING, mark.text())
        return mark

    # --- reading

    def _gathered(self, files: Sequence[Path], spool: Spool, reader: Reader, rules: Rules) -> Gathered:
        gathering = Gathering(spool)
        lines, file_of, good = array("q"), array("i"), array("b")
        size = sum(path.stat().st_size for path in files)
        before = 0
        with Readers(reader, self.processes) as readers:
            for number, path in enumerate(files):
                for chunk, rows in readers.read(raw_lines(path, rules)):
                    for one, (row, problem) in zip(chunk, rows, strict=True):
                        if problem is not None:
                            self._refuse(path, one.line, problem)
                        if row is not None:
                            named = Row._make(row)
                            gathering.add(named)
                            lines.append(one.line)
                            file_of.append(number)
                            good.append(problem is None)
                            self.counts.dropped += named.dropped
                    self.told("read", before + chunk[-1].read_bytes, size)
                before += path.stat().st_size
        gathered = gathering.settle()
        taken = np.frombuffer(good, np.int8).astype(bool)
        self.counts.repeated = int((taken & gathered.repeated).sum())
        self.counts.accepted = int((taken & ~gathered.repeated & ~gathered.conflicting).sum())
        for at in (taken & gathered.conflicting).nonzero()[0].tolist():
            message = "is already known with other content"
            self._refuse(files[file_of[at]], lines[at], Problem("ID_CONFLICT", message, ("id",)))
        return gathered

    def _refuse(self, path: Path, line: int, problem: Problem) -> None:
        self.counts.refuse(problem)
        self.report.refuse(path, line, problem)

    # --- loading

    async def _load(self, mark: Mark, outcome: Outcome, rows: int) -> None:
        done = 0
        total = outcome.identifiers + outcome.links + rows
        writing: asyncio.Task[None] | None = None
        for portion in outcome.portions():
            writes = portion.writes
            # One portion is made while the one before is written.
            if writing is not None:
                await writing
            self.told("load", done, total)
            done += len(writes.members) + len(writes.links) + len(writes.receipts)
            if not mark.covers(portion.stage, portion.number):
                writes.kept[LOADING] = replace(mark, stage=portion.stage, portion=portion.number).text()
                writing = asyncio.create_task(self.store.load(writes, portion.numbers))
                await asyncio.sleep(0)
                # What a driver leaves behind is in cycles, and a portion hangs on each. The command switches the search
                # for cycles off, so what was made since the last portion is looked through here.
                gc.collect(0)
        if writing is not None:
            await writing
        self.told("load", done, total)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()


async def run(wiring: Wiring, files: Sequence[Path], report: Report, told: Told, source: str = "") -> Backfill:
    """Backfill the store of a wiring; answers the run, with what it counted."""
    await wiring.store.migrate()
    if await wiring.store.kept(LOADING) is None:
        await wiring.prepare()
    one = Backfill(wiring.store, wiring.graph.terms, SystemClock().now(), report, told, source)
    await one.run(files)
    return one
