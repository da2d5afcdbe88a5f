"""A part of a whole history as columns, which a store can load without an object for each row.

Rows have numbers, from 1 in the order of loading: identifiers, customers and receipts each their own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from graph.domain.model.changes import Change
from graph.domain.model.guarded_values import GuardedValues, ValueSetCounts
from graph.domain.model.interaction_counts import InteractionCounts
from graph.domain.model.links import LinkReason
from graph.domain.model.order_totals import OrderTotals
from graph.domain.model.receipts import Receipt

T = TypeVar("T")
Encoded = TypeVar("Encoded")


@dataclass(slots=True)
class Coded(Generic[T]):
    """A column with few distinct values: row `r` has `values[codes[r]]`."""

    values: list[T] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)

    def encoded(self, encode: Callable[[T], Encoded]) -> list[Encoded]:
        """Return the column with each distinct value encoded once."""
        distinct = [encode(value) for value in self.values]
        return [distinct[code] for code in self.codes]


@dataclass(slots=True)
class CustomerColumns:
    """Customers, the first with the number `first`. `value_sets` is empty if nothing was stated of guarded values."""

    first: int = 1
    created_at: int = 0
    ids: list[str] = field(default_factory=list)
    anchors: list[str] = field(default_factory=list)
    anchors_first_seen_at: list[int] = field(default_factory=list)
    counts: Coded[Mapping[str, int]] = field(default_factory=Coded)
    suspended: list[int] = field(default_factory=list)
    order_totals: list[OrderTotals] = field(default_factory=list)
    value_sets: list[ValueSetCounts] = field(default_factory=list)


@dataclass(slots=True)
class IdentifierColumns:
    """Identifiers, the first with the number `first`, and the numbers of their customers.

    `interaction_counts` and `guarded_values` are by position, of those that have some.
    """

    first: int = 1
    keys: list[str] = field(default_factory=list)
    namespaces: list[str] = field(default_factory=list)
    customers: list[int] = field(default_factory=list)
    first_seen_at: list[int] = field(default_factory=list)
    last_seen_at: list[int] = field(default_factory=list)
    observation_counts: list[int] = field(default_factory=list)
    sources: Coded[tuple[str, ...]] = field(default_factory=Coded)
    degrees: Coded[Mapping[str, int]] = field(default_factory=Coded)
    shared: list[bool] = field(default_factory=list)
    interaction_counts: Mapping[int, InteractionCounts] = field(default_factory=dict)
    guarded_values: Mapping[int, GuardedValues] = field(default_factory=dict)


@dataclass(slots=True)
class OrderColumns:
    """The orders in effect: the numbers of their identifiers and customers, and their facts as JSON."""

    identifiers: list[int] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    customers: list[int] = field(default_factory=list)
    placed_at: list[int] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)


@dataclass(slots=True)
class LinkColumns:
    """Links between the identifiers numbered `a` and `b`; `reasons` are by position, of those that have one."""

    a: list[int] = field(default_factory=list)
    b: list[int] = field(default_factory=list)
    tiers: list[int] = field(default_factory=list)
    first_seen_at: list[int | None] = field(default_factory=list)
    last_seen_at: list[int | None] = field(default_factory=list)
    observation_counts: list[int] = field(default_factory=list)
    sources: Coded[tuple[str, ...]] = field(default_factory=Coded)
    confidences: list[float | None] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    reasons: Mapping[int, LinkReason] = field(default_factory=dict)


@dataclass(slots=True)
class ReceiptColumns:
    """Receipts, the first with the number `first`.

    `unindexed` are the numbers of those that an identifier does not lead to (`Receipt.is_indexed`). `facts` are the
    receipts that attach a fact, by number, each with the numbers of the identifiers that it is attached to.
    """

    first: int = 1
    received_at: int = 0
    received_from: str = ""
    sources: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)
    seen_at: list[int] = field(default_factory=list)
    keys: list[tuple[str, ...]] = field(default_factory=list)
    tiers: list[int] = field(default_factory=list)
    confidences: list[float | None] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    order_keys: list[str] = field(default_factory=list)
    reported_at: list[int] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    unindexed: list[int] = field(default_factory=list)
    facts: dict[int, tuple[Receipt, list[int]]] = field(default_factory=dict)


@dataclass(slots=True)
class MentionColumns:
    """Which identifiers which receipts name, by number, each pair once, in the order of the two."""

    identifiers: list[int] = field(default_factory=list)
    receipts: list[int] = field(default_factory=list)


@dataclass(slots=True)
class PortionColumns:
    """What one transaction of a load stores. `decisions` are the consent decisions among its receipts."""

    stage: str
    number: int
    customers: CustomerColumns = field(default_factory=CustomerColumns)
    identifiers: IdentifierColumns = field(default_factory=IdentifierColumns)
    orders: OrderColumns = field(default_factory=OrderColumns)
    links: LinkColumns = field(default_factory=LinkColumns)
    receipts: ReceiptColumns = field(default_factory=ReceiptColumns)
    mentions: MentionColumns = field(default_factory=MentionColumns)
    changes: list[Change] = field(default_factory=list)
    decisions: list[Receipt] = field(default_factory=list)

    @property
    def size(self) -> int:
        """The number of its identifiers, links and receipts."""
        return len(self.identifiers.keys) + len(self.links.a) + len(self.receipts.ids)
