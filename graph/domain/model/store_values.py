"""What a write reads from a store and what the store has to write: plain values, the same for every store."""

from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from graph.domain.model.audiences import Audience, Delivery, WaitingChange
from graph.domain.model.changes import Change, Entry
from graph.domain.model.customers import Customer, Member, Node
from graph.domain.model.erasures import Erasure, HeldOrder
from graph.domain.model.idempotency import IdempotentResult, RequestKey
from graph.domain.model.identifiers import Pair
from graph.domain.model.links import Link, LinkState
from graph.domain.model.observations import EvidenceStatement
from graph.domain.model.orders import Order
from graph.domain.model.overrides import Override
from graph.domain.model.receipts import ObservationKey, Receipt
from graph.domain.model.restrictions import Restriction
from graph.domain.model.segments import Membership, Segment
from graph.domain.model.source_revocations import SourceRevocation
from graph.domain.model.tombstones import Tombstone


class Neighborhood(Struct, frozen=True, gc=False):
    """The requested receipts, identifiers, links, live customers and overrides; missing ones are not stored."""

    receipts: Mapping[ObservationKey, Receipt] = field(default_factory=dict)
    members: Mapping[str, Member] = field(default_factory=dict)
    links: Mapping[Pair, Link] = field(default_factory=dict)
    customers: Mapping[Node, Customer] = field(default_factory=dict)
    overrides: Mapping[str, Override] = field(default_factory=dict)
    idempotent_results: Mapping[RequestKey, IdempotentResult] = field(default_factory=dict)
    rules_version: int = 0
    """The newest version of the rules in the store; 0 if there is none."""
    source_revocations: Sequence[SourceRevocation] = ()
    """All that are in effect."""
    tombstones: Mapping[str, Tombstone] = field(default_factory=dict)
    """By hash."""
    held_orders: Mapping[str, HeldOrder] = field(default_factory=dict)
    """By the hash of the order."""


class Region(Struct, frozen=True, gc=False):
    """Everything connected with some identifiers by links that are not excluded and by *together* overrides.

    `members` are all identifiers reached. `links` are those between them that are not excluded, and all links at opened
    identifiers. `overrides` are all that name a member. `customers` are all ids, live or retired, that hold a member or
    have a member as their anchor.
    """

    members: Mapping[str, Member]
    links: Mapping[Pair, Link]
    overrides: Mapping[str, Override]
    customers: Mapping[Node, Customer]


class CustomerKeys(Struct, frozen=True, gc=False):
    """A live customer with all its keys; `None` if there is none."""

    customer: Customer | None = None
    keys: Sequence[str] = ()


class Removals(Struct, frozen=True, gc=False):
    """What a write removes from a store for good, after everything else was written.

    `keys` are identifiers, with their links, words and facts, and the overrides and idempotent results that name them;
    `observations` go with their facts and words, `customers` with their memberships. `entries` replace entries of the
    history with the same numbers. `at` is when (microseconds).
    """

    keys: Sequence[str] = ()
    observations: Sequence[ObservationKey] = ()
    customers: Sequence[str] = ()
    entries: Sequence[Entry] = ()
    at: int = 0

    def __bool__(self) -> bool:
        return bool(self.keys or self.observations or self.customers or self.entries)


EvidenceByKey = Mapping[str, Mapping[ObservationKey, EvidenceStatement]]
"""All valid stored statements that name an identifier, by its key."""


class NewNode(Struct, frozen=True, gc=False):
    """A placeholder for the node of a customer that the store has yet to create."""

    number: int


class ReprocessingProgress(Struct, frozen=True, gc=False):
    """Progress of a version of the rules: observations up to `processed_to` are reprocessed; all of them, if `None`."""

    version: int
    processed_to: ObservationKey | None


class Writes(Struct):
    """What a store has to write, in this order, in the transaction that did the reads.

    `receipts` are written whole, by (source, id). `members` are written whole except for `customer` and `order`, which
    follow `moves` and `orders`. `absorbed` moves all identifiers of the first node, and all redirects to it, to the
    second. Then `customers` are written whole (ids may have changed nodes: uniqueness must hold at the end only),
    and their segments are due at once; then single `moves`. `changes` are numbered in order, without gaps. `merged_ids`
    are pairs of an id that was merged and of the surviving one, as in `changes`: the memberships of the first pass to
    the second, and if both are members of a segment, the earlier membership stays. `memberships` come after that.
    Deleting a segment deletes its memberships. `segmentation_due` maps customer ids to the time, in microseconds, when
    their segments are due again. `values` are texts by name. `source_revocations` are written whole, by id, as are
    `tombstones` and `held_orders` by hash and `erasures` by id; `ended_holds` are hashes of orders whose hold has
    ended. `removals` come last.

    `restrictions` are written whole, by id, once the identifiers are stored: the identifiers of those in effect are
    restricted, and those of lifted ones only as far as others are on them. `renormalized` are pairs of an identifier
    and of one that the rules of now make of the same value: the second gets the restrictions of the first.

    `audiences` are written whole, by id, as are `deliveries` by audience and key, and `waiting_changes` by destination
    and number; those of `ended_waiting` are removed. Deliveries that are over are removed. Those of the keys and
    customers of `removals` are then to be taken from their destinations: see `AudienceStore`.
    """

    receipts: list[Receipt] = field(default_factory=list)
    members: dict[str, Member] = field(default_factory=dict)
    orders: dict[str, Order | None] = field(default_factory=dict)
    links: dict[Pair, Link] = field(default_factory=dict)
    removed_links: list[Pair] = field(default_factory=list)
    overrides_set: list[Override] = field(default_factory=list)
    overrides_removed: list[Override] = field(default_factory=list)
    absorbed: list[tuple[Node, Node]] = field(default_factory=list)
    customers: list[Customer] = field(default_factory=list)
    moves: dict[str, Node | None] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    merged_ids: list[tuple[str, str]] = field(default_factory=list)
    idempotent_results: list[IdempotentResult] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    deleted_segments: list[str] = field(default_factory=list)
    memberships: list[Membership] = field(default_factory=list)
    segmentation_due: dict[str, int] = field(default_factory=dict)
    reprocessing: "ReprocessingProgress | None" = None
    values: dict[str, str] = field(default_factory=dict)
    source_revocations: list[SourceRevocation] = field(default_factory=list)
    tombstones: list[Tombstone] = field(default_factory=list)
    held_orders: list[HeldOrder] = field(default_factory=list)
    ended_holds: list[str] = field(default_factory=list)
    erasures: list[Erasure] = field(default_factory=list)
    removals: Removals = Removals()
    restrictions: list[Restriction] = field(default_factory=list)
    renormalized: list[tuple[str, str]] = field(default_factory=list)
    audiences: list[Audience] = field(default_factory=list)
    removed_audiences: list[str] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    waiting_changes: list[WaitingChange] = field(default_factory=list)
    ended_waiting: list[tuple[str, int]] = field(default_factory=list)

    def disputed_keys(self) -> set[str]:
        """Return the identifiers that are an end of a suspended link or named by an override, of those written."""
        keys = {key for link in self.links.values() if link.state is LinkState.SUSPENDED for key in link.pair}
        return keys.union(*(override.keys for override in self.overrides_set))

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        return not any(getattr(self, name) for name in self.__struct_fields__)
