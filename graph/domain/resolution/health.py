"""The health of the graph: counts from a store, and the findings that follow from them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from heapq import nsmallest

from msgspec import Struct

from graph.domain.model.guarded_values import is_consistent
from graph.domain.model.identifiers import namespace_of
from graph.domain.model.links import Link, LinkState
from graph.domain.model.rules import ORDER_NAMESPACE, Rules
from graph.domain.model.sentences import MessageCode, Sentence
from graph.domain.model.store_values import Region
from graph.domain.resolution.bridges import weakest_links
from graph.domain.resolution.contradictions import Contradiction, in_words, within

MANY_CUSTOMERS = 3
"""Customers seen with one identifier from which on it is suspicious: identifiers rarely change hands so often."""
MANY_IDENTIFIERS = 100
"""Identifiers of one customer, without orders, from which on the customer is suspicious."""
MANY_VALUES = 10
"""Average values of a namespace per customer from which on it is suspicious: about 1 is ideal, tens are useless."""
WEEK = 7
"""Days of a week."""
MIN_SUSPENDED = 10
"""Links suspended in a week below which a rise is not reported."""


class Hub(Struct, frozen=True, gc=False):
    """An identifier with the number of distinct customers that its links lead to, whatever the state of the links."""

    key: str
    customers: int
    shared: bool
    blocked: bool


class LargeCustomer(Struct, frozen=True, gc=False):
    """A customer with its identifiers by namespace."""

    id: str
    counts: Mapping[str, int]

    @property
    def size(self) -> int:
        """The number of identifiers, without orders."""
        return sum(count for namespace, count in self.counts.items() if namespace != ORDER_NAMESPACE)


class NamespaceUsage(Struct, frozen=True, gc=False):
    """The use of a namespace: its identifiers, the customers that hold any, and the most that one customer holds."""

    namespace: str
    identifiers: int
    customers: int
    max_per_customer: int


class ClaimedIdentifier(Struct, frozen=True, gc=False):
    """The weaker end of links that guards suspend, with the number of customers that claim it, its own included."""

    key: str
    customers: int


class HealthCounts(Struct, frozen=True, gc=False):
    """The counts that a store returns.

    `multi_value_keys` are identifiers of customers that hold several values of a known namespace, one per customer.
    `suspended` is the net number of links that were suspended, by day (days since 1970). `contradictory_keys` are the
    anchors of customers with value sets that contradict each other.
    """

    hubs: Sequence[Hub]
    largest: Sequence[LargeCustomer]
    namespaces: Sequence[NamespaceUsage]
    multi_value_keys: Sequence[str]
    suspended: Mapping[int, int]
    guarded: Sequence[ClaimedIdentifier] = ()
    contradictory_keys: Sequence[str] = ()


def contradictory_keys(anchors: Iterable[tuple[str, str]], rules: Rules, first: int) -> list[str]:
    """Return the anchors of customers whose value sets contradict each other, those with the most sets first.

    `anchors` come with the value sets of their customers, as JSON text.
    """
    counted = ((anchor, json.loads(text)) for anchor, text in anchors)
    sizes = ((sum(map(len, sets.values())), anchor) for anchor, sets in counted if not is_consistent(sets, rules))
    return [anchor for _, anchor in nsmallest(first, ((-size, anchor) for size, anchor in sizes))]


class FindingKind(Enum):
    """The kind of a finding."""

    SHARED_IDENTIFIER = "shared_identifier"
    OVERSIZED_CUSTOMER = "oversized_customer"
    NAMESPACE_RULES = "namespace_rules"
    WEAK_BRIDGE = "weak_bridge"
    SUSPENSION_SPIKE = "suspension_spike"
    CONTRADICTING_CLAIMS = "contradicting_claims"
    CONTRADICTING_VALUES = "contradicting_values"


class Finding(Struct, frozen=True, gc=False):
    """A suspicious identifier, customer, namespace or link, with its size and a rule or an override that may fix it."""

    kind: FindingKind
    message: Sentence
    suggestion: Sentence
    count: int
    key: str = ""
    customer: str = ""
    namespace: str = ""
    link: Link | None = None
    suggested_apart: tuple[str, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()
    unmasked_message: str = ""

    @property
    def position(self) -> "FindingPosition":
        """The key to order findings by, the worst first; that of a masked finding is the one of what it was made of."""
        return -self.count, self.kind.value, self.unmasked_message or self.message


FindingPosition = tuple[int, str, str]


def findings_of(health_counts: HealthCounts, rules: Rules, today: int) -> list[Finding]:
    """Return the findings that follow from the counts of a store; `today` in days since 1970."""
    kept_apart = {identifier.key: identifier.customers for identifier in health_counts.guarded}
    # What guards keep apart is reported once.
    hubs = [hub for hub in health_counts.hubs if hub.customers > kept_apart.get(hub.key, 0)]
    return [
        *_hubs(hubs, rules),
        *_contradicting_claims(health_counts.guarded),
        *_oversized_customers(health_counts.largest),
        *_namespaces(health_counts.namespaces, rules),
        *_suspension_spike(health_counts.suspended, today),
    ]


def _hubs(hubs: Iterable[Hub], rules: Rules) -> Iterable[Finding]:
    for hub in hubs:
        if hub.customers >= MANY_CUSTOMERS and not hub.shared and not hub.blocked:
            namespace = namespace_of(hub.key)
            text = Sentence(MessageCode.SEEN_WITH_CUSTOMERS, identifier=hub.key, count=hub.customers)
            limits = rules.by_name[namespace].shared_above if namespace in rules.by_name else {}
            table = ", ".join(f"{name} = {limit}" for name, limit in limits.items())
            current = f" (it is {{ {table} }} now)" if limits else ""
            tighter = max(1, hub.customers - 1)
            suggestion = Sentence(
                MessageCode.BLOCK_OR_LIMIT, shared_above=tighter, namespace=namespace, current=current
            )
            yield Finding(
                FindingKind.SHARED_IDENTIFIER, text, suggestion, hub.customers, key=hub.key, namespace=namespace
            )


def _contradicting_claims(identifiers: Iterable[ClaimedIdentifier]) -> Iterable[Finding]:
    for identifier in identifiers:
        text = Sentence(
            MessageCode.SEEN_WITH_CONTRADICTING_CUSTOMERS, identifier=identifier.key, count=identifier.customers
        )
        suggestion = Sentence(MessageCode.CORRECT_OR_JOIN_OR_BLOCK)
        yield Finding(
            FindingKind.CONTRADICTING_CLAIMS,
            text,
            suggestion,
            identifier.customers,
            key=identifier.key,
            namespace=namespace_of(identifier.key),
        )


def _oversized_customers(largest: Iterable[LargeCustomer]) -> Iterable[Finding]:
    for customer in largest:
        if customer.size >= MANY_IDENTIFIERS:
            count, name = max((count, name) for name, count in customer.counts.items() if name != ORDER_NAMESPACE)
            text = Sentence(
                MessageCode.OVERSIZED_CUSTOMER,
                customer=customer.id,
                count=customer.size,
                namespace_count=count,
                namespace=name,
            )
            suggestion = Sentence(MessageCode.CHECK_WEAKEST_LINKS, namespace=name)
            yield Finding(FindingKind.OVERSIZED_CUSTOMER, text, suggestion, customer.size, customer=customer.id)


def _namespaces(usages: Iterable[NamespaceUsage], rules: Rules) -> Iterable[Finding]:
    for usage in usages:
        if usage.namespace == ORDER_NAMESPACE or not usage.customers:
            continue
        average = usage.identifiers / usage.customers
        if average >= MANY_VALUES:
            text = Sentence(
                MessageCode.MANY_VALUES,
                average=f"{average:.1f}",
                namespace=usage.namespace,
                maximum=usage.max_per_customer,
            )
            suggestion = Sentence(MessageCode.USELESS_NAMESPACE, namespace=usage.namespace)
            yield Finding(FindingKind.NAMESPACE_RULES, text, suggestion, round(average), namespace=usage.namespace)
        limit = rules.limits.get(usage.namespace)
        if limit is not None and usage.max_per_customer > limit:
            text = Sentence(
                MessageCode.OVER_LIMIT, count=usage.max_per_customer, namespace=usage.namespace, limit=limit
            )
            suggestion = Sentence(MessageCode.CHECK_LIMIT)
            yield Finding(
                FindingKind.NAMESPACE_RULES, text, suggestion, usage.max_per_customer, namespace=usage.namespace
            )


def _suspension_spike(suspended: Mapping[int, int], today: int) -> Iterable[Finding]:
    week = sum(suspended.get(today - day, 0) for day in range(WEEK))
    before = sum(suspended.get(today - day, 0) for day in range(WEEK, 2 * WEEK))
    if week >= MIN_SUSPENDED and week > 2 * max(before, 0):
        text = Sentence(MessageCode.SUSPENSION_SPIKE, count=week, before=max(before, 0))
        suggestion = Sentence(MessageCode.CHECK_SOURCES)
        yield Finding(FindingKind.SUSPENSION_SPIKE, text, suggestion, week)


def weak_bridge(region: Region, key: str, customer: str, rules: Rules) -> Finding | None:
    """Return the weakest bridge of a customer with an end that is not known, and known identifiers on both sides."""
    node = region.members[key].customer
    keys = [key for key, member in region.members.items() if member.customer == node]
    neighbors: dict[str, set[str]] = {key: set() for key in keys}
    for pair, link in region.links.items():
        if link.state is LinkState.ACTIVE and pair[0] in neighbors and pair[1] in neighbors:
            neighbors[pair[0]].add(pair[1])
            neighbors[pair[1]].add(pair[0])
    for link in weakest_links(region, key, rules):
        if all(namespace_of(key) in rules.known_namespaces for key in link.pair):
            continue
        sides = [_known_side(start, link, neighbors, rules) for start in link.pair]
        if all(sides):
            strongest = sorted(min(side, key=lambda key: (rules.rank[namespace_of(key)], key)) for side in sides)
            side_a, side_b = strongest
            return Finding(
                FindingKind.WEAK_BRIDGE,
                Sentence(MessageCode.WEAK_BRIDGE, a=link.a, b=link.b, side_a=side_a, side_b=side_b),
                Sentence(MessageCode.KEEP_APART_OR_UNDO, a=side_a, b=side_b),
                len(keys),
                customer=customer,
                link=link,
                suggested_apart=tuple(strongest),
            )
    return None


def contradicting_values(region: Region, key: str, customer: str, rules: Rules) -> Finding | None:
    """Return how the identifiers of a customer contradict each other, whom a steward or an unguarded link joined."""
    contradictions = within(region, region.members[key].customer, rules)
    if not contradictions:
        return None
    first = contradictions[0]
    apart = tuple(rules.strong_first(min(first.keys), max(first.keys)))
    return Finding(
        FindingKind.CONTRADICTING_VALUES,
        contradicting(contradictions),
        Sentence(MessageCode.CORRECT_OR_KEEP_APART, a=apart[0], b=apart[1]),
        len(contradictions),
        customer=customer,
        suggested_apart=apart,
        contradictions=tuple(contradictions),
    )


def contradicting(contradictions: Iterable[Contradiction]) -> Sentence:
    """Return that the values of a customer contradict each other."""
    return Sentence(MessageCode.CONTRADICTING_VALUES, contradictions=in_words(contradictions))


def _known_side(start: str, link: Link, neighbors: Mapping[str, set[str]], rules: Rules) -> list[str]:
    """Return the known identifiers on one side of a bridge."""
    seen, frontier = {start}, [start]
    while frontier:
        key = frontier.pop()
        for neighbor in neighbors[key]:
            if {key, neighbor} != set(link.pair) and neighbor not in seen:
                seen.add(neighbor)
                frontier.append(neighbor)
    return [key for key in seen if namespace_of(key) in rules.known_namespaces]
