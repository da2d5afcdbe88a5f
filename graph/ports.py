"""Protocols of what the graph needs from outside. "must" marks the obligations of every implementation.

A write is a generator: it yields requests, is sent the values they read, and returns its result. So the same decisions
run over a blocking library in a thread and over an asynchronous driver, and no decision can do I/O of its own.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Generator, Mapping, Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

from msgspec import Struct

from graph.domain.model.audiences import (
    Audience,
    Delivery,
    DeliveryCount,
    DeliveryPosition,
    DeliveryStatus,
    WaitingChange,
)
from graph.domain.model.change_filter import Selected
from graph.domain.model.changes import Entry
from graph.domain.model.customers import Node
from graph.domain.model.erasures import Erasure, HeldOrder
from graph.domain.model.idempotency import IdempotentResult, RequestKey
from graph.domain.model.identifiers import Pair
from graph.domain.model.load_columns import PortionColumns
from graph.domain.model.migrations import Migrations
from graph.domain.model.order_totals import OrderTotals
from graph.domain.model.orders import Order
from graph.domain.model.overrides import Override
from graph.domain.model.products import Product
from graph.domain.model.receipts import ObservationKey, Receipt
from graph.domain.model.refused_records import Position, RefusedCount, RefusedFilter, RefusedRecord
from graph.domain.model.restrictions import Restriction
from graph.domain.model.retention import ExpiryFilter
from graph.domain.model.rules import Rules, StoredRules
from graph.domain.model.segments import Membership, Segment, SegmentState
from graph.domain.model.source_revocations import SourceRevocation
from graph.domain.model.store_values import Writes
from graph.domain.model.stored_records import Exported, Record, StorageDamage
from graph.domain.model.tombstones import Tombstone, TombstoneKeys
from graph.domain.profile.pages import CustomerRef, CustomerView, Selection
from graph.domain.profile.search import Hit, SearchField
from graph.domain.resolution.health import HealthCounts

T = TypeVar("T")

MAX_NEIGHBORS = 20
"""Neighbors of an identifier in its own customer up to which `ReadLinksAt` reads the links between them."""

LOADING = "loading"
"""The name under which a store keeps the progress of a bulk load while the load is running."""
COPYING = "copying"
"""The progress of a load that copies the content of another store: it begins again if it was interrupted."""
IMPORTING = "importing "
"""The beginning of the progress of a load from import files; the id of the files follows."""


class ReadNeighborhood(Struct, frozen=True):
    """Answered with `Neighborhood`: what is stored of everything named here, and the live customers of `keys`.

    `orders` are order keys: all receipts that state facts of these orders are read. `override_keys` are identifiers
    whose overrides are read; `override_ids` are ids of overrides; `idempotency_keys` are looked up among the requests
    that were carried out. `tombstones` are hashes, of orders that are held too. `keys` are locked until the transaction
    ends.
    """

    receipts: Sequence[ObservationKey] = ()
    orders: Sequence[str] = ()
    keys: Sequence[str] = ()
    pairs: Sequence[Pair] = ()
    override_keys: Sequence[str] = ()
    override_ids: Sequence[str] = ()
    idempotency_keys: Sequence[RequestKey] = ()
    tombstones: Sequence[str] = ()


class ReadEvidence(Struct, frozen=True):
    """Answered with `EvidenceByKey`: for each of `keys`, all valid statements that name it."""

    keys: Sequence[str]


class ReadStatedAttributes(Struct, frozen=True):
    """Answered with `EvidenceByKey`: for each of `keys`, all valid statements whose attributes are attached to it."""

    keys: Sequence[str]


class ReadConsents(Struct, frozen=True):
    """Answered with `Mapping[str, Sequence[Fact]]`: for each of `keys`, all valid consent decisions that name it."""

    keys: Sequence[str]


class ReadRegion(Struct, frozen=True):
    """Answered with `Region`: everything connected with `seeds`; excluded links of `opened` count as connections."""

    seeds: frozenset[str]
    opened: frozenset[str]


class ReadDisputes(Struct, frozen=True):
    """Answered with `Region`, or `None` if there is more than `first` of anything.

    It has all suspended links at the identifiers of the customers `nodes` and all overrides that name these, with the
    identifiers at both ends and the customers that hold them, all of which must be locked until the transaction ends.
    A store must find them without reading the other identifiers of the customers.
    """

    nodes: frozenset[Node]
    first: int


class ReadLinksAt(Struct, frozen=True):
    """Answered with `Region`, or `None` if the identifier `key` has more than `first` links.

    It has all links at `key`, excluded ones too; those between its neighbors in its own customer, if it has at most
    `MAX_NEIGHBORS` there; all these identifiers; and the customers that hold them or have `key` as their anchor. All
    must be locked until the transaction ends.
    """

    key: str
    first: int


class ReadValues(Struct, frozen=True):
    """Answered with `list[str]`: the identifiers of a namespace that the customer `node` holds, in any order.

    A store must find them without reading the customer's other identifiers.
    """

    node: Node
    namespace: str


class ReadSegments(Struct, frozen=True):
    """Answered with `list[Segment]`: all segments, which are locked until the transaction ends."""


class ReadSegmentStates(Struct, frozen=True):
    """Answered with `list[SegmentState]`: the recorded states of customers by id, in any order; locked too."""

    ids: Sequence[str]


class ReadSourceRevocations(Struct, frozen=True):
    """Answered with `list[SourceRevocation]`: all of them, oldest first, locked until the transaction ends."""


class ReadCustomerKeys(Struct, frozen=True):
    """Answered with `CustomerKeys`: the live customer that an id leads to, or that holds an identifier, locked."""

    ref: CustomerRef


class ReadReceipts(Struct, frozen=True):
    """Answered with `list[Receipt]`: all observations, of any status, that name one of `keys`, in any order.

    Observations that no identifier leads to (`Receipt.is_indexed`) may name any, so all of them are returned.
    """

    keys: Sequence[str]


class ReadNamedKeys(Struct, frozen=True):
    """Answered with `set[str]`: those of `keys` that an observation of any status names that is not in `without`."""

    keys: Sequence[str]
    without: Sequence[ObservationKey]


class ReadEntries(Struct, frozen=True):
    """Answered with `list[Entry]`: the `first` entries of the history after a number, locked until the end."""

    after: int
    first: int


class ReadHistory(Struct, frozen=True):
    """Answered with `list[Entry]`: all entries of the history that name one of some customers, in order."""

    ids: Sequence[str]


class ReadErasures(Struct, frozen=True):
    """Answered with `list[Erasure]`: the erasures with an id, or a request id, of `ids`."""

    ids: Sequence[str]


class ReadRestrictions(Struct, frozen=True):
    """Answered with `list[Restriction]`, oldest first: those on any of `keys`, and those with `ids` or of `requests`.

    The last two are also found when they are lifted. All are locked until the transaction ends.
    """

    keys: Sequence[str] = ()
    ids: Sequence[str] = ()
    requests: Sequence[RequestKey] = ()


class ReadAudiences(Struct, frozen=True):
    """Answered with `list[Audience]`, by id."""


class ReadDeliveries(Struct, frozen=True):
    """Answered with `list[HeldDelivery]`, locked until the transaction ends.

    Those that were decided for some customers, those of some pairs of an audience and a key, and the removals that are
    part of some erasures.
    """

    customers: Sequence[str] = ()
    places: Sequence[tuple[str, str]] = ()
    erasures: Sequence[str] = ()


class Write(Struct, frozen=True):
    """Answered with `None`: everything in `writes` is stored when the transaction commits."""

    writes: Writes


Request = (
    ReadNeighborhood
    | ReadEvidence
    | ReadStatedAttributes
    | ReadConsents
    | ReadRegion
    | ReadDisputes
    | ReadLinksAt
    | ReadValues
    | ReadSegments
    | ReadSegmentStates
    | ReadSourceRevocations
    | ReadCustomerKeys
    | ReadReceipts
    | ReadNamedKeys
    | ReadEntries
    | ReadHistory
    | ReadErasures
    | ReadRestrictions
    | ReadAudiences
    | ReadDeliveries
    | Write
)
Work = Generator[Request, Any, T]


class NamedValues(Protocol):
    """Texts by name."""

    async def put_value(self, name: str, text: str) -> None:
        """Store a text under a name; it replaces the previous text."""
        ...

    async def get_value(self, name: str) -> str | None:
        """Return the text stored under a name."""
        ...

    async def replace_value(self, name: str, text: str, expected: str | None) -> bool:
        """Store a text under a name if the text `expected` is stored there, `None` for nothing; return whether it was.

        Must compare and store as one step, against other processes too.
        """
        ...


class WriteStore(NamedValues, Protocol):
    """Writes, the results of idempotent requests, and named values."""

    max_batch_size: int
    """The number of commands that one write should hold at most while other tasks need the event loop, on which the
    store may run the write's decisions."""

    @property
    def contended(self) -> bool:
        """Whether writes of this process and of another have waited for each other a moment ago."""
        ...

    @property
    def conflicts(self) -> int:
        """How many transactions ran again because writers conflicted, since the store was opened."""
        ...

    async def write(self, work: Callable[[], Work[T]]) -> T:
        """Run one write in one transaction.

        Must call `work` again for each try and retry if writers conflict; must keep what the write has read unchanged
        until commit against other writers, of other processes too; must return only what is durable; must leave
        nothing behind if `work` raises.
        """
        ...

    async def idempotent_result(self, key: RequestKey) -> IdempotentResult | None:
        """Return the stored result of a request by its caller and idempotency key, `None` if it was not carried out."""
        ...


