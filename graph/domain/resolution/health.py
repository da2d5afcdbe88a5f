"""The health of the graph: what a store counts of itself, and what that speaks for."""

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum

from msgspec import Struct

from graph.domain.model.identifiers import namespace_of
from graph.domain.model.links import Link, State
from graph.domain.model.orders import NAMESPACE
from graph.domain.model.rules import Rules
from graph.domain.model.store_values import Region
from graph.domain.resolution.explanation import weakest_links

MANY_CUSTOMERS = 3
"""Customers that one identifier was seen with from which on it is suspicious; no one changes hands so often."""
MANY_IDENTIFIERS = 100
"""Identifiers of one customer, orders left out, from which on it is unusual."""
MANY_VALUES = 10
"""Values of a namespace a customer on average: about 1 is ideal, tens are useless as an identifier."""
WEEK = 7


class Hub(Struct, frozen=True, gc=False):
    """An identifier with how many distinct customers its links lead to, whatever became of them."""

    key: str
    customers: int
    shared: bool
    blocked: bool


class Large(Struct, frozen=True, gc=False):
    """A customer with its identifiers by namespace."""

    id: str
    counts: Mapping[str, int]

    @property
    def size(self) -> int:
        """Its identifiers, orders left out."""
        return sum(count for namespace, count in self.counts.items() if namespace != NAMESPACE)


class NamespaceUse(Struct, frozen=True, gc=False):
    """How a namespace is used: its identifiers, the customers that hold any, and the most that one holds."""

    namespace: str
    identifiers: int
    customers: int
    most: int


class Survey(Struct, frozen=True, gc=False):
    """What a store counts of itself.

    `doubles` are identifiers (one a customer) of customers that hold several values of a namespace by which people are
    known; `suspended` is the net number of links that came to be suspended, by day (days since 1970).
    """

    hubs: Sequence[Hub]
    largest: Sequence[Large]
    namespaces: Sequence[NamespaceUse]
    doubles: Sequence[str]
    suspended: Mapping[int, int]


class FindingKind(Enum):
    """What is suspicious."""

    SHARED_VALUE = "shared_value"
    LARGE_CUSTOMER = "large_customer"
    NAMESPACE = "namespace"
    BRIDGE = "bridge"
    SUSPENDED_GROWTH = "suspended_growth"


class Finding(Struct, frozen=True, gc=False):
    """One suspicious thing, with a number that tells how much so, and a rule or a mark that would mend it."""

    kind: FindingKind
    text: str
    suggestion: str
    number: int
    key: str = ""
    customer: str = ""
    namespace: str = ""
    link: Link | None = None
    apart: tuple[str, ...] = ()

    @property
    def place(self) -> "FindingPlace":
        """Where it comes in the list, the worst first."""
        return -self.number, self.kind.value, self.text


FindingPlace = tuple[int, str, str]


def of_survey(survey: Survey, rules: Rules, today: int) -> list[Finding]:
    """What a survey speaks for; `today` in days since 1970."""
    return [
        *_hubs(survey.hubs, rules),
        *_large(survey.largest),
        *_namespaces(survey.namespaces, rules),
        *_growth(survey.suspended, today),
    ]


def _hubs(hubs: Iterable[Hub], rules: Rules) -> Iterable[Finding]:
    for hub in hubs:
        if hub.customers >= MANY_CUSTOMERS and not hub.shared and not hub.blocked:
            namespace = namespace_of(hub.key)
            text = f"{hub.key} was seen with {hub.customers} customers"
            tighter = f"shared_above = {max(1, hub.customers - 1)} for {namespace}"
            limit = rules.by_name[namespace].shared_above if namespace in rules.by_name else {}
            told = f" (it is {dict(limit)} now)" if limit else ""
            suggestion = f"block it with blockIdentifier, or set {tighter} in the rules{told}"
            yield Finding(FindingKind.SHARED_VALUE, text, suggestion, hub.customers, key=hub.key, namespace=namespace)


def _large(largest: Iterable[Large]) -> Iterable[Finding]:
    for one in largest:
        if one.size >= MANY_IDENTIFIERS:
            most = max((count, name) for name, count in one.counts.items() if name != NAMESPACE)
            text = f"customer {one.id} holds {one.size} identifiers, {most[0]} of them {most[1]}"
            suggestion = f"look at its weakestLinks and history; a limit for {most[1]} would bound such customers"
            yield Finding(FindingKind.LARGE_CUSTOMER, text, suggestion, one.size, customer=one.id)


def _namespaces(uses: Iterable[NamespaceUse], rules: Rules) -> Iterable[Finding]:
    for use in uses:
        if use.namespace == NAMESPACE or not use.customers:
            continue
        average = use.identifiers / use.customers
        if average >= MANY_VALUES:
            text = f"a customer has {average:.1f} values of {use.namespace} on average, and up to {use.most}"
            suggestion = f"{use.namespace} is useless as an identifier: leave it out, or rank it lower with a limit"
            yield Finding(FindingKind.NAMESPACE, text, suggestion, round(average), namespace=use.namespace)
        limit = rules.limits.get(use.namespace)
        if limit is not None and use.most > limit:
            text = f"a customer holds {use.most} values of {use.namespace}, of which the rules allow {limit}"
            suggestion = "stewards' marks joined them; look whether the limit is too low"
            yield Finding(FindingKind.NAMESPACE, text, suggestion, use.most, namespace=use.namespace)


def _growth(suspended: Mapping[int, int], today: int) -> Iterable[Finding]:
    week = sum(suspended.get(today - day, 0) for day in range(WEEK))
    before = sum(suspended.get(today - day, 0) for day in range(WEEK, 2 * WEEK))
    if week >= 10 and week > 2 * max(before, 0):
        text = f"{week} links came to be suspended in the last 7 days, {max(before, 0)} in the 7 days before"
        suggestion = "a source may have begun to mix identifiers: look at the sources of the newest suspended links"
        yield Finding(FindingKind.SUSPENDED_GROWTH, text, suggestion, week)


def bridge(region: Region, key: str, customer: str, rules: Rules) -> Finding | None:
    """The most doubtful link through an identifier by which nobody is known, both sides of which hold known ones."""
    node = region.members[key].customer
    keys = [one for one, member in region.members.items() if member.customer == node]
    near: dict[str, set[str]] = {one: set() for one in keys}
    for ends, link in region.links.items():
        if link.state is State.KEPT and ends[0] in near and ends[1] in near:
            near[ends[0]].add(ends[1])
            near[ends[1]].add(ends[0])
    for link in weakest_links(region, key, rules):
        if all(namespace_of(end) in rules.known for end in link.pair):
            continue
        sides = [_known_side(start, link, near, rules) for start in link.pair]
        if all(sides):
            strongest = sorted(min(side, key=lambda one: (rules.rank[namespace_of(one)], one)) for side in sides)
            text = f"only {link.a} and {link.b} hold {strongest[0]} and {strongest[1]} in one customer"
            suggestion = f"if they are two people, keepApart {strongest[0]} and {strongest[1]}, or undo the merge"
            return Finding(
                FindingKind.BRIDGE, text, suggestion, len(keys), customer=customer, link=link, apart=tuple(strongest)
            )
    return None


def _known_side(start: str, link: Link, near: Mapping[str, set[str]], rules: Rules) -> list[str]:
    """The known identifiers on one side of a bridge."""
    seen, frontier = {start}, [start]
    while frontier:
        key = frontier.pop()
        for other in near[key]:
            if {key, other} != set(link.pair) and other not in seen:
                seen.add(other)
                frontier.append(other)
    return [key for key in seen if namespace_of(key) in rules.known]
