"""Possible matches: statistical links below the threshold, and what stronger evidence says of them."""

from collections.abc import Sequence
from enum import Enum

from graph.domain.model.customers import Customer
from graph.domain.model.identifiers import namespace_of
from graph.domain.model.overrides import Mark, MarkKind
from graph.domain.model.rules import Rules
from graph.domain.profile.pages import Match
from graph.domain.resolution.groups import Groups


class MatchStatus(Enum):
    """What became of a possible match (design.md §4, last paragraph)."""

    POSSIBLE = "possible"
    CONFIRMED = "confirmed"
    """Stronger links brought both ends to one customer."""
    REFUTED = "refuted"
    """Uniting the ends would break a limit or an *apart* mark."""


def status(match: Match, rules: Rules) -> MatchStatus:
    """Whether the two customers of a match are one already, may be one, or may not."""
    if match.at_a.id == match.at_b.id:
        return MatchStatus.CONFIRMED
    marks = {mark.id: mark for mark in (*match.marks_a, *match.marks_b)}
    if _kept_apart(match) or _over_limit((match.at_a, match.at_b), list(marks.values()), rules):
        return MatchStatus.REFUTED
    return MatchStatus.POSSIBLE


def _kept_apart(match: Match) -> bool:
    """Whether an *apart* mark has one end at each customer."""
    at_a, at_b = (
        {mark.id for mark in marks if mark.kind is MarkKind.APART} for marks in (match.marks_a, match.marks_b)
    )
    return not at_a.isdisjoint(at_b)


def _over_limit(customers: Sequence[Customer], marks: Sequence[Mark], rules: Rules) -> bool:
    joined = _joined_values(marks, rules)
    for namespace, limit in rules.limits.items():
        count = sum(customer.counts.get(namespace, 0) for customer in customers)
        if count - joined.get(namespace, 0) > limit:
            return True
    return False


def _joined_values(marks: Sequence[Mark], rules: Rules) -> dict[str, int]:
    """By namespace, how many values count no more because marks joined them with another (step 4)."""
    keys = {key for mark in marks if mark.kind is MarkKind.TOGETHER for key in mark.keys}
    saved: dict[str, int] = {}
    for group in Groups(keys, marks, rules).all():
        for namespace in {namespace_of(key) for key in group}:
            count = sum(namespace_of(key) == namespace for key in group)
            saved[namespace] = saved.get(namespace, 0) + count - 1
    return saved