class CustomerStore(Protocol):
    """Customers and what is attached to them: identifiers, orders, products, search words, and counts of all."""

    async def customers(self, refs: Sequence[CustomerRef], selection: Selection) -> list[CustomerView | None]:
        """Return the requested views in the order of `refs`, `None` for a customer that does not exist.

        Must read in one round trip, except for a repeat if a change is committed in between, and for interactions by
        their properties, of which only so many are read at once. Must never show half a change; must read no more than
        the selection names, and whether the customer is restricted.
        """
        ...

    async def customer_ids_of(self, keys: Sequence[str]) -> list[str]:
        """Return the id of the customer that holds each identifier, empty for an identifier in no customer."""
        ...

    async def customer_ids(self, after: str, first: int) -> list[str]:
        """Return the ids of live customers greater than `after`, by id."""
        ...

    async def count_customers(self) -> int:
        """Return the number of live customers."""
        ...

    async def search(
        self, word: str, fields: Sequence[SearchField], within: Sequence[str] | None, first: int
    ) -> list[Hit]:
        """Return up to `first` texts of some fields that match a folded word: whole, by prefix, or with typing errors.

        Must look for typing errors (`errors_allowed`) only if nothing matches without. With `within` only texts of
        these customers count.
        """
        ...

    async def identifiers_beginning_with(self, beginnings: Sequence[str], first: int) -> list[Hit]:
        """Return up to `first` identifiers of customers for each beginning of a key, by key; none is returned twice."""
        ...

    async def orders(self, keys: Sequence[str]) -> list[Order | None]:
        """Return the facts of orders by their keys, in order; `None` for an order without facts."""
        ...

    async def save_products(self, products: Sequence[Product]) -> list[bool]:
        """Store statements about products, at most one each; return for each whether it is the current one.

        Must keep the newest statement about each product; of two with the same time, that of the smaller source.
        """
        ...

    async def products(self, skus: Sequence[str]) -> dict[str, Product]:
        """Return the current statements about products by SKU; unknown products are left out."""
        ...

    async def order_totals(self, after: str, first: int) -> list[tuple[str, OrderTotals]]:
        """Return the ids greater than `after` and the order totals of live customers with orders, by id.

        Must leave out customers that are restricted.
        """
        ...

    async def health_counts(self, rules: Rules, first: int) -> HealthCounts:
        """Return counts over the whole store, up to `first` entries a list, those with the highest counts.

        `multi_value_keys` are counted in the known namespaces of the rules. `guarded` and `contradictory_keys` must be
        empty without guards. A customer's value sets contradict each other if they are not consistent
        (`is_consistent`); the anchors of those with the most value sets must come first.
        """
        ...


