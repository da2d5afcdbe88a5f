"""The resolution rule (docs/internals/resolution-rule.md): from links and overrides to groups and verdicts.

The result does not depend on the order of arrival.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from itertools import combinations

from msgspec import Struct, field

from graph.domain.model.guarded_values import ValueSets, guarded_values_of, value_sets_of
from graph.domain.model.identifiers import Pair, namespace_of
from graph.domain.model.links import (
    Link,
    LinkReason,
    LinkReasonCode,
    LinkState,
    sort_key,
    with_statement,
)
from graph.domain.model.observations import EvidenceStatement
from graph.domain.model.overrides import Override, OverrideKind
from graph.domain.model.rules import Rules
from graph.domain.model.sentences import MessageCode, Sentence
from graph.domain.resolution.groups import Groups

LinkVerdict = tuple[LinkState, LinkReason | None]


class Resolution(Struct, frozen=True, gc=False):
    """A partition of the identifiers, and for every link its state and reason."""

    groups: Sequence[frozenset[str]]
    verdicts: Mapping[Pair, LinkVerdict]
    merging_pairs: Sequence[Pair] = ()
    """The links that merged two groups, in the order of the merges."""
    overruled: Mapping[str, Pair] = field(default_factory=dict)


def exclusion_reason(link: Link, rules: Rules, shared: Set[str], blocked: Set[str]) -> LinkReason | None:
    """Return why a link is excluded (step 3); `None` if it is not."""
    if not link.meets_threshold(rules.min_confidence):
        confidence, threshold = f"{link.confidence:g}", f"{rules.min_confidence:g}"
        message = Sentence(MessageCode.BELOW_THRESHOLD, confidence=confidence, threshold=threshold)
        return LinkReason(LinkReasonCode.BELOW_THRESHOLD, message)
    for key in link.pair:
        if key in blocked:
            return LinkReason(LinkReasonCode.BLOCKED, Sentence(MessageCode.BLOCKED, identifier=key))
    for key in link.pair:
        if key in shared:
            return LinkReason(LinkReasonCode.SHARED, Sentence(MessageCode.SHARED, identifier=key))
    return None


def resolve_groups(
    keys: Iterable[str],
    links: Iterable[Link],
    overrides: Sequence[Override],
    rules: Rules,
    shared: Set[str],
    blocked: Set[str],
    value_sets: Mapping[str, ValueSets] | None = None,
) -> Resolution:
    """Apply steps 3 to 7 to identifiers that no link or override connects with others.

    `shared` and `blocked` are the identifiers that are so, `value_sets` the guarded values of those that carry some.
    """
    groups = Groups(keys, overrides, rules, value_sets)
    verdicts: dict[Pair, LinkVerdict] = {}
    candidates: list[Link] = []
    for link in links:
        if reason := exclusion_reason(link, rules, shared, blocked):
            verdicts[link.pair] = LinkState.EXCLUDED, reason
        else:
            candidates.append(link)
    merging_pairs: list[Pair] = []
    rejected: list[Link] = []
    for link in sorted(candidates, key=lambda link: sort_key(link, rules)):
        if groups.find(link.a) == groups.find(link.b):
            verdicts[link.pair] = LinkState.ACTIVE, None
        elif groups.obstacle(link.a, link.b):
            rejected.append(link)
        else:
            groups.union(link.a, link.b)
            merging_pairs.append(link.pair)
            verdicts[link.pair] = LinkState.ACTIVE, None
    # The reason follows from the final groups: an obstacle that a link meets at its turn is still there at the end,
    # unless a later link of a namespace without guards has made one group of its ends.
    for link in rejected:
        reason = groups.obstacle(link.a, link.b)
        verdicts[link.pair] = (LinkState.SUSPENDED, reason) if reason else (LinkState.ACTIVE, None)
    return Resolution(groups.all(), verdicts, merging_pairs, groups.overruled)


def links_of(statements: Iterable[EvidenceStatement], min_confidence: float) -> dict[Pair, Link]:
    """Return the links that statements support, without verdicts (step 2)."""
    links: dict[Pair, Link] = {}
    for statement in statements:
        for pair in combinations(statement.keys, 2):
            links[pair] = with_statement(links.get(pair), pair, statement, min_confidence)
    return links


def degrees(links: Iterable[Link], blocked: Set[str], min_confidence: float) -> dict[str, dict[str, int]]:
    """Count the distinct neighbors of each identifier by namespace, as sharing does (step 3)."""
    degree: dict[str, dict[str, int]] = {}
    for link in links:
        if link.meets_threshold(min_confidence) and link.a not in blocked and link.b not in blocked:
            for key, neighbor in ((link.a, link.b), (link.b, link.a)):
                counts = degree.setdefault(key, {})
                namespace = namespace_of(neighbor)
                counts[namespace] = counts.get(namespace, 0) + 1
    return degree


def resolve(statements: Iterable[EvidenceStatement], overrides: Sequence[Override], rules: Rules) -> Resolution:
    """Apply the whole rule from scratch; every faster way must give the same result. Keys of a statement are sorted."""
    statements = list(statements)
    keys = {key for statement in statements for key in statement.keys}
    keys.update(key for override in overrides for key in override.keys)
    links = links_of(statements, rules.min_confidence)
    blocked = {override.a for override in overrides if override.kind is OverrideKind.BLOCKED}
    shared = {
        key
        for key, counts in degrees(links.values(), blocked, rules.min_confidence).items()
        if rules.is_shared(namespace_of(key), counts)
    }
    value_sets = {key: value_sets_of(values) for key, values in guarded_values_of(statements, rules).items()}
    return resolve_groups(keys, links.values(), overrides, rules, shared, blocked, value_sets)
