"""Keys, receipts and ledgers of erasures."""

import hashlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from graph.commands.erasures import LedgerContent
from graph.domain.model.erasures import Acknowledgement, Erasure, KeptCount
from graph.domain.model.tombstones import Tombstone, TombstoneMode
from graph.ports import Store
from service.privacy.keys import ErasureKeys, KeyFile
from service.privacy.ledger import Ledger
from service.privacy.ledger_entries import Intent, Pending, Position
from service.privacy.receipts import receipt_of
from service.privacy.safeguards import Safeguards
from tests.builders.audits import MONDAY, Clock

MINUTE = 60_000_000
"""In microseconds."""

ERASURE = Erasure(
    "era_1",
    "ticket 4711",
    TombstoneMode.ERASED,
    MONDAY,
    "officer",
    "Ann asked for it",
    "ab" * 32,
    ("cus_1", "cus_0"),
    ("cd" * 32,),
    {"observations": 6, "held_orders": 1},
    (KeptCount("device_id", "SHARED", 1),),
    MONDAY + 86_400_000_000,
    "tax law",
    (Acknowledgement("newsletter", MONDAY + MINUTE),),
)
RECEIPT = receipt_of(ERASURE, MONDAY + 1_000_000)


def key_file(folder: Path) -> tuple[KeyFile, ErasureKeys]:
    """A new key file, and its keys."""
    file = KeyFile(folder / "erasure-keys")
    return file, file.create(MONDAY)


def ledger(folder: Path) -> Ledger:
    """The ledger in a folder, as one process has it open."""
    return Ledger(folder / "erasures.ndjson", Clock())


@contextmanager
def held(ledger: Ledger, seconds: float = 5) -> Iterator[Ledger]:
    """A ledger while its lock is held."""
    ledger.acquire(seconds)
    try:
        yield ledger
    finally:
        ledger.release()


def content(name: str) -> bytes:
    """What the ledger keeps of an erasure with a request id, and of its one identifier."""
    hash = hashlib.sha256(name.encode()).hexdigest()
    tombstone = Tombstone(hash, "email", MONDAY, TombstoneMode.ERASED, 1, 1, f"era_{name}")
    erasure = replace(ERASURE, id=f"era_{name}", request_id=name, tombstones=(hash,))
    return msgspec.json.encode(LedgerContent(erasure, (tombstone,)))


def intent(name: str) -> Intent:
    """An intent to erase."""
    return Intent(MONDAY, {1: "ab" * 32}, msgspec.Raw(content(name)))


def intended(ledger: Ledger, *names: str) -> list[Position]:
    """Write intents, and return their positions."""
    with held(ledger):
        return [ledger.append(intent(name)) for name in names]


def names(pending: list[Pending]) -> list[str]:
    """The request ids of intents that a store lacks."""
    return [name_of(bytes(one.intent.content)) for one in pending]


def name_of(content: bytes) -> str:
    """The request id of an erasure."""
    erasure = msgspec.json.decode(content, type=LedgerContent).erasure
    assert erasure is not None
    return erasure.request_id


class Machine:
    """A store, its key file and its ledger. Each process has safeguards of its own.

    The store keeps the request ids of what was erased, as the graph keeps its erasures.
    """

    def __init__(self, store: Store, folder: Path) -> None:
        self.store, self.folder = store, folder
        self.keys = KeyFile(folder / "erasure-keys")
        self.clock = Clock()
        self.applied = 0
        """Number of entries that were carried out again."""

    @property
    def ledger_path(self) -> Path:
        return ledger(self.folder).path

    def process(self, **options: Any) -> Safeguards:
        """The safeguards of another process."""
        options = {"makes_keys": True, **options}
        return Safeguards(self.store, KeyFile(self.keys.path), ledger(self.folder), self.clock, **options)

    async def erased(self) -> list[str]:
        """What was erased."""
        found: list[str] = msgspec.json.decode(await self.store.get_value("erased") or "[]")
        return found

    async def commit(self, *names: str) -> None:
        """Commit erasures."""
        both = dict.fromkeys([*await self.erased(), *names])
        await self.store.put_value("erased", msgspec.json.encode(list(both)).decode())

    async def apply(self, contents: Sequence[bytes]) -> None:
        """Erase again what intents say."""
        self.applied += len(contents)
        await self.commit(*map(name_of, contents))

    async def erase(self, process: Safeguards, name: str, commit: Callable[[], Awaitable[None]] | None = None) -> None:
        """Erase under a request id; `commit` replaces the commit."""
        await process.carry_out(content(name), commit or (lambda: self.commit(name)))
