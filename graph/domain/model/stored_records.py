"""Everything that a store holds, as records that do not depend on the kind of store.

Stores export records, archives keep them, and another store imports them. Values that follow from others (search
words, the rows of facts) are not among them. A field that is added needs a default, so that older archives can be read.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from graph.domain.model.audiences import Audience, Delivery, WaitingChange
from graph.domain.model.changes import Entry
from graph.domain.model.customers import Anchor, Customer, Member, Node
from graph.domain.model.erasures import Erasure, HeldOrder
from graph.domain.model.facts import stored_facts
from graph.domain.model.guarded_values import GuardedValues, StatedValue, ValueSetCounts
from graph.domain.model.idempotency import IdempotentResult
from graph.domain.model.links import Link
from graph.domain.model.observations import Evidence, EvidenceTier, Observation
from graph.domain.model.order_totals import CurrencyTotals
from graph.domain.model.orders import Order
from graph.domain.model.overrides import Override
from graph.domain.model.products import Product
from graph.domain.model.receipts import ObservationStatus, Receipt
from graph.domain.model.restrictions import Restriction
from graph.domain.model.rules import StoredRules
from graph.domain.model.segments import Membership, Segment
from graph.domain.model.source_revocations import SourceRevocation
from graph.domain.model.tombstones import Tombstone


class StoredValue(Struct, frozen=True, gc=False):
    """A text that is stored under a name."""

    name: str
    text: str


class StoredCustomer(Struct, frozen=True, gc=False):
    """A customer id, live or retired, and when its segments are due (microseconds). See `Customer`."""

    id: str
    created_at: int
    anchor: Anchor
    version: int
    counts: Mapping[str, int]
    suspended: int
    override_count: int
    order_totals: dict[str, CurrencyTotals]
    retired_at: int | None
    redirects_to: str | None
    value_sets: ValueSetCounts
    due_at: int

    @classmethod
    def of(cls, customer: Customer, due_at: int) -> "StoredCustomer":
        """Return the record of a customer."""
        return cls(
            customer.id,
            customer.created_at,
            customer.anchor,
            customer.version,
            customer.counts,
            customer.suspended,
            customer.override_count,
            dict(customer.order_totals),
            customer.retired_at,
            customer.redirects_to,
            customer.value_sets,
            due_at,
        )

    def customer(self, node: Node) -> Customer:
        """Return the customer at a node of a store."""
        return Customer(
            node,
            self.id,
            self.created_at,
            self.anchor,
            self.version,
            self.counts,
            self.suspended,
            self.override_count,
            self.order_totals,
            self.retired_at,
            self.redirects_to,
            self.value_sets,
        )


class StoredIdentifier(Struct, frozen=True, gc=False):
    """An identifier with the id of its customer, empty for none, and the source and facts of its order. See `Member`.

    It follows the record of its customer.
    """

    key: str
    customer: str
    evidence: Evidence | None
    degree: Mapping[str, int]
    shared: bool
    blocked: bool
    override_count: int
    order: tuple[str, str] | None
    interaction_counts: Mapping[str, int]
    guarded_values: dict[str, dict[str, StatedValue]]

    @classmethod
    def of(cls, member: Member, customer: str) -> "StoredIdentifier":
        """Return the record of an identifier of the customer with an id."""
        return cls(
            member.key,
            customer,
            member.evidence,
            member.degree,
            member.shared,
            member.blocked,
            member.override_count,
            None if member.order is None else (member.order.source, member.order.facts()),
            member.interaction_counts,
            _plain(member.guarded_values),
        )

    def member(self) -> Member:
        """Return the identifier, without its customer."""
        return Member(
            self.key,
            self.evidence,
            self.degree,
            self.shared,
            self.blocked,
            self.override_count,
            None,
            None if self.order is None else Order.from_facts(*self.order),
            self.interaction_counts,
            self.guarded_values,
        )


class StoredObservation(Struct, frozen=True, gc=False):
    """An observation as it was sent, with what the rules made of it. See `Receipt`; its facts follow from `sent`."""

    source: str
    id: str
    digest: str
    status: ObservationStatus
    received_at: int
    seen_at: int
    keys: tuple[str, ...]
    tier: EvidenceTier
    confidence: float | None
    sent: str
    order_key: str
    reported_at: int
    kind: str
    rules_version: int
    fact_holders: tuple[str, ...] = field(default=())
    received_from: str = ""

    @classmethod
    def of(cls, receipt: Receipt) -> "StoredObservation":
        """Return the record of a receipt."""
        values: dict[str, Any] = {name: getattr(receipt, name) for name in cls.__struct_fields__}
        return cls(**values)

    def receipt(self) -> Receipt:
        """Return the receipt with its facts."""
        facts = ""
        if self.sent and (self.order_key or self.fact_holders):
            facts = stored_facts(Observation.from_sent(self.source, self.id, self.sent))
        values: dict[str, Any] = {name: getattr(self, name) for name in self.__struct_fields__}
        return Receipt(**values, facts=facts)


def _plain(values: GuardedValues) -> dict[str, dict[str, StatedValue]]:
    return {attribute: dict(of_sources) for attribute, of_sources in values.items()}


Record = (
    StoredRules
    | StoredValue
    | Product
    | SourceRevocation
    | Tombstone
    | Erasure
    | HeldOrder
    | Segment
    | StoredCustomer
    | StoredIdentifier
    | Link
    | StoredObservation
    | Override
    | Restriction
    | Entry
    | Membership
    | IdempotentResult
    | Audience
    | Delivery
    | WaitingChange
)

KINDS: Mapping[str, type[Record]] = {
    "rules": StoredRules,
    "value": StoredValue,
    "product": Product,
    "source_revocation": SourceRevocation,
    "tombstone": Tombstone,
    "erasure": Erasure,
    "held_order": HeldOrder,
    "segment": Segment,
    "customer": StoredCustomer,
    "identifier": StoredIdentifier,
    "link": Link,
    "observation": StoredObservation,
    "override": Override,
    "restriction": Restriction,
    "change": Entry,
    "membership": Membership,
    "idempotent_result": IdempotentResult,
    "audience": Audience,
    "delivery": Delivery,
    "waiting_change": WaitingChange,
}
"""The records by the name of their kind, in the order in which they are exported. Of customers, those that are retired
come after all others with their identifiers, because they redirect to them."""
KIND_OF: Mapping[type, str] = {type: kind for kind, type in KINDS.items()}
"""The names of their kinds."""


class StoredWords(Struct, frozen=True, gc=False):
    """The words by which an identifier is found, as the store holds them."""

    key: str
    words: str


class StoredIndexes(Struct, frozen=True, gc=False):
    """What a store holds beside the observation before it: these rows follow from the observation.

    `unmentioned` are the stored identifiers that the observation names and that do not lead to it; `facts` are rows of
    an identifier, the kind, the time and `Detail`; `words` are the searchable words of the fact by identifier.
    """

    unmentioned: tuple[str, ...]
    facts: tuple[tuple[str, str, int, str, str, str, str], ...]
    words: tuple[tuple[str, str], ...]


Exported = Record | StoredWords | StoredIndexes
"""Everything that a store holds, with what follows from it."""


class StorageDamage(Struct, frozen=True, gc=False):
    """Something in a store that contradicts itself: what it is, how many there are, and whether it can be repaired."""

    description: str
    count: int
    repairable: bool = True
