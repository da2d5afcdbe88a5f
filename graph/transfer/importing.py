"""Imports the records of one store into another one, so that both hold the same: ids, feed and history included."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Protocol

from graph.domain.model.audiences import Audience, Delivery, WaitingChange
from graph.domain.model.changes import Entry
from graph.domain.model.erasures import Erasure, HeldOrder
from graph.domain.model.errors import InvalidInput
from graph.domain.model.idempotency import IdempotentResult
from graph.domain.model.links import Link
from graph.domain.model.overrides import Override
from graph.domain.model.products import Product
from graph.domain.model.restrictions import Restriction
from graph.domain.model.rules import StoredRules
from graph.domain.model.segments import Membership, Segment
from graph.domain.model.source_revocations import SourceRevocation
from graph.domain.model.store_values import NewNode, Writes
from graph.domain.model.stored_records import (
    Record,
    StoredCustomer,
    StoredIdentifier,
    StoredObservation,
    StoredValue,
)
from graph.domain.model.tombstones import Tombstone
from graph.ports import COPYING, BulkLoadStore, CustomerStore

BATCH_SIZE = 5_000
"""Records of one transaction. A customer and its identifiers are in one, however many they are."""


class ImportStore(BulkLoadStore, CustomerStore, Protocol):
    """Loading of a whole history, and products."""


class Portion:
    """The records of one transaction, as writes."""

    def __init__(self) -> None:
        self.size = 0
        self.writes = Writes()
        self.loaded: set[str] = set()
        """Identifiers of earlier portions that this one refers to."""
        self.rules: list[StoredRules] = []
        self.products: list[Product] = []
        self.due_at: dict[str, int] = {}
        """When the segments of customers of this portion are due; stored after them."""

    def ends_before(self, record: Record) -> bool:
        """Whether a record belongs to the next portion. Memberships refer to customers of earlier ones."""
        if isinstance(record, Membership) and self.writes.customers:
            return True
        return self.size >= BATCH_SIZE and not (isinstance(record, StoredIdentifier) and record.customer)

    def add(self, record: Record) -> None:
        """Add a record."""
        self.size += 1
        writes = self.writes
        match record:
            case StoredIdentifier():
                self._add_identifier(record)
            case StoredObservation():
                writes.receipts.append(record.receipt())
                self.loaded.update(record.keys)
                self.loaded.update(record.fact_holders)
            case Link():
                writes.links[record.pair] = record
                self.loaded.update(record.pair)
            case StoredCustomer():
                writes.customers.append(record.customer(NewNode(len(writes.customers) + 1)))
                if record.due_at:
                    self.due_at[record.id] = record.due_at
            case Entry():
                writes.changes.append(record.change)
            case Membership():
                writes.memberships.append(record)
            case Override():
                writes.overrides_set.append(record)
                self.loaded.update(record.keys)
            case Restriction():
                writes.restrictions.append(record)
                self.loaded.update(record.keys)
            case IdempotentResult():
                writes.idempotent_results.append(record)
            case Segment():
                writes.segments.append(record)
            case StoredValue():
                writes.values[record.name] = record.text
            case SourceRevocation():
                writes.source_revocations.append(record)
            case Tombstone():
                writes.tombstones.append(record)
            case Erasure():
                writes.erasures.append(record)
            case HeldOrder():
                writes.held_orders.append(record)
            case Audience():
                writes.audiences.append(record)
            case Delivery():
                writes.deliveries.append(record)
            case WaitingChange():
                writes.waiting_changes.append(record)
            case StoredRules():
                self.rules.append(record)
            case Product():
                self.products.append(record)

    def _add_identifier(self, record: StoredIdentifier) -> None:
        member = record.member()
        self.writes.members[record.key] = member
        if member.order is not None:
            self.writes.orders[record.key] = member.order
        if record.customer:
            self.writes.moves[record.key] = self.writes.customers[-1].node


def portions(records: Sequence[Record], portion: Portion, numbers: "ChangeNumbers") -> Iterator[Portion]:
    """Add records to a portion; yield each one that is full, and then the last one, which is not."""
    for record in records:
        numbers.check(record)
        if portion.ends_before(record):
            yield portion
            portion = Portion()
        portion.add(record)
    yield portion


class ChangeNumbers:
    """Checks that the history has no gaps: a store numbers what it loads itself."""

    def __init__(self) -> None:
        self._last = 0

    def check(self, record: Record) -> None:
        """Raise `InvalidInput` if the record is a change that does not follow the last one."""
        if isinstance(record, Entry):
            if record.number != self._last + 1:
                raise InvalidInput(
                    "INVALID_FILE", f"the history is damaged: change {record.number} follows change {self._last}"
                )
            self._last = record.number


async def import_records(
    store: ImportStore, batches: AsyncIterator[Sequence[Record]], on_progress: Callable[[int], None]
) -> None:
    """Import everything into a migrated store without data; its rules and named values are replaced.

    `on_progress` is called with the number of records that are stored. If the import fails, the store stays marked as
    being loaded (`COPYING`), and serves no writes. Raises `StoreNotEmpty`, and `InvalidInput` if the history has gaps.
    """
    await store.begin_load(COPYING)
    numbers, portion, done = ChangeNumbers(), Portion(), 0
    due_at: dict[str, int] = {}
    async for batch in batches:
        *full, portion = portions(batch, portion, numbers)
        for ready in full:
            due_at = await _store(store, ready, due_at)
            done += ready.size
            on_progress(done)
    due_at = await _store(store, portion, due_at)
    if due_at:
        await store.load(Writes(segmentation_due=due_at), {})
    await store.end_load()
    on_progress(done + portion.size)


async def _store(store: ImportStore, portion: Portion, due_at: dict[str, int]) -> dict[str, int]:
    """Store a portion, and when the customers before it are due; return when its own are."""
    if portion.rules:
        await store.load_rules(portion.rules)
    if portion.products:
        await store.save_products(portion.products)
    portion.writes.segmentation_due = due_at
    if not portion.writes.empty:
        await store.load(portion.writes, {}, portion.loaded)
    return portion.due_at