class HistoryStore(Protocol):
    """What happened to customers: the history, and the overrides in effect."""

    async def changes(self, after: int, first: int) -> list[Entry]:
        """Return the history after entry number `after`, in order.

        Must show an entry only when all entries before it are visible.
        """
        ...

    async def selected_changes(
        self, selected: Selected, low: int, high: int, first: int, newest_first: bool
    ) -> list[Entry]:
        """Return the entries that are selected, with numbers greater than `low` and up to `high`, in order.

        All entries up to `high` are visible. Must not read more of the history than it has of the kinds, or of the
        customers, that are selected; of kinds alone, no more than `first` of each.
        """
        ...

    async def newest_change(self) -> int:
        """Return the number of the newest entry of the history, 0 if the history is empty."""
        ...

    async def history(self, ids: Sequence[str]) -> list[Entry]:
        """Return all entries of the history that name any of these customers, in order."""
        ...

    async def customers_mentioning(self, key: str) -> list[str]:
        """Return the customers of the entries that name an identifier; may read the whole history."""
        ...

    async def overrides(self, key: str | None, after: tuple[int, str] | None, first: int) -> list[Override]:
        """Return overrides by (time set, id): those that name `key`, or all. `after` is the last one seen."""
        ...

    async def override(self, id: str) -> Override | None:
        """Return an override by its id."""
        ...


