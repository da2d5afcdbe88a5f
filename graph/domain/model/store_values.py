"""What a write reads from a store, and what it has the store write: plain values, the same for every store."""

from collections.abc import Mapping

from msgspec import Struct, field

from graph.domain.model.changes import Change
from graph.domain.model.customers import Customer, Member, Node
from graph.domain.model.idempotency import Answered, RequestKey
from graph.domain.model.identifiers import Pair
from graph.domain.model.links import Link
from graph.domain.model.observations import Statement
from graph.domain.model.orders import Order
from graph.domain.model.overrides import Mark
from graph.domain.model.receipts import ObservationKey, Receipt
from graph.domain.model.segments import Membership, Segment


class Around(Struct, frozen=True, gc=False):
    """The receipts, identifiers, links, live customers and marks that were asked for; what is missing is not stored."""

    receipts: Mapping[ObservationKey, Receipt] = field(default_factory=dict)
    members: Mapping[str, Member] = field(default_factory=dict)
    links: Mapping[Pair, Link] = field(default_factory=dict)
    customers: Mapping[Node, Customer] = field(default_factory=dict)
    marks: Mapping[str, Mark] = field(default_factory=dict)
    answered: Mapping[RequestKey, Answered] = field(default_factory=dict)
    rules_version: int = 0
    """The newest version of the rules in the store; 0 where there is none."""


class Region(Struct, frozen=True, gc=False):
    """Everything connected with some identifiers by links that are not idle and by *together* marks.

    `members` are all identifiers reached, `links` those between them that are not idle, and all links at opened
    identifiers; `marks` all that name a member; `customers` all ids, live or retired, that hold a member or whose
    anchor is one.
    """

    members: Mapping[str, Member]
    links: Mapping[Pair, Link]
    marks: Mapping[str, Mark]
    customers: Mapping[Node, Customer]


Support = Mapping[str, Mapping[ObservationKey, Statement]]
"""Identifier to all valid stored statements that name it."""


class NewNode(Struct, frozen=True, gc=False):
    """The handle of a customer's place that the store has yet to make."""

    number: int


class Reread(Struct, frozen=True, gc=False):
    """How far a version of the rules has got: all observations up to `upto` were read anew under it; all, if `None`."""

    version: int
    upto: ObservationKey | None


class Writes(Struct):
    """What a store has to write, in this order, in the transaction that read.

    `receipts` are written whole, by (source, id). `members` are written whole but for `customer` and `order`, which
    follow `moves` and `orders`. `absorbed` moves all identifiers of the first node, and all redirects to it, to the
    second. Then `customers` are written whole (ids may have changed places: uniqueness must hold at the end only),
    and their segments are due at once; then single `moves`. `changes` are numbered in order, without gaps. A dropped
    segment goes with all its memberships. `looked_at` are ids of customers with when their segments are due again.
    `kept` are texts by the names that they are kept under.
    """

    receipts: list[Receipt] = field(default_factory=list)
    members: dict[str, Member] = field(default_factory=dict)
    orders: dict[str, Order | None] = field(default_factory=dict)
    links: dict[Pair, Link] = field(default_factory=dict)
    gone_links: list[Pair] = field(default_factory=list)
    marks_set: list[Mark] = field(default_factory=list)
    marks_removed: list[Mark] = field(default_factory=list)
    absorbed: list[tuple[Node, Node]] = field(default_factory=list)
    customers: list[Customer] = field(default_factory=list)
    moves: dict[str, Node | None] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    answered: list[Answered] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    dropped_segments: list[str] = field(default_factory=list)
    memberships: list[Membership] = field(default_factory=list)
    looked_at: dict[str, int] = field(default_factory=dict)
    reread: "Reread | None" = None
    kept: dict[str, str] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        return not any(getattr(self, name) for name in self.__struct_fields__)
