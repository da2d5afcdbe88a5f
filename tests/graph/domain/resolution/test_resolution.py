"""Properties of the rule from scratch: each constraint holds, no link is lost, order does not matter."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from graph.domain.model.links import State
from graph.domain.model.observations import Statement
from graph.domain.model.overrides import Mark, MarkKind
from graph.domain.resolution.resolution import links_of, resolve
from tests.builders.graphs import mark, pairs, small_rules
from tests.builders.strategies import KEYS, marks, observations

RULES = small_rules()
statements = observations.map(
    lambda one: Statement(
        one.observation.source,
        one.key[1],
        one.outcome.keys,
        one.observation.tier,
        one.observation.seen_at,
        one.observation.confidence,
    )
)
many = st.lists(statements.filter(lambda one: one.keys), max_size=25)
marks = st.lists(marks.map(lambda one: one.mark), max_size=4, unique_by=lambda one: one.id)


def together_classes(found: Sequence[Mark], beaten: Sequence[str]) -> list[set[str]]:
    classes: list[set[str]] = []
    for one in found:
        if one.kind is MarkKind.TOGETHER and one.id not in beaten:
            mine = [group for group in classes if not group.isdisjoint(one.keys)]
            classes = [group for group in classes if group not in mine] + [set(one.keys).union(*mine)]
    return classes


@given(many, marks)
def test_each_constraint_holds_in_each_result(seen: list[Statement], found: list[Mark]) -> None:
    # when
    result = resolve(seen, found, RULES)
    # then: every identifier is in one group
    keys = {key for one in seen for key in one.keys} | {key for one in found for key in one.keys}
    assert sorted(key for group in result.groups for key in group) == sorted(keys)
    classes = together_classes(found, result.beaten)
    for group in result.groups:
        # no apart mark inside a group
        for one in found:
            assert not (one.kind is MarkKind.APART and group.issuperset(one.keys))
        # every limit holds, values that marks joined counting once
        for namespace, limit in RULES.limits.items():
            mine = {key for key in group if key.startswith(f"{namespace}=")}
            joined = sum(len(mine & one) - 1 for one in classes if mine & one)
            assert len(mine) - joined <= limit
    # marks that are not beaten hold
    group_of = {key: group for group in result.groups for key in group}
    for one in classes:
        assert len({group_of[key] for key in one}) == 1


@given(many, marks)
def test_no_link_is_lost(seen: list[Statement], found: list[Mark]) -> None:
    # when
    result = resolve(seen, found, RULES)
    # then
    assert set(result.verdicts) == {ends for one in seen for ends in pairs(one.keys)}
    group_of = {key: group for group in result.groups for key in group}
    for (a, b), (state, reason) in result.verdicts.items():
        assert (state is State.KEPT) == (reason is None)
        if state is State.KEPT:
            assert group_of[a] == group_of[b]
        if state is State.SUSPENDED:
            assert group_of[a] != group_of[b]


@given(many, marks, st.randoms(use_true_random=False))
def test_order_does_not_matter(seen: list[Statement], found: list[Mark], random) -> None:
    # given
    other, other_marks = list(seen), list(found)
    random.shuffle(other)
    random.shuffle(other_marks)
    # when
    one, two = resolve(seen, found, RULES), resolve(other, other_marks, RULES)
    # then
    assert sorted(map(sorted, one.groups)) == sorted(map(sorted, two.groups))
    assert one.verdicts == two.verdicts
    assert one.beaten == two.beaten


@given(many)
def test_links_are_what_their_best_tier_says(seen: list[Statement]) -> None:
    for ends, link in links_of(seen, RULES.accept).items():
        mine = [one for one in seen if set(ends) <= set(one.keys) and one.counts(RULES.accept)]
        assert link.count == len(mine)
        if mine:
            best = min(one.tier for one in mine)
            times = [one.seen_at for one in mine if one.tier == best]
            assert (link.tier, link.first_seen, link.last_seen) == (best, min(times), max(times))


def test_an_apart_mark_says_whom_it_keeps_apart() -> None:
    # given
    statements = [Statement("s", "1", (KEYS[0], KEYS[8]), 0, 1), Statement("s", "2", (KEYS[4], KEYS[8]), 0, 2)]
    # when
    result = resolve(statements, [mark(MarkKind.APART, KEYS[0], KEYS[4]).mark], RULES)
    # then
    reasons = [reason.text for _, reason in result.verdicts.values() if reason]
    assert reasons == [f"a steward keeps {KEYS[0]} and {KEYS[4]} apart"]
