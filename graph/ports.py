"""What the graph needs from outside, as Protocols. "must" marks what every implementation owes.

A write is a generator: it yields requests, is sent what they read, and returns its answer. So the same decisions run
over a blocking library in a thread and over an asynchronous driver, and nothing in them can do I/O of its own.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from msgspec import Struct

from graph.domain.model.changes import Entry
from graph.domain.model.idempotency import Answered, RequestKey
from graph.domain.model.identifiers import Pair
from graph.domain.model.order_totals import Figures
from graph.domain.model.orders import Order
from graph.domain.model.overrides import Mark
from graph.domain.model.products import Product
from graph.domain.model.receipts import ObservationKey, Receipt
from graph.domain.model.rules import KeptRules
from graph.domain.model.segments import Belonging, Membership, Segment
from graph.domain.model.store_values import Writes
from graph.domain.profile.pages import Asked, CustomerView, Selection
from graph.domain.profile.search import Field, Hit
from graph.domain.resolution.health import Survey

T = TypeVar("T")

LOADING = "loading"
"""The name under which a store keeps how far it is loaded, while it is."""


class ReadAround(Struct, frozen=True):
    """Answered with `Around`: all that is stored of what is named here, and the live customers of `keys`.

    `orders` are order keys: all receipts that state facts of these orders are read. `marked` are identifiers whose
    marks are read; `marks` are ids of marks; `requests` are looked for among those answered. `keys` are locked until
    the transaction ends.
    """

    receipts: Sequence[ObservationKey] = ()
    orders: Sequence[str] = ()
    keys: Sequence[str] = ()
    pairs: Sequence[Pair] = ()
    marked: Sequence[str] = ()
    marks: Sequence[str] = ()
    requests: Sequence[RequestKey] = ()


class ReadSupport(Struct, frozen=True):
    """Answered with `Support`: all valid statements that name each of `keys`."""

    keys: Sequence[str]


class ReadRegion(Struct, frozen=True):
    """Answered with `Region`: all that is connected with `seeds`; of `opened` idle links and what they reach too."""

    seeds: frozenset[str]
    opened: frozenset[str]


class ReadSegments(Struct, frozen=True):
    """Answered with `list[Segment]`: all segments; they are locked until the transaction ends."""


class ReadBelongings(Struct, frozen=True):
    """Answered with `list[Belonging]`: what is recorded of the customers of some ids, in any order; locked too."""

    ids: Sequence[str]


class Write(Struct, frozen=True):
    """Answered with `None`: everything in `writes` is stored when the transaction commits."""

    writes: Writes


Request = ReadAround | ReadSupport | ReadRegion | ReadSegments | ReadBelongings | Write
Work = Generator[Request, Any, T]


class WriteStore(Protocol):
    """Writes, each request carried out once, and texts that are kept under names."""

    most_at_once: int
    """How many commands a write should hold at most while others need the event loop, where they may be decided."""

    async def write(self, work: Callable[[], Work[T]]) -> T:
        """Run one write in one transaction.

        Must call `work` anew for each try and retry where writers got in each other's way; must make what it read
        hold until commit against other writers, of other processes too; must answer only what is durable; must leave
        nothing behind where `work` raises.
        """
        ...

    async def answered(self, key: RequestKey) -> Answered | None:
        """A request that was carried out, by its caller and idempotency key."""
        ...

    async def keep(self, name: str, text: str) -> None:
        """Keep a text under a name, in place of the one before."""
        ...

    async def kept(self, name: str) -> str | None:
        """The text that is kept under a name."""
        ...


class CustomerStore(Protocol):
    """Customers, and what hangs on them: identifiers, orders and articles, words to find them by, and counts of all."""

    async def customers(self, asked: Sequence[Asked], selection: Selection) -> list[CustomerView | None]:
        """The views that were asked for, in order, `None` where there is no such customer.

        Must read in one round trip, but for a repeat where a change came in between; must never show half a change;
        must read no more than the selection names.
        """
        ...

    async def holders(self, keys: Sequence[str]) -> list[str]:
        """The ids of the customers that hold some identifiers; empty for those in none."""
        ...

    async def customer_ids(self, after: str, first: int) -> list[str]:
        """The ids of live customers behind one, by id."""
        ...

    async def count_customers(self) -> int:
        """How many live customers there are."""
        ...

    async def find(self, word: str, fields: Sequence[Field], within: Sequence[str] | None, first: int) -> list[Hit]:
        """Up to `first` texts of some fields that a folded word matches: whole, as a beginning, or but for errors.

        Must look for typing errors (`errors_allowed`) only where nothing matches without. With `within` only texts at
        these customers count.
        """
        ...

    async def orders(self, keys: Sequence[str]) -> list[Order | None]:
        """The facts of orders by their keys, in order; `None` where none are stated."""
        ...

    async def put_products(self, products: Sequence[Product]) -> list[bool]:
        """Store what is said of articles, each named once; answers for each whether it is what counts now.

        Must keep of each the newest statement, of the same time that of the smaller source.
        """
        ...

    async def products(self, skus: Sequence[str]) -> dict[str, Product]:
        """What counts of articles, by their numbers; unknown ones are left out."""
        ...

    async def figures(self, after: str, first: int) -> list[tuple[str, Figures]]:
        """The ids and figures of live customers with orders whose id comes after one, by id."""
        ...

    async def survey(self, known: Sequence[str], first: int) -> Survey:
        """What the store counts of itself, up to `first` of each list; `known` are the namespaces of `doubles`."""
        ...


class HistoryStore(Protocol):
    """What became of customers: the history, and the marks that stand."""

    async def changes(self, after: int, first: int) -> list[Entry]:
        """The history behind entry number `after`, in order; must show an entry only when all before it are there."""
        ...

    async def newest_change(self) -> int:
        """The number of the newest entry of the history, 0 where there is none."""
        ...

    async def history(self, ids: Sequence[str]) -> list[Entry]:
        """All entries of the history that name one of some customers, in order."""
        ...

    async def naming(self, key: str) -> list[str]:
        """The customers of entries that name an identifier; may read the whole history."""
        ...

    async def marks(self, key: str | None, after: tuple[int, str] | None, first: int) -> list[Mark]:
        """Marks by (time set, id), those that name `key` or all; `after` is the last one seen."""
        ...

    async def mark(self, id: str) -> Mark | None:
        """A mark by its id."""
        ...


class SegmentStore(Protocol):
    """Segments, and who is recorded to belong to them."""

    async def segments(self) -> list[Segment]:
        """All segments, by name."""
        ...

    async def belongings(self, ids: Sequence[str]) -> list[Belonging]:
        """What is recorded of the customers of some ids, in any order; unknown ones are left out."""
        ...

    async def members(self, segment: str, after: str, first: int) -> list[Membership]:
        """Who belongs to a segment, behind an id, by id."""
        ...

    async def count_members(self, segment: str) -> int:
        """How many belong to a segment."""
        ...

    async def due(self, now: int, first: int) -> list[str]:
        """The ids, live or retired, whose segments are due at a time (microseconds), longest due first."""
        ...


class RulesStore(Protocol):
    """The rules, and the observations that are read under them."""

    async def rules(self) -> list[KeptRules]:
        """The newest two versions of the rules, newest first; must keep all. Empty in a store without rules."""
        ...

    async def adopt_rules(self, text: str, expected: int, at: int) -> int:
        """Keep a text as the newest version of the rules; answers its number. `at` in microseconds.

        `expected` is the newest version so far, 0 in a store without rules: must raise `Conflict` where it is another.
        Where observations are stored, the version is not read through yet.
        """
        ...

    async def observations(self, after: ObservationKey | None, version: int, first: int) -> list[ObservationKey]:
        """The observations behind one, by (source, id), that were not read under a version of the rules yet."""
        ...

    async def beside(self, keys: Sequence[ObservationKey], version: int, first: int) -> list[ObservationKey]:
        """Of the customers of the identifiers that some observations name: observations, those given too, that were not
        read under a version of the rules yet; at most `first`, in any order. Shared identifiers bring none."""
        ...

    async def count_observations(self) -> int:
        """How many observations are stored."""
        ...

    async def receipts(self, after: ObservationKey | None, first: int) -> list[Receipt]:
        """The receipts behind one, by (source, id): for previews, which read all there is."""
        ...


class BulkLoadStore(Protocol):
    """A whole history at once."""

    async def begin_load(self, mark: str) -> None:
        """Make ready for being loaded with a whole history, and keep a text under `LOADING`.

        What was begun goes on. Must raise `Conflict` where anything is stored of anyone. Until `end_load` every write
        but `load` and `keep` must raise `StoreUnavailable`, in other processes too.
        """
        ...

    async def load(self, writes: Writes, numbers: Mapping[str, int]) -> None:
        """Store a part of a history in one transaction; nothing in it must be stored already.

        Identifiers come first, in the order of their numbers from 1; `numbers` are those of identifiers that were
        loaded before and that `writes` refers to.
        """
        ...

    async def end_load(self) -> None:
        """Everything is loaded: reads and writes are served again, as fast as after writes that came one by one."""
        ...


class StoreLifecycle(Protocol):
    """From being set up to being closed."""

    async def migrate(self) -> list[str]:
        """Bring the store's own structure up to date; must be safe to repeat. Answers what was done, in words."""
        ...

    async def ready(self) -> str:
        """Empty where reads and writes can be served, else what is missing, in words; must not raise or hang."""
        ...

    async def close(self) -> None:
        """Let go of connections and files."""
        ...


class CustomerWriteStore(CustomerStore, WriteStore, Protocol):
    """Customers, and writes."""


class CustomerHistoryStore(CustomerStore, HistoryStore, Protocol):
    """Customers, and what became of them."""


class Store(
    WriteStore,
    CustomerStore,
    HistoryStore,
    SegmentStore,
    RulesStore,
    BulkLoadStore,
    StoreLifecycle,
    Protocol,
):
    """A place where the graph lives.

    It must raise `StoreUnavailable` where the database does not answer and no error of its driver's own, and must
    come back by itself when the database does.
    """


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> int:
        """Microseconds since 1970-01-01T00:00Z."""
        ...


class Ids(Protocol):
    """Where ids come from; they must be opaque and must never repeat."""

    def customer(self) -> str:
        """A new customer's id."""
        ...

    def mark(self) -> str:
        """A new mark's id."""
        ...

    def segment(self) -> str:
        """A new segment's id."""
        ...
