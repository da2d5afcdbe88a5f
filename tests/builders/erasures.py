"""Keys, receipts and ledgers of erasures."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from graph.ports import Store
from service.privacy.keys import ErasureKeys, KeyFile
from service.privacy.ledger import Ledger
from service.privacy.ledger_entries import Intent, Pending, Position
from service.privacy.receipts import Receipt, ReceiptAcknowledgement, ReceiptKept, ReceiptTombstone
from service.privacy.safeguards import Safeguards
from tests.builders.audits import MONDAY, Clock

MINUTE = 60_000_000
"""In microseconds."""

RECEIPT = Receipt(
    erasure_id="era_1",
    request_id="ticket 4711",
    mode="ERASED",
    actor="officer",
    role="privacy",
    erased_at="2026-01-05T08:00:00Z",
    issued_at="2026-01-05T08:00:01Z",
    plan_hash="ab" * 32,
    customers=("cus_1", "cus_0"),
    counts={"observations": 6, "identifiers": 4},
    tombstones=(ReceiptTombstone("email", "cd" * 32, 1),),
    kept=(ReceiptKept("orders", "tax law", 1, "2036-01-01T00:00:00Z"),),
    acknowledgements=(ReceiptAcknowledgement("newsletter", "2026-01-05T08:05:00Z"),),
)


def receipt(**changes: Any) -> Receipt:
    """A receipt with some other members."""
    return replace(RECEIPT, **changes)


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


def intent(content: str = "1") -> Intent:
    """An intent whose content is a JSON value."""
    return Intent(MONDAY, 1, "ab" * 32, Raw(content.encode()))


def intended(ledger: Ledger, *contents: str) -> list[Position]:
    """Write intents, and return their positions."""
    with held(ledger):
        return [ledger.append(intent(content)) for content in contents]


def contents(pending: list[Pending]) -> list[str]:
    """The contents of intents that a store lacks."""
    return [bytes(one.intent.content).decode() for one in pending]


class Machine:
    """A store, its key file and its ledger. Each process has safeguards of its own.

    What is erased here is a JSON list of names; the store keeps all names that were erased.
    """

    def __init__(self, store: Store, folder: Path) -> None:
        self.store, self.folder = store, folder
        self.keys = KeyFile(folder / "erasure-keys")
        self.clock = Clock()
        self.applied = 0
        """Number of intents that were carried out again."""

    @property
    def ledger_path(self) -> Path:
        return ledger(self.folder).path

    def process(self, **options: Any) -> Safeguards:
        """The safeguards of another process."""
        options = {"makes_keys": True, **options}
        return Safeguards(self.store, KeyFile(self.keys.path), ledger(self.folder), self.clock, **options)

    async def erased(self) -> list[str]:
        """The names that were erased."""
        found: list[str] = msgspec.json.decode(await self.store.get_value("erased") or "[]")
        return found

    async def store_erased(self, *names: str) -> None:
        """Commit an erasure."""
        both = dict.fromkeys([*await self.erased(), *names])
        await self.store.put_value("erased", msgspec.json.encode(list(both)).decode())

    async def apply(self, contents: Sequence[bytes]) -> None:
        """Erase again what intents say."""
        for content in contents:
            self.applied += 1
            await self.store_erased(msgspec.json.decode(content))

    async def erase(self, process: Safeguards, name: str, commit: Callable[[], Awaitable[None]] | None = None) -> None:
        """Erase a name, or what `commit` does instead."""
        key = await process.current_key()
        content = msgspec.json.encode(name)
        await process.carry_out(
            key, content, commit or (lambda: self.store_erased(name)), lambda _: f"receipt of {name}"
        )
