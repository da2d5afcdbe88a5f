"""Customers: their ids, anchors and what is kept at them (design.md §5)."""

from collections.abc import Hashable, Iterable, Mapping
from typing import NamedTuple

from msgspec import Struct, field

from graph.domain.model.identifiers import namespace_of
from graph.domain.model.interaction_counts import Tally
from graph.domain.model.observations import Evidence
from graph.domain.model.order_totals import Figures
from graph.domain.model.orders import Order
from graph.domain.model.rules import Rules

Node = Hashable
"""A store's own handle of the place where a customer's identifiers hang; opaque here. Ids move between nodes."""

NEVER = 2**62
"""The first time seen of an identifier that only a mark names."""


class Anchor(NamedTuple):
    """The identifier that an id stays with: the strongest, then oldest, then smallest key of those it holds."""

    key: str
    first_seen: int

    def order(self, rules: Rules) -> tuple[int, int, str]:
        """The smallest is the anchor."""
        return rules.rank.get(namespace_of(self.key), len(rules.rank)), self.first_seen, self.key


class Member(Struct, frozen=True, gc=False):
    """What a store holds of an identifier.

    `degree` counts distinct neighbours by namespace as sharing does (step 3); `marks` are the stewards' marks that
    name it, blocks included; `customer` is the node it belongs to, `None` where nothing valid names it any more. The
    `tally` counts what hangs on it.
    """

    key: str
    evidence: Evidence | None = None
    degree: Mapping[str, int] = field(default_factory=dict)
    shared: bool = False
    blocked: bool = False
    marks: int = 0
    customer: Node | None = None
    order: Order | None = None
    tally: Tally = field(default_factory=dict)

    @property
    def alive(self) -> bool:
        """Whether a valid observation or a mark names it."""
        return self.evidence is not None or self.marks > 0

    def seen(self, source: str, seen_at: int) -> "Member":
        """The identifier with one valid observation more."""
        known = self.evidence
        evidence = Evidence(seen_at, seen_at, (source,)) if known is None else known.and_(source, seen_at)
        own = self.degree, self.shared, self.blocked, self.marks, self.customer, self.order, self.tally
        return Member(self.key, evidence, *own)

    def counted(self, degree: Mapping[str, int], shared: bool) -> "Member":
        """The identifier with its neighbours counted anew."""
        own = self.blocked, self.marks, self.customer, self.order, self.tally
        return Member(self.key, self.evidence, degree, shared, *own)

    @property
    def anchor(self) -> Anchor:
        """The identifier as a candidate for an anchor."""
        return Anchor(self.key, NEVER if self.evidence is None else self.evidence.first_seen)


class Customer(Struct, frozen=True, gc=False):
    """An id with its node. Live ones hold identifiers; a retired one redirects, or is empty (`redirects_to` `None`).

    `counts` are identifiers by namespace, `suspended` the suspended links with an end here, `marks` the ends of
    stewards' marks here; `version` rises with every change. Times in microseconds.
    """

    node: Node
    id: str
    created_at: int
    anchor: Anchor
    version: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    suspended: int = 0
    marks: int = 0
    figures: Figures = field(default_factory=dict)
    retired_at: int | None = None
    redirects_to: str | None = None

    @property
    def size(self) -> int:
        """The number of identifiers."""
        return sum(self.counts.values())

    @property
    def live(self) -> bool:
        """Whether the id answers for identifiers."""
        return self.retired_at is None

    def grew_from(self, before: "Customer | None") -> bool:
        """Whether nothing changed of what it is found by: its id, its anchor, whether and where it redirects."""
        return before is not None and before._found_by() == self._found_by()

    def _found_by(self) -> tuple[object, ...]:
        return self.id, self.created_at, self.anchor.key, self.retired_at, self.redirects_to

    @property
    def seniority(self) -> tuple[int, str]:
        """Of several live claimants the smallest answers."""
        return self.created_at, self.id


def anchor_of(candidates: Iterable[Anchor], rules: Rules) -> Anchor:
    """The anchor among candidates."""
    return min(candidates, key=lambda candidate: candidate.order(rules))
