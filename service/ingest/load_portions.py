"""Load the result of a whole history into an empty store, a portion at a time.

A load can be stopped and started again: the store keeps a checkpoint of the portions that it holds.
"""

import asyncio
import gc
import hashlib
import secrets
from collections.abc import Callable, Iterable, Sequence

import orjson
from msgspec import Struct
from msgspec.structs import replace

from graph.bulk.result import STAGES, Portion
from graph.domain.model.errors import InvalidInput, StoreUnavailable
from graph.domain.model.facts import FactKind
from graph.domain.model.json_text import compact
from graph.domain.model.load_columns import PortionColumns
from graph.domain.model.receipts import Receipt
from graph.domain.model.store_values import Writes
from graph.identity_graph import IdentityGraph
from graph.ports import COPYING, IMPORTING, LOADING, ColumnLoadStore, Store
from service.bootstrap import Wiring
from service.ingest.raw_lines import AS_FOUND, ReadOptions

ProgressCallback = Callable[[str, int, int], None]
"""Called with the stage, the amount that is done, and the total amount."""
ANCHORS = "anchors"
"""What customer ids are derived from; up to 0.2.0 it was their position, `numbers`."""


class LoadCheckpoint(Struct, frozen=True):
    """How far a store is loaded. It is stored there, so that a later run can continue.

    `files` are digests of the files and of options for reading them, `now` is in microseconds, and customer ids are
    derived from the secret `seed` and `ids_from`. `as_columns` is whether the portions are columns, not writes, which
    have other numbers.
    """

    files: tuple[str, ...]
    now: int
    seed: str
    stage: str = ""
    portion: int = 0
    ids_from: str = ANCHORS
    as_columns: bool = False

    def to_json(self) -> str:
        """Return the stored form."""
        return compact(self)

    @classmethod
    def from_json(cls, text: str) -> "LoadCheckpoint":
        """Read the stored form."""
        values = orjson.loads(text)
        fields = (values["now"], values["seed"], values["stage"], values["portion"])
        as_columns = values.get("as_columns", False)
        return cls(tuple(values["files"]), *fields, values.get("ids_from", "numbers"), as_columns)

    def covers(self, stage: str, portion: int) -> bool:
        """Whether the store already holds a portion of a stage."""
        done = (STAGES.index(self.stage) if self.stage else -1, self.portion)
        return (STAGES.index(stage), portion) <= done


async def prepare_store(wiring: Wiring) -> None:
    """Make a store ready for a load, or for the rest of one; raises as `Wiring.prepare` does."""
    await wiring.check_store()
    progress = await wiring.store.get_value(LOADING)
    if progress == COPYING:
        raise StoreUnavailable("a copy or a restore into this store was interrupted: run it again first")
    if progress is not None and progress.startswith(IMPORTING):
        raise StoreUnavailable("this database was filled from import files: run `kith finish-import FOLDER` first")
    if progress is None:
        await wiring.prepare()
    elif wiring.safeguards is not None:
        await wiring.safeguards.check()
        await wiring.graph.erasures.refresh()


def new_seed() -> str:
    """Return a new secret that customer ids are derived from."""
    return secrets.token_hex(32)


async def resume_or_start(store: Store, digests: Sequence[str], now: int, seed: str) -> LoadCheckpoint:
    """Return the checkpoint of an earlier load of the same files, or a new one, and begin the load.

    Raises `InvalidInput` if the store holds portions of other files, or of a release that derived ids in another way,
    and `StoreNotEmpty` if it holds other data.
    """
    text = await store.get_value(LOADING)
    earlier = None if text is None else LoadCheckpoint.from_json(text)
    if earlier is not None and earlier.stage and earlier.ids_from != ANCHORS:
        raise InvalidInput(
            "DIFFERENT_RELEASE",
            "the backfill that was started in this store is of an earlier release, whose customer ids are others; end "
            "it with that release, or start again in a new store",
        )
    if earlier is not None and earlier.ids_from == ANCHORS and earlier.files == tuple(digests):
        checkpoint = earlier
    elif earlier is not None and earlier.stage:
        raise InvalidInput(
            "DIFFERENT_FILES",
            "the backfill that was started in this store has different files or options; give those again, in the "
            "same order",
        )
    else:
        checkpoint = LoadCheckpoint(tuple(digests), now, seed)
    await store.begin_load(checkpoint.to_json())
    if checkpoint is not earlier and earlier is not None:
        # The earlier run loaded nothing, so this run may have different files.
        await store.put_value(LOADING, checkpoint.to_json())
    return checkpoint


def digests_of_options(source: str, options: ReadOptions) -> tuple[str, ...]:
    """Return a digest of the options that decide how files are read; none if all are left out."""
    if not source and options == AS_FOUND:
        return ()
    text = compact([source, options.delimiter, options.encoding, sorted(options.ignored_columns)])
    return (hashlib.blake2b(text.encode()).hexdigest(),)


def consents_of(writes: Writes) -> list[Receipt]:
    """Return the consent decisions of a portion."""
    return [receipt for receipt in writes.receipts if receipt.kind == FactKind.CONSENT.value]


async def load_portions(
    store: Store,
    graph: IdentityGraph,
    checkpoint: LoadCheckpoint,
    portions: Iterable[Portion | PortionColumns],
    total: int,
    on_progress: ProgressCallback,
) -> None:
    """Load the portions that the store does not hold yet; `total` is the number of identifiers, links and rows."""
    done = 0
    writing: asyncio.Task[None] | None = None
    decisions: list[Receipt] = []
    for portion in portions:
        # A portion is built while the previous one is written.
        if writing is not None:
            await writing
        # Also those that an earlier run has stored: it may have been stopped before it logged them.
        await graph.log_decisions(decisions)
        decisions = _decisions(portion)
        on_progress("load", done, total)
        done += _size(portion)
        if not checkpoint.covers(portion.stage, portion.number):
            as_columns = isinstance(portion, PortionColumns)
            reached = replace(checkpoint, stage=portion.stage, portion=portion.number, as_columns=as_columns)
            writing = asyncio.create_task(_load(store, portion, reached.to_json()))
            await asyncio.sleep(0)
            # The objects that a driver leaves behind form cycles, each of which holds a whole portion. The command
            # disables the cyclic garbage collector, so the objects since the last portion are collected here.
            gc.collect(0)
    if writing is not None:
        await writing
    await graph.log_decisions(decisions)
    on_progress("load", done, total)


def takes_columns(store: Store, checkpoint: LoadCheckpoint) -> bool:
    """Whether a load gives a store columns; one that continues keeps the form in which it began."""
    return isinstance(store, ColumnLoadStore) and (checkpoint.as_columns or not checkpoint.stage)


async def _load(store: Store, portion: Portion | PortionColumns, progress: str) -> None:
    if not isinstance(portion, PortionColumns):
        portion.writes.values[LOADING] = progress
        await store.load(portion.writes, portion.numbers)
    elif isinstance(store, ColumnLoadStore):
        await store.load_columns(portion, progress)
    else:
        raise TypeError("the store takes no columns")


def _decisions(portion: Portion | PortionColumns) -> list[Receipt]:
    """Return the consent decisions of a portion."""
    if isinstance(portion, PortionColumns):
        return portion.decisions
    return consents_of(portion.writes)


def _size(portion: Portion | PortionColumns) -> int:
    """Return the number of identifiers, links and receipts of a portion."""
    if isinstance(portion, PortionColumns):
        return portion.size
    return len(portion.writes.members) + len(portion.writes.links) + len(portion.writes.receipts)