class SegmentStore(Protocol):
    """Segments and their recorded members."""

    async def segments(self) -> list[Segment]:
        """Return all segments, by name."""
        ...

    async def segment_states(self, ids: Sequence[str]) -> list[SegmentState]:
        """Return the recorded state of the customers with these ids, in any order; unknown ids are left out."""
        ...

    async def members(self, segment: str, after: str, first: int) -> list[Membership]:
        """Return the memberships of a segment with customer ids greater than `after`, by id."""
        ...

    async def count_members(self, segment: str) -> int:
        """Return the number of members of a segment."""
        ...

    async def due_for_segmentation(self, now: int, first: int) -> list[str]:
        """Return the ids, live or retired, that are due for segmentation at `now` (microseconds), longest due first."""
        ...


class RulesStore(Protocol):
    """The rules, and the observations that are processed under them."""

    async def rules(self) -> list[StoredRules]:
        """Return the newest two versions of the rules, newest first; empty in a store without rules.

        Must keep all versions.
        """
        ...

    async def rules_of(self, versions: Sequence[int]) -> list[StoredRules]:
        """Return some versions of the rules, oldest first."""
        ...

    async def save_rules(self, text: str, expected_version: int, at: int) -> int:
        """Store a text as the newest version of the rules and return its number. `at` is in microseconds.

        Must raise `VersionConflict` unless `expected_version` is the newest version (0 in a store without rules).
        If observations are stored, the new version is pending until all of them are reprocessed.
        """
        ...

    async def observations(self, after: ObservationKey | None, version: int, first: int) -> list[ObservationKey]:
        """Return the observations after `after`, by (source, id), that are not yet processed under a version."""
        ...

    async def related_observations(
        self, keys: Sequence[ObservationKey], version: int, first: int
    ) -> list[ObservationKey]:
        """Return up to `first` observations of the same customers that are not yet processed under a version.

        The customers are those of the identifiers that `keys` name, except shared identifiers. The order is any, and
        the given observations may be among them.
        """
        ...

    async def count_observations(self) -> int:
        """Return the number of stored observations."""
        ...

    async def receipts(self, after: ObservationKey | None, first: int) -> list[Receipt]:
        """Return the receipts after `after`, by (source, id), for previews, which read all of them."""
        ...


class StatementStore(Protocol):
    """What sources stated, by the identifiers that they named."""

    async def statements_naming(self, keys: Sequence[str], after: ObservationKey | None, first: int) -> list[Receipt]:
        """Return the receipts after `after` that name any of `keys`, by (source, id), whatever their status.

        Those of valid observations have their fact holders. The page also contains observations that no identifier
        leads to (`Receipt.is_indexed`), and may contain others that do not name any of `keys` under the rules.
        """
        ...


class SourceRevocationStore(Protocol):
    """Source revocations, and the observations that they may cover. They are written by `Writes`.

    After a revocation or a restoration is committed, no write that has read the revocations before it must commit.
    """

    async def source_revocations(self) -> list[SourceRevocation]:
        """Return all source revocations, oldest first, those that were restored too."""
        ...

    async def observations_of_source(
        self, source: str, recorded_from: int | None, recorded_to: int, after: str, first: int
    ) -> list[str]:
        """Return the ids greater than `after` of the observations of a source that arrived in a window, by id.

        Must leave out revocations of observations that have not arrived.
        """
        ...

    async def count_observations_of_source(self, source: str, recorded_from: int | None, recorded_to: int) -> int:
        """Return how many observations `observations_of_source` returns in all."""
        ...


