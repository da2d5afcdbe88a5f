"""Customers: their ids, their anchors and the counts stored with them.

See docs/internals/resolution-rule.md, "Customer ids and anchors".
"""

from collections.abc import Hashable, Iterable, Mapping
from typing import NamedTuple

from msgspec import Struct, field

from graph.domain.model.guarded_values import GuardedValues, ValueSetCounts, ValueSets, value_sets_of
from graph.domain.model.identifiers import namespace_of
from graph.domain.model.interaction_counts import InteractionCounts
from graph.domain.model.observations import Evidence
from graph.domain.model.order_totals import OrderTotals
from graph.domain.model.orders import Order
from graph.domain.model.rules import Rules

Node = Hashable
"""A store's own handle of the place that holds a customer's identifiers; opaque here. Ids move between nodes."""

NEVER_SEEN = 2**62
"""The first-seen time of an identifier that only an override names."""


class Anchor(NamedTuple):
    """The identifier that a customer id stays with: the strongest, then oldest, then smallest key of those it holds."""

    key: str
    first_seen_at: int

    def sort_key(self, rules: Rules) -> tuple[int, int, str]:
        """Return the key to sort candidates by; the smallest candidate is the anchor."""
        return rules.rank.get(namespace_of(self.key), len(rules.rank)), self.first_seen_at, self.key


NO_ANCHOR = Anchor("", NEVER_SEEN)
"""The anchor of an id, no longer live, whose anchor was removed from the store: nothing brings the id back."""


class Member(Struct, frozen=True, gc=False):
    """An identifier as it is stored.

    `degree` counts distinct neighbors by namespace as sharing does (step 3). `override_count` counts the overrides that
    name the identifier, blocks included. `customer` is the node it belongs to, `None` if no valid observation and no
    override names it any longer. `interaction_counts` counts the interactions attached to it, `guarded_values` are the
    values of guarded attributes that were stated at it.
    """

    key: str
    evidence: Evidence | None = None
    degree: Mapping[str, int] = field(default_factory=dict)
    shared: bool = False
    blocked: bool = False
    override_count: int = 0
    customer: Node | None = None
    order: Order | None = None
    interaction_counts: InteractionCounts = field(default_factory=dict)
    guarded_values: GuardedValues = field(default_factory=dict)

    @property
    def alive(self) -> bool:
        """Whether a valid observation or an override names the identifier."""
        return self.evidence is not None or self.override_count > 0

    def with_observation(self, source: str, seen_at: int) -> "Member":
        """Return the identifier with one more valid observation."""
        before = self.evidence
        evidence = Evidence(seen_at, seen_at, (source,)) if before is None else before.with_observation(source, seen_at)
        unchanged = (
            self.degree,
            self.shared,
            self.blocked,
            self.override_count,
            self.customer,
            self.order,
            self.interaction_counts,
            self.guarded_values,
        )
        return Member(self.key, evidence, *unchanged)

    def with_degree(self, degree: Mapping[str, int], shared: bool) -> "Member":
        """Return the identifier with other neighbor counts."""
        unchanged = (
            self.blocked,
            self.override_count,
            self.customer,
            self.order,
            self.interaction_counts,
            self.guarded_values,
        )
        return Member(self.key, self.evidence, degree, shared, *unchanged)

    def differs_in_evidence_alone(self, before: "Member | None") -> bool:
        """Whether nothing else of what is stored of it has changed since `before`. False also if that is not known."""
        return (
            before is not None
            and self.degree is before.degree
            and self.shared is before.shared
            and self.blocked is before.blocked
            and self.override_count == before.override_count
            and self.interaction_counts is before.interaction_counts
            and self.guarded_values is before.guarded_values
        )

    @property
    def value_sets(self) -> ValueSets:
        """The values of guarded attributes that the identifier carries."""
        return value_sets_of(self.guarded_values)

    @property
    def first_seen_at(self) -> int:
        """The first-seen time by which the identifier is a candidate for an anchor."""
        return NEVER_SEEN if self.evidence is None else self.evidence.first_seen_at

    @property
    def anchor(self) -> Anchor:
        """The identifier as a candidate for an anchor."""
        return Anchor(self.key, self.first_seen_at)


class Customer(Struct, frozen=True, gc=False):
    """A customer id with its node. A live id holds identifiers; a retired one redirects, or is empty if `redirects_to`
    is `None`.

    `counts` are identifiers by namespace. `suspended` counts the ends of suspended links at this customer,
    `override_count` the ends of overrides, `value_sets` the guarded values of its identifiers. `version` increases with
    every change. Times are in microseconds.
    """

    node: Node
    id: str
    created_at: int
    anchor: Anchor
    version: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    suspended: int = 0
    override_count: int = 0
    order_totals: OrderTotals = field(default_factory=dict)
    retired_at: int | None = None
    redirects_to: str | None = None
    value_sets: ValueSetCounts = field(default_factory=dict)

    @property
    def size(self) -> int:
        """The number of identifiers."""
        return sum(self.counts.values())

    @property
    def live(self) -> bool:
        """Whether the id holds identifiers."""
        return self.retired_at is None

    def has_same_lookup(self, before: "Customer | None") -> bool:
        """Whether nothing changed that a look-up depends on: the id, the anchor, whether and where it redirects."""
        return (
            before is not None
            and self.id == before.id
            and self.created_at == before.created_at
            and self.anchor.key == before.anchor.key
            and self.retired_at == before.retired_at
            and self.redirects_to == before.redirects_to
        )

    @property
    def seniority(self) -> tuple[int, str]:
        """The key to order live claimants of a group by; the smallest keeps its id."""
        return self.created_at, self.id


def anchor_of(candidates: Iterable[Anchor], rules: Rules) -> Anchor:
    """Return the anchor among candidates."""
    return min(candidates, key=lambda candidate: candidate.sort_key(rules))


def strongest_anchor(first_seen: Mapping[str, int], rules: Rules) -> Anchor:
    """Return the anchor among keys with their first-seen times, as `anchor_of` does, without an object for each."""
    rank = rules.rank
    last = len(rank)
    best = min([(rank.get(namespace_of(key), last), at, key) for key, at in first_seen.items()])
    return Anchor(best[2], best[1])
