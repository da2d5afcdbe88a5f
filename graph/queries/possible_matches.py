"""Possible matches: probabilistic links below the threshold, and whether stronger evidence confirms or refutes them."""

from collections.abc import Iterable, Sequence
from enum import Enum

from graph.domain.model.customers import Customer
from graph.domain.model.guarded_values import ValueSet, contradict, union
from graph.domain.model.identifiers import namespace_of
from graph.domain.model.links import Link
from graph.domain.model.overrides import Override, OverrideKind
from graph.domain.model.rules import Rules
from graph.domain.profile.pages import Match
from graph.domain.resolution.groups import Groups


class MatchStatus(Enum):
    """The status of a possible match (docs/internals/resolution-rule.md, "Possible matches")."""

    POSSIBLE = "possible"
    CONFIRMED = "confirmed"
    """Stronger links connect both ends in one customer."""
    REFUTED = "refuted"
    """Merging the ends would break a limit, an *apart* override or a guard."""


def status(match: Match, rules: Rules) -> MatchStatus:
    """Return whether the two customers of a match are already one, can become one, or cannot."""
    if match.customer_a.id == match.customer_b.id:
        return MatchStatus.CONFIRMED
    overrides = {override.id: override for override in (*match.overrides_a, *match.overrides_b)}
    customers = match.customer_a, match.customer_b
    if _kept_apart(match) or _over_limit(customers, list(overrides.values()), rules) or _contradictory(match, rules):
        return MatchStatus.REFUTED
    return MatchStatus.POSSIBLE


def _kept_apart(match: Match) -> bool:
    """Return whether an *apart* override has one end at each customer."""
    at_a, at_b = (
        {override.id for override in overrides if override.kind is OverrideKind.APART}
        for overrides in (match.overrides_a, match.overrides_b)
    )
    return not at_a.isdisjoint(at_b)


def _over_limit(customers: Sequence[Customer], overrides: Sequence[Override], rules: Rules) -> bool:
    merged = _merged_values(overrides, rules)
    for namespace, limit in rules.limits.items():
        count = sum(customer.counts.get(namespace, 0) for customer in customers)
        if count - merged.get(namespace, 0) > limit:
            return True
    return False


def _merged_values(overrides: Sequence[Override], rules: Rules) -> dict[str, int]:
    """Return by namespace how many values do not count because overrides merge them with another value.

    This is step 4 of docs/internals/resolution-rule.md.
    """
    keys = {key for override in overrides if override.kind is OverrideKind.TOGETHER for key in override.keys}
    merged: dict[str, int] = {}
    for group in Groups(keys, overrides, rules).all():
        for namespace in {namespace_of(key) for key in group}:
            count = sum(namespace_of(key) == namespace for key in group)
            merged[namespace] = merged.get(namespace, 0) + count - 1
    return merged


def _contradictory(match: Match, rules: Rules) -> bool:
    """Return whether the two customers carry values that a guard keeps apart at this link (step 7)."""
    if not _is_guarded(match.link, rules):
        return False
    for guard in rules.guards:
        sets_a = _value_sets(match.customer_a, match.overrides_a, guard.attribute)
        sets_b = _value_sets(match.customer_b, match.overrides_b, guard.attribute)
        if any(contradict(guard.compare, a, b) for a in sets_a for b in sets_b):
            return True
    return False


def _is_guarded(link: Link, rules: Rules) -> bool:
    # While other rules are applied, a link may be of a namespace that the rules no longer have.
    if not rules.rank.keys() >= {namespace_of(key) for key in link.pair}:
        return False
    return namespace_of(rules.strong_first(*link.pair)[1]) in rules.guarded_namespaces


def _value_sets(customer: Customer, overrides: Iterable[Override], attribute: str) -> Iterable[ValueSet]:
    """Return the value sets of a customer; one of all values if *together* overrides join some of its identifiers.

    Which identifiers share their values is not read for a match, so that a customer whose stewards joined identifiers
    refutes less.
    """
    sets = customer.value_sets.get(attribute, {})
    if sets and any(override.kind is OverrideKind.TOGETHER for override in overrides):
        return (union(sets),)
    return sets