class ErasureStore(Protocol):
    """Erasures, tombstones and held orders. They are written by `Writes`.

    After an erasure is committed, no write that has read the tombstones before it must commit.
    """

    async def erasures(self, after: tuple[int, str] | None, first: int) -> list[Erasure]:
        """Return erasures by (time, id); `after` is the last one seen."""
        ...

    async def erasure(self, id: str) -> Erasure | None:
        """Return an erasure by its id, or by the id of the request."""
        ...

    async def erasure_of_customer(self, id: str) -> Erasure | None:
        """Return the erasure of the customer with an id; `None` if it was not erased."""
        ...

    async def tombstones(self, hashes: Sequence[str]) -> list[Tombstone]:
        """Return the tombstones with some hashes, in any order."""
        ...

    async def all_tombstones(self, after: str, first: int) -> list[Tombstone]:
        """Return tombstones with hashes greater than `after`, by hash."""
        ...

    async def tombstone_versions(self) -> list[tuple[int, int]]:
        """Return which versions of the keys and of the rules tombstones were made with, each pair once."""
        ...

    async def held_orders(self, after: str, first: int) -> list[HeldOrder]:
        """Return held orders with hashes greater than `after`, by hash."""
        ...

    async def identifier_keys(self, after: str, first: int) -> list[str]:
        """Return the keys of stored identifiers greater than `after`, by key."""
        ...

    async def remove_traces(self) -> None:
        """Remove what is left in files of what was removed, as far as the database can do it while it serves."""
        ...


class ErasureSafeguards(Protocol):
    """What makes an erasure last and is kept outside the store: the keys of tombstones, and the ledger."""

    def keys(self) -> TombstoneKeys:
        """Return the keys as they are now; without secrets if erasure was never set up."""
        ...

    def check_available(self) -> None:
        """Raise `InvalidInput` with the reason if nothing can be erased."""
        ...

    def receipt(self, erasure: Erasure) -> str:
        """Return the signed receipt of an erasure; raises `InvalidInput` if there are no keys."""
        ...

    async def carry_out(self, content: bytes, commit: Callable[[], Awaitable[T]]) -> T:
        """Record what is to be erased, as JSON without values of a person, commit it, and return the result.

        Must be finished also if the caller is canceled; must erase `content` again if the process ends in between.
        """
        ...


class RestrictionStore(Protocol):
    """Restrictions. They are written by `Writes`."""

    async def restrictions(
        self, customer: str | None, in_effect: bool, after: tuple[int, str] | None, first: int
    ) -> list[Restriction]:
        """Return restrictions by (time set, id) after the last one seen; with `in_effect`, without those lifted.

        With `customer`, only those on an identifier of the live customer with this id, and those that were set on a
        customer with this id.
        """
        ...

    async def has_restrictions(self) -> bool:
        """Return whether any identifier is restricted; must not take longer for a larger store."""
        ...


class RetentionStore(Protocol):
    """The observations of which something may have expired."""

    async def expirable_observations(
        self, filters: Sequence[ExpiryFilter], after: ObservationKey | None, first: int
    ) -> tuple[list[Receipt], ObservationKey | None]:
        """Return those of the next `first` observations after `after`, by (source, id), that meet a filter.

        Must leave out those that name an identifier of a restricted customer.
        With them, return the last of the next observations, `None` if there are none. Must read no more than these.
        The receipts may lack their facts.
        """
        ...

    async def are_stored(self, keys: Sequence[str], observations: Sequence[ObservationKey]) -> bool:
        """Return whether all of some identifiers and observations, none of which is named twice, are stored."""
        ...


