"""The requests for the data of a customer and the values of the answer. Times in microseconds."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from msgspec import Struct, field

from graph.domain.model.customers import Customer
from graph.domain.model.facts import FactKind
from graph.domain.model.identifiers import Identifier
from graph.domain.model.labels import Label
from graph.domain.model.links import Link, LinkState
from graph.domain.model.observations import Evidence
from graph.domain.model.orders import Order
from graph.domain.model.overrides import Override
from graph.domain.profile.property_filters import PropertyFilter
from graph.domain.profile.timeline import NO_END, TimelineKind, TimelinePosition

T = TypeVar("T")
Position = TypeVar("Position", tuple[int, int, str], tuple[int, str, str], str)
MAX_PAGE = 100


class ById(Struct, frozen=True, gc=False):
    """A customer by its id, which may be retired."""

    id: str


class ByKey(Struct, frozen=True, gc=False):
    """A customer by the key of an identifier it holds."""

    key: str


CustomerRef = ById | ByKey


class IdentifierPage(Struct, frozen=True, gc=False, cache_hash=True):
    """A page of identifiers by namespace, in the order of `namespaces`, then by key.

    `after` is the last identifier of the page before: the index of its namespace in `namespaces`, and its key.
    """

    namespaces: tuple[str, ...]
    first: int
    after: tuple[int, str] | None = None


class OrderPage(Struct, frozen=True, gc=False, cache_hash=True):
    """A page of orders, newest first; `after` is the (placed_at, key) of the last order of the page before."""

    first: int
    after: tuple[int, str] | None = None


class LinkPage(Struct, frozen=True, gc=False, cache_hash=True):
    """A page of the links of the customer's identifiers, by pair; `after` is the last pair of the page before."""

    first: int
    after: tuple[str, str] | None = None
    states: tuple[LinkState, ...] = tuple(LinkState)


class MatchPage(Struct, frozen=True, gc=False, cache_hash=True):
    """A page of the links of the customer's identifiers that are below the threshold, by pair."""

    first: int
    after: tuple[str, str] | None = None


class HistoryPage(Struct, frozen=True, gc=False, cache_hash=True):
    """A page of the customer's history, newest first; `after` is the number of the last entry of the page before."""

    first: int
    after: int | None = None


class FactPage(Struct, frozen=True, gc=False, cache_hash=True):
    """A page of the facts of a kind, newest first."""

    kind: FactKind
    first: int


class TimelinePage(Struct, frozen=True, gc=False, cache_hash=True):
    """A page of interactions, orders and changes; `after` is the position of the last item of the page before.

    `channels`, `types`, `campaign`, `sku` and `properties` limit the interactions. `since` (inclusive) and `until`
    (exclusive) are in microseconds.
    """

    first: int
    after: TimelinePosition | None = None
    kinds: tuple[TimelineKind, ...] = tuple(TimelineKind)
    channels: tuple[str, ...] | None = None
    types: tuple[str, ...] | None = None
    campaign: str | None = None
    sku: str | None = None
    since: int = -NO_END
    until: int | None = None
    properties: tuple[PropertyFilter, ...] = ()


class InteractionCountsPage(Struct, frozen=True, gc=False, cache_hash=True):
    """The interaction counts of all identifiers that facts are attached to; there are few."""


class InteractionSummaryPage(Struct, frozen=True, gc=False, cache_hash=True):
    """The newest interactions as `InteractionSummary`, in the order of the timeline."""

    first: int


class EmailEventPage(Struct, frozen=True, gc=False, cache_hash=True):
    """What became of emails to the customer's identifiers of `namespaces`, as `EmailEvent`: all bounces, and by source
    the last email that arrived. In no order.

    All observations that name these identifiers are read, so it is requested only where it is needed.
    """

    namespaces: tuple[str, ...]


PageRequest = (
    IdentifierPage
    | OrderPage
    | LinkPage
    | MatchPage
    | HistoryPage
    | FactPage
    | TimelinePage
    | InteractionCountsPage
    | InteractionSummaryPage
    | EmailEventPage
)


class Selection(Struct, frozen=True, gc=False, cache_hash=True):
    """The pages that a view contains; every view also has the id, times, counts and order totals."""

    pages: tuple[PageRequest, ...] = ()

    @classmethod
    def of(cls, pages: Iterable[PageRequest]) -> "Selection":
        """The selection of these pages without duplicates; sorted by kind, so that stores build the same query text."""
        return cls(tuple(sorted(dict.fromkeys(pages), key=lambda page: type(page).__name__)))


class Page(Struct, Generic[T], frozen=True):
    """Consecutive items of a list, and whether more follow."""

    items: Sequence[T]
    has_more: bool


EMPTY: Page[Any] = Page((), has_more=False)


def page_after(items: Iterable[T], position: Callable[[T], Position], after: Position | None, first: int) -> Page[T]:
    """Return the page of up to `first` items behind a position, of items that are sorted by their positions."""
    remaining = [item for item in items if after is None or position(item) > after]
    return Page(remaining[:first], len(remaining) > first)


class IdentifierView(Struct, frozen=True, gc=False):
    """An identifier with its evidence, which is `None` if only an override names the identifier."""

    identifier: Identifier
    evidence: Evidence | None
    shared: bool = False
    blocked: bool = False


class OrderView(Struct, frozen=True, gc=False):
    """An order with its key."""

    key: str
    order: Order


class Match(Struct, frozen=True, gc=False):
    """A link below the threshold, with the customers of its two identifiers and their TOGETHER and APART overrides."""

    link: Link
    customer_a: Customer
    customer_b: Customer
    overrides_a: Sequence[Override] = ()
    overrides_b: Sequence[Override] = ()


class Withheld(Struct, frozen=True, gc=False):
    """Data that a view leaves out: the label of the data, and the purpose for which consent is not given."""

    label: Label
    consent: str


class CustomerView(Struct, frozen=True, gc=False):
    """A customer with the requested pages.

    `requested_id` is the id of the request, if it was by id. A customer without any identifiers left still has a view,
    which is empty.
    """

    customer: Customer
    requested_id: str | None = None
    pages: Mapping[PageRequest, Page[Any]] = field(default_factory=dict)
    """By request: pages of `IdentifierView`, `OrderView`, `Link`, `Match`, `Entry`, `Fact`, `TimelineEntry`,
    `InteractionSummary`, `InteractionCounts` or `EmailEvent`."""
    restricted: bool = False
    """Whether a restriction is on any of the customer's identifiers."""
    objected_to: str = ""
    """The profiling purpose that the customer objects to, if consents were read; empty if there is none."""
    withheld: tuple[Withheld, ...] = ()
    """What a policy withholds from the viewer."""

    @property
    def may_be_profiled(self) -> bool:
        """Whether scores, predictions and segments of the customer may be computed."""
        return not (self.restricted or self.objected_to)
