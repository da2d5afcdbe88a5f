"""What can be asked of a customer and what the answer holds, as plain values. Times in microseconds."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from msgspec import Struct, field

from graph.domain.model.customers import Customer
from graph.domain.model.facts import FactKind
from graph.domain.model.identifiers import Identifier
from graph.domain.model.links import Link, State
from graph.domain.model.observations import Evidence
from graph.domain.model.orders import Order
from graph.domain.model.overrides import Mark
from graph.domain.profile.timeline import NO_END, Place, TimelineKind

T = TypeVar("T")
MAX_PAGE = 100


class ById(Struct, frozen=True, gc=False):
    """A customer by an id that Kith handed out, retired ones too."""

    id: str


class ByKey(Struct, frozen=True, gc=False):
    """A customer by the key of an identifier it holds."""

    key: str


Asked = ById | ByKey


class IdentifierPage(Struct, frozen=True, gc=False, cache_hash=True):
    """A page of identifiers by namespace, in the order that is given, then by key.

    `after` is the last one seen: the place of its namespace in `namespaces`, and its key.
    """

    namespaces: tuple[str, ...]
    first: int
    after: tuple[int, str] | None = None


class OrderPage(Struct, frozen=True, gc=False, cache_hash=True):
    """A page of orders, newest first; `after` is the last (placed_at, key) seen."""

    first: int
    after: tuple[int, str] | None = None


class LinkPage(Struct, frozen=True, gc=False, cache_hash=True):
    """A page of the links with an end at the customer, by both keys; `after` is the last pair seen."""

    first: int
    after: tuple[str, str] | None = None
    states: tuple[State, ...] = tuple(State)


class MatchPage(Struct, frozen=True, gc=False, cache_hash=True):
    """A page of the links below the threshold with an end at the customer, by both keys."""

    first: int
    after: tuple[str, str] | None = None


class HistoryPage(Struct, frozen=True, gc=False, cache_hash=True):
    """A page of what happened to the customer, newest first; `after` is the number of the last entry seen."""

    first: int
    after: int | None = None


class FactPage(Struct, frozen=True, gc=False, cache_hash=True):
    """What is told of a kind, newest first."""

    kind: FactKind
    first: int


class TimelinePage(Struct, frozen=True, gc=False, cache_hash=True):
    """A page of interactions, orders and history; `after` is the place of the last item seen.

    With `channels`, `types`, `campaign` or `sku` there are interactions of these only. `since` and `until` are in
    microseconds; `since` belongs to it.
    """

    first: int
    after: Place | None = None
    kinds: tuple[TimelineKind, ...] = tuple(TimelineKind)
    channels: tuple[str, ...] | None = None
    types: tuple[str, ...] | None = None
    campaign: str | None = None
    sku: str | None = None
    since: int = -NO_END
    until: int | None = None


class TallyPage(Struct, frozen=True, gc=False, cache_hash=True):
    """The tallies of all identifiers on which facts hang; they are few."""


class SkimPage(Struct, frozen=True, gc=False, cache_hash=True):
    """The newest interactions as `Skimmed`, in the order of timelines."""

    first: int


PageRequest = (
    IdentifierPage | OrderPage | LinkPage | MatchPage | HistoryPage | FactPage | TimelinePage | TallyPage | SkimPage
)


class Selection(Struct, frozen=True, gc=False, cache_hash=True):
    """The pages that a view is to hold; id, times, counts and figures come with every view."""

    pages: tuple[PageRequest, ...] = ()

    @classmethod
    def of(cls, pages: Iterable[PageRequest]) -> "Selection":
        """The selection that holds some pages, each once; those of a kind stand together, so that texts repeat."""
        return cls(tuple(sorted(dict.fromkeys(pages), key=lambda page: type(page).__name__)))


class Page(Struct, Generic[T], frozen=True):
    """Some items of a list, and whether more follow."""

    items: Sequence[T]
    more: bool


class IdentifierView(Struct, frozen=True, gc=False):
    """An identifier with what was seen of it; `evidence` is `None` where only a mark names it."""

    identifier: Identifier
    evidence: Evidence | None
    shared: bool = False
    blocked: bool = False


class OrderView(Struct, frozen=True, gc=False):
    """An order with its key."""

    key: str
    order: Order


class Match(Struct, frozen=True, gc=False):
    """A link below the threshold, with the customers at its ends and the *together* and *apart* marks at each."""

    link: Link
    at_a: Customer
    at_b: Customer
    marks_a: Sequence[Mark] = ()
    marks_b: Sequence[Mark] = ()


class CustomerView(Struct, frozen=True, gc=False):
    """The answer about one customer.

    `requested` is the id that was asked for. Pages are found by the request that asked for them. A customer whose
    identifiers are all gone is there, and empty.
    """

    customer: Customer
    requested: str | None = None
    pages: Mapping[PageRequest, Page[Any]] = field(default_factory=dict)
    """By request: `IdentifierView`, `OrderView`, `Link`, `Match`, `Entry`, `Told`, `Moment`, `Skimmed`, tallies."""