class RefusedRecordStore(Protocol):
    """Records that were refused. Nothing else in a store refers to them, and they may be kept while a load runs."""

    async def save_refused_records(self, records: Sequence[RefusedRecord], most: int) -> int:
        """Store refused records, each of which is named once, in one transaction.

        One that is stored already was delivered again (`RefusedRecord.delivered_again`), with the content that it has.
        Must keep no more than the `most` newest of a source; returns how many older ones went.
        """
        ...

    async def refused_records(
        self, filter: RefusedFilter, after: Position | None, first: int, with_content: bool = True
    ) -> list[RefusedRecord]:
        """Return refused records behind a position, newest first; with empty contents unless `with_content`."""
        ...

    async def refused_records_with(self, ids: Sequence[str]) -> list[RefusedRecord]:
        """Return the refused records with some ids, by id; unknown ids are left out."""
        ...

    async def refused_counts(self) -> list[RefusedCount]:
        """Return how many refused records there are, by source and code."""
        ...

    async def delete_refused_records(self, ids: Sequence[str]) -> int:
        """Delete the refused records with some ids, and return how many there were."""
        ...

    async def delete_old_refused_records(self, before: int, first: int) -> int:
        """Delete up to `first` records that were last delivered before a time (microseconds); return how many."""
        ...


class AudienceStore(Protocol):
    """Audiences, the ledger of their deliveries, and changes that destinations have not taken. `Writes` writes them.

    Where an identifier or a customer is removed (`Removals`), each of its deliveries that was sent, or may have been,
    must become a removal that is owed at once, for nobody, with the erasure of the same write if there is one. Those
    that were not sent must be removed.
    """

    async def audiences(self) -> list[Audience]:
        """Return all audiences, by id."""
        ...

    async def due_deliveries(self, destination: str, removals: bool, now: int, first: int) -> list[Delivery]:
        """Return deliveries of a destination that are due at a time, by that time: removals only, or no removals."""
        ...

    async def next_delivery(self, destination: str) -> int | None:
        """Return when the next delivery of a destination is due (microseconds); `None` if nothing is to be done."""
        ...

    async def deliveries(
        self,
        destination: str,
        audience: str | None,
        status: DeliveryStatus | None,
        after: DeliveryPosition | None,
        first: int,
    ) -> list[Delivery]:
        """Return deliveries of a destination behind a position, by audience and key; those of an audience or status."""
        ...

    async def deliveries_naming(self, keys: Sequence[str]) -> list[Delivery]:
        """Return the deliveries of some identifiers, by audience and key."""
        ...

    async def open_deliveries(self) -> list[DeliveryCount]:
        """Count the deliveries that are not done. Must not take longer for more of those that are."""
        ...

    async def count_open(self, destination: str, status: DeliveryStatus, limit: int) -> int:
        """Count the deliveries of a destination with a status other than done, up to a limit.

        Must not take longer for more of them than the limit.
        """
        ...

    async def count_sent(self, audience: str) -> int:
        """Return how many addresses of an audience its destination holds."""
        ...

    async def waiting_changes(self, destination: str, after: int, first: int) -> list[WaitingChange]:
        """Return the changes with numbers greater than `after` that a destination has not taken, by number."""
        ...


class BulkLoadStore(Protocol):
    """Loading a whole history at once."""

    async def begin_load(self, progress: str) -> None:
        """Prepare the store for the load of a whole history, and store the text `progress` under `LOADING`.

        A load that was begun continues. Must raise `StoreNotEmpty` if data about any customer is stored. Until
        `end_load` every write except `load`, `put_value` and `replace_value` must raise `StoreUnavailable`, in other
        processes too.
        """
        ...

    async def load(self, writes: Writes, numbers: Mapping[str, int], loaded: Collection[str] = ()) -> None:
        """Store a part of a history in one transaction; nothing in it must be stored already.

        Identifiers are loaded first, in the order of their numbers from 1; `numbers` are the numbers of the identifiers
        that were loaded before and that `writes` refers to. Those without a known number are in `loaded`, which may
        name identifiers that are not stored, too.
        """
        ...

    async def load_rules(self, rules: Sequence[StoredRules]) -> None:
        """Store versions of the rules as another store had them, in place of all that are stored."""
        ...

    async def end_load(self) -> None:
        """End the load: reads and writes are served again, as fast as if everything had been written one by one."""
        ...


@runtime_checkable
class ColumnLoadStore(Protocol):
    """Loading a whole history as columns, which a store may offer beside `load`."""

    async def load_columns(self, portion: PortionColumns, progress: str) -> None:
        """Store a portion of a history in one transaction, with the text `progress` under `LOADING`.

        Must store what `load` of the same history would. Portions come in the order of their stages and numbers.
        """
        ...


