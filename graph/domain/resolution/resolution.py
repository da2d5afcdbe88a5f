"""The resolution rule (design.md §4): links and marks in, customers and verdicts out, the same in any order."""

from collections.abc import Iterable, Mapping, Sequence, Set
from itertools import combinations

from msgspec import Struct, field

from graph.domain.model.identifiers import Pair, namespace_of
from graph.domain.model.links import BELOW_THRESHOLD, BLOCKED, SHARED, Link, Reason, State, sort_key, support
from graph.domain.model.observations import Statement
from graph.domain.model.overrides import Mark, MarkKind
from graph.domain.model.rules import Rules
from graph.domain.resolution.groups import Groups

Verdict = tuple[State, Reason | None]


class Resolution(Struct, frozen=True, gc=False):
    """A partition of the identifiers, and for every link its state and reason."""

    groups: Sequence[frozenset[str]]
    verdicts: Mapping[Pair, Verdict]
    joins: Sequence[Pair] = ()
    """The links that united two groups, in the order in which they did."""
    beaten: Mapping[str, Pair] = field(default_factory=dict)


def idle_reason(link: Link, rules: Rules, shared: Set[str], blocked: Set[str]) -> Reason | None:
    """Why a link is idle (step 3); `None` where it is not."""
    if not link.counted(rules.accept):
        return Reason(BELOW_THRESHOLD, f"its confidence {link.confidence:g} is below the threshold {rules.accept:g}")
    for key in link.pair:
        if key in blocked:
            return Reason(BLOCKED, f"a steward blocked {key}")
    for key in link.pair:
        if key in shared:
            return Reason(SHARED, f"{key} is shared: it was seen with more identifiers than the rules allow one person")
    return None


def unite(
    keys: Iterable[str], links: Iterable[Link], marks: Sequence[Mark], rules: Rules, shared: Set[str], blocked: Set[str]
) -> Resolution:
    """Steps 3 to 6 for identifiers that are connected with no others; which are shared and blocked is given."""
    groups = Groups(keys, marks, rules)
    verdicts: dict[Pair, Verdict] = {}
    active: list[Link] = []
    for link in links:
        if reason := idle_reason(link, rules, shared, blocked):
            verdicts[link.pair] = State.IDLE, reason
        else:
            active.append(link)
    joins: list[Pair] = []
    cut: list[Link] = []
    for link in sorted(active, key=lambda link: sort_key(link, rules)):
        if groups.find(link.a) == groups.find(link.b):
            verdicts[link.pair] = State.KEPT, None
        elif groups.obstacle(link.a, link.b):
            cut.append(link)
        else:
            groups.unite(link.a, link.b)
            joins.append(link.pair)
            verdicts[link.pair] = State.KEPT, None
    # Why is told of the groups as they came to be: what stands against a link at its turn still does in the end.
    verdicts.update((link.pair, (State.SUSPENDED, groups.obstacle(link.a, link.b))) for link in cut)
    return Resolution(groups.all(), verdicts, joins, groups.beaten)


def links_of(statements: Iterable[Statement], accept: float) -> dict[Pair, Link]:
    """The links that statements support, verdicts not yet found (step 2)."""
    links: dict[Pair, Link] = {}
    for statement in statements:
        for pair in combinations(statement.keys, 2):
            links[pair] = support(links.get(pair), pair, statement, accept)
    return links


def degrees(links: Iterable[Link], blocked: Set[str], accept: float) -> dict[str, dict[str, int]]:
    """How many distinct neighbours each identifier has, by their namespace, as sharing counts them (step 3)."""
    degree: dict[str, dict[str, int]] = {}
    for link in links:
        if link.counted(accept) and link.a not in blocked and link.b not in blocked:
            for key, other in ((link.a, link.b), (link.b, link.a)):
                counts = degree.setdefault(key, {})
                namespace = namespace_of(other)
                counts[namespace] = counts.get(namespace, 0) + 1
    return degree


def resolve(statements: Iterable[Statement], marks: Sequence[Mark], rules: Rules) -> Resolution:
    """The whole rule from nothing: what every faster way must equal. The keys of a statement are sorted."""
    statements = list(statements)
    keys = {key for statement in statements for key in statement.keys}
    keys.update(key for mark in marks for key in mark.keys)
    links = links_of(statements, rules.accept)
    blocked = {mark.a for mark in marks if mark.kind is MarkKind.BLOCKED}
    shared = {
        key
        for key, counts in degrees(links.values(), blocked, rules.accept).items()
        if rules.is_shared(namespace_of(key), counts)
    }
    return unite(keys, links.values(), marks, rules, shared, blocked)
