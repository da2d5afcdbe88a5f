"""Disputes of customers: suspended links and overrides at their identifiers, and what a merge changes of them.

A merge that is permitted changes no other decision, whatever is suspended at the customers; only reasons of suspended
links may change (docs/internals/incremental-resolution.md, addition 4).
"""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field

from graph.domain.model.customers import Customer, Member, Node
from graph.domain.model.guarded_values import ValueSetCounts, add, contradict
from graph.domain.model.identifiers import Pair, namespace_of
from graph.domain.model.links import Link, LinkReason, LinkReasonCode, LinkState
from graph.domain.model.overrides import Override, OverrideKind
from graph.domain.model.rules import Rules
from graph.domain.model.store_values import Region
from graph.domain.resolution.groups import apart_reason, limit_reason

MAX_DISPUTES = 1_000
"""Suspended links and overrides up to which they are looked at one by one; with more, the region is resolved again."""


class Disputes:
    """What was read of the disputes of customers."""

    def __init__(self) -> None:
        self.links: dict[Pair, Link] = {}
        self.overrides: dict[str, Override] = {}
        self.read: set[Node] = set()
        self.too_many: set[Node] = set()
        """Customers with more than `MAX_DISPUTES`."""
        self._members: dict[str, Member] = {}

    def add(self, nodes: Iterable[Node], found: Region | None) -> None:
        """Add what was read of some customers; `None` if it is too much."""
        if found is None:
            self.too_many.update(nodes)
            return
        self.read.update(nodes)
        self.links.update((pair, link) for pair, link in found.links.items() if link.state is LinkState.SUSPENDED)
        self.overrides.update(found.overrides)
        self._members.update(found.members)

    def node_of(self, key: str) -> Node | None:
        """Return the customer that held an end of what was read."""
        member = self._members.get(key)
        return None if member is None else member.customer


class Growth(Struct, frozen=True):
    """Customers that become one, with the limited namespaces and the guarded values that new identifiers bring."""

    customers: Sequence[Customer]
    namespaces: Mapping[str, int] = field(default_factory=dict)
    """Numbers of new identifiers by namespace."""
    value_sets: ValueSetCounts = field(default_factory=dict)

    @property
    def nodes(self) -> set[Node]:
        """The customers' nodes."""
        return {customer.node for customer in self.customers}

    def counts(self) -> dict[str, int]:
        """Return how many identifiers there are in the end, by namespace."""
        counts = dict(self.namespaces)
        for customer in self.customers:
            for namespace, count in customer.counts.items():
                counts[namespace] = counts.get(namespace, 0) + count
        return counts

    def others(self, node: Node) -> list[Customer]:
        """Return the other customers."""
        return [customer for customer in self.customers if customer.node != node]

    def gained_by(self, node: Node) -> ValueSetCounts:
        """Return the guarded values that a customer gains."""
        return add((self.value_sets, *(customer.value_sets for customer in self.others(node))))

    def may_change_reasons(self, node: Node, rules: Rules) -> bool:
        """Whether a customer gains something that a reason depends on: a limited or guarded value, or an override."""
        limits = rules.limits.keys()
        return (
            bool(self.value_sets)
            or not limits.isdisjoint(self.namespaces)
            or any(
                other.override_count or other.value_sets or not limits.isdisjoint(other.counts)
                for other in self.others(node)
            )
        )

    def disputed(self, rules: Rules) -> set[Node]:
        """Return the customers whose disputes decide whether the union is permitted, and what it changes."""
        nodes = {
            customer.node
            for customer in self.customers
            if customer.suspended and self.may_change_reasons(customer.node, rules)
        }
        overridden = {customer.node for customer in self.customers if customer.override_count}
        # Overrides of one customer alone are against no other one.
        return nodes | overridden if nodes or len(overridden) > 1 else nodes


class Reasons(Struct, frozen=True):
    """The suspended links of which the reason changes, and the customers at the far ends of all that were compared."""

    links: dict[Pair, Link] = field(default_factory=dict)
    compared: set[Node] = field(default_factory=set)


NO_REASONS = Reasons()
"""Nothing changes."""


def reasons_after(
    growth: Growth, disputes: Disputes, current: Mapping[Pair, Link], customers: Mapping[Node, Customer], rules: Rules
) -> Reasons | None:
    """Return the reasons after a union; `None` if an override forbids it, or the region must be read to tell them.

    `current` are links as they are after the delta. The union breaks no limit and is consistent.
    """
    nodes = growth.nodes
    ends: dict[Node | None, int] = {}
    apart: dict[Node | None, list[Pair]] = {}
    suspended = any(customer.suspended for customer in growth.customers)
    for override in disputes.overrides.values():
        sides = [disputes.node_of(key) for key in override.keys]
        if nodes.isdisjoint(sides):
            continue
        # What stewards keep together counts once and shares its values.
        if len(sides) == 2 and nodes.issuperset(sides) and (override.kind is OverrideKind.APART or suspended):
            return None
        for side in sides:
            ends[side] = ends.get(side, 0) + 1
            if override.kind is OverrideKind.APART:
                apart.setdefault(side, []).append(override.pair)
    counts, reasons = growth.counts(), Reasons()
    for pair, stored in disputes.links.items():
        sides = [disputes.node_of(key) for key in pair]
        if nodes.isdisjoint(sides):
            continue
        (near, far) = sides if sides[0] in nodes else reversed(sides)
        if far in nodes or far is None or near is None:
            return None
        other, link = customers[far], current.get(pair, stored)
        # Overrides within the other customer are not known: some of its values may count once.
        if other.override_count != ends.get(far, 0):
            return None
        reason = _reason(link, counts, other, apart.get(far, ()), rules)
        if reason is None and _may_contradict(link, growth.gained_by(near), other.value_sets, rules):
            return None
        reasons.compared.add(far)
        if reason is not None and reason != link.reason:
            reasons.links[pair] = link.with_state(LinkState.SUSPENDED, reason)
    return reasons


def _reason(
    link: Link, counts: Mapping[str, int], other: Customer, apart: Sequence[Pair], rules: Rules
) -> LinkReason | None:
    """Return the reason as `Groups.obstacle` does; `None` if it is a guard, as before."""
    if apart:
        return apart_reason(min(apart))
    for namespace, limit in rules.limits.items():
        count, others = counts.get(namespace, 0), other.counts.get(namespace, 0)
        if count and others and count + others > limit:
            return limit_reason(namespace, count + others, limit)
    return None


def _may_contradict(link: Link, gained: ValueSetCounts, other: ValueSetCounts, rules: Rules) -> bool:
    """Whether a gained value may be part of the first contradiction: the smallest keys of values are not known."""
    if link.reason is None or link.reason.code is not LinkReasonCode.GUARD:
        return True
    weak = rules.strong_first(*link.pair)[1]
    if namespace_of(weak) not in rules.guarded_namespaces:
        return True
    return any(
        contradict(guard.compare, mine, theirs)
        for guard in rules.guards
        for mine in gained.get(guard.attribute, ())
        for theirs in other.get(guard.attribute, ())
    )