class ExportStore(Protocol):
    """Reading everything that a store holds."""

    def export(self) -> AsyncGenerator[Sequence[Record], None]:
        """Yield everything in the order of `KINDS`, in batches; customers are followed by their identifiers.

        Must show one state, between two commits. The caller closes the generator. Must raise `StoreUnavailable` while
        a load is running.
        """
        ...

    def export_with_indexes(self) -> AsyncGenerator[Sequence[Exported], None]:
        """As `export`; each observation is followed by its `StoredIndexes`, and the words of identifiers come last."""
        ...

    async def count_records(self) -> int:
        """Return about how many records there are to export."""
        ...


class StoreSize(Struct, frozen=True):
    """The size of a store: identifiers, also those without a customer, and bytes on disk, `None` if not known."""

    identifiers: int
    bytes: int | None


class RepairStore(Protocol):
    """Finding and repairing what contradicts itself within a store."""

    async def check_storage(self) -> list[StorageDamage]:
        """Return what is damaged in the files of the store, or refers to what does not exist."""
        ...

    async def repair_storage(self) -> None:
        """Repair what can be repaired of it: remove references to what does not exist, and build indexes again."""
        ...

    async def rewrite_words(self, keys: Sequence[str] | None = None) -> None:
        """Write the words by which identifiers are found again; those of all identifiers if there are no `keys`."""
        ...


class StoreLifecycle(Protocol):
    """Set-up, readiness and shutdown of a store."""

    @property
    def bookmarks(self) -> frozenset[str]:
        """The states of the database that this process has seen, if other processes may see older ones; else empty.

        Must include each write of this process that was answered.
        """
        ...

    async def reach(self, bookmarks: frozenset[str]) -> None:
        """Wait until the states of some bookmarks of any process can be read; all reads from then on must see them.

        Must end within seconds. Must raise `InvalidInput` for bookmarks of another database, and `StoreUnavailable` if
        the states cannot be read in time.
        """
        ...

    async def migrations(self) -> Migrations:
        """Return which migrations the store lacks, and which ones of a newer program it has; must change nothing."""
        ...

    async def migrate(self) -> list[str]:
        """Carry out the migrations that the store lacks, in order, and return their names.

        Must be safe to repeat, in several processes at once too, and must complete what another process has left
        unfinished. Must raise `StoreVersionMismatch` for a store of a newer program, whose writes are refused in
        programs that were running before, too.
        """
        ...

    async def ready(self) -> str:
        """Return an empty text if reads and writes can be served, otherwise what is missing; must not raise or hang."""
        ...

    async def size(self) -> StoreSize:
        """Return the size of the store; must not take longer for a larger store."""
        ...

    async def close(self) -> None:
        """Close connections and files."""
        ...


class CustomerWriteStore(CustomerStore, WriteStore, Protocol):
    """Customers and writes."""


class CustomerHistoryStore(CustomerStore, HistoryStore, Protocol):
    """Customers and their history."""


class Store(
    WriteStore,
    CustomerStore,
    HistoryStore,
    SegmentStore,
    RulesStore,
    StatementStore,
    SourceRevocationStore,
    ErasureStore,
    RestrictionStore,
    RetentionStore,
    RefusedRecordStore,
    AudienceStore,
    BulkLoadStore,
    ExportStore,
    RepairStore,
    StoreLifecycle,
    Protocol,
):
    """A database that holds the graph.

    It must raise `StoreUnavailable`, and no error of its driver's own, if the database does not answer, and must
    recover by itself when the database does.
    """


class Clock(Protocol):
    """The source of the time."""

    def now(self) -> int:
        """Return the microseconds since 1970-01-01T00:00Z."""
        ...


class Ids(Protocol):
    """The source of ids, which must be opaque and must never repeat."""

    def customer(self) -> str:
        """Return an id for a new customer."""
        ...

    def override(self) -> str:
        """Return an id for a new override."""
        ...

    def segment(self) -> str:
        """Return an id for a new segment."""
        ...

    def preview(self) -> str:
        """Return an id for a new preview."""
        ...

    def source_revocation(self) -> str:
        """Return an id for a new source revocation."""
        ...

    def erasure(self) -> str:
        """Return an id for a new erasure."""
        ...

    def restriction(self) -> str:
        """Return an id for a new restriction."""
        ...

    def audience(self) -> str:
        """Return an id for a new audience."""
        ...

    def secret(self) -> str:
        """Return a secret that nobody can guess."""
        ...
