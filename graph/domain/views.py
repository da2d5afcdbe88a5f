"""What can be asked of a customer and what the answer holds, as plain values. Times in microseconds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from graph.domain.customers import Customer
from graph.domain.facts import FactKind
from graph.domain.identifiers import Identifier
from graph.domain.links import Link, State
from graph.domain.marks import Mark
from graph.domain.observations import Evidence
from graph.domain.orders import Order
from graph.domain.timeline import NO_END, Place, TimelineKind

T = TypeVar("T")
MAX_PAGE = 100


@dataclass(frozen=True, slots=True)
class ById:
    """A customer by an id that Kith handed out, retired ones too."""

    id: str


@dataclass(frozen=True, slots=True)
class ByKey:
    """A customer by the key of an identifier it holds."""

    key: str


Asked = ById | ByKey


@dataclass(frozen=True, slots=True)
class IdentifierPage:
    """A page of identifiers by namespace, in the order that is given, then by key.

    `after` is the last one seen: the place of its namespace in `namespaces`, and its key.
    """

    namespaces: tuple[str, ...]
    first: int
    after: tuple[int, str] | None = None


@dataclass(frozen=True, slots=True)
class OrderPage:
    """A page of orders, newest first; `after` is the last (placed_at, key) seen."""

    first: int
    after: tuple[int, str] | None = None


@dataclass(frozen=True, slots=True)
class LinkPage:
    """A page of the links with an end at the customer, by both keys; `after` is the last pair seen."""

    first: int
    after: tuple[str, str] | None = None
    states: tuple[State, ...] = tuple(State)


@dataclass(frozen=True, slots=True)
class MatchPage:
    """A page of the links below the threshold with an end at the customer, by both keys."""

    first: int
    after: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """A page of what happened to the customer, newest first; `after` is the number of the last entry seen."""

    first: int
    after: int | None = None


@dataclass(frozen=True, slots=True)
class FactPage:
    """What is told of a kind, newest first."""

    kind: FactKind
    first: int


@dataclass(frozen=True, slots=True)
class TimelinePage:
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


@dataclass(frozen=True, slots=True)
class TallyPage:
    """The tallies of all identifiers on which facts hang; they are few."""


@dataclass(frozen=True, slots=True)
class SkimPage:
    """The newest interactions as `Skimmed`, in the order of timelines."""

    first: int


PageRequest = (
    IdentifierPage | OrderPage | LinkPage | MatchPage | HistoryPage | FactPage | TimelinePage | TallyPage | SkimPage
)


@dataclass(frozen=True, slots=True)
class Selection:
    """The pages that a view is to hold; id, times, counts and figures come with every view."""

    pages: tuple[PageRequest, ...] = ()

    @classmethod
    def of(cls, pages: Iterable[PageRequest]) -> "Selection":
        """The selection that holds some pages, each once; those of a kind stand together, so that texts repeat."""
        return cls(tuple(sorted(dict.fromkeys(pages), key=lambda page: type(page).__name__)))


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items of a list, and whether more follow."""

    items: Sequence[T]
    more: bool


@dataclass(frozen=True, slots=True)
class IdentifierView:
    """An identifier with what was seen of it; `evidence` is `None` where only a mark names it."""

    identifier: Identifier
    evidence: Evidence | None
    shared: bool = False
    blocked: bool = False


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order with its key."""

    key: str
    order: Order


@dataclass(frozen=True, slots=True)
class Match:
    """A link below the threshold, with the customers at its ends and the *together* and *apart* marks at each."""

    link: Link
    at_a: Customer
    at_b: Customer
    marks_a: Sequence[Mark] = ()
    marks_b: Sequence[Mark] = ()


@dataclass(frozen=True, slots=True)
class CustomerView:
    """The answer about one customer.

    `requested` is the id that was asked for. Pages are found by the request that asked for them. A customer whose
    identifiers are all gone is there, and empty.
    """

    customer: Customer
    requested: str | None = None
    pages: Mapping[PageRequest, Page[Any]] = field(default_factory=dict)
    """By request: `IdentifierView`, `OrderView`, `Link`, `Match`, `Entry`, `Told`, `Moment`, `Skimmed`, tallies."""
