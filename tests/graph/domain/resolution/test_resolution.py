"""Properties of the resolution rule: constraints hold, every link has a verdict, the order does not matter."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from graph.domain.model.links import LinkState
from graph.domain.model.observations import EvidenceStatement
from graph.domain.model.overrides import Override, OverrideKind
from graph.domain.resolution.resolution import links_of, resolve
from tests.builders.graphs import override as override_command
from tests.builders.graphs import pairs, small_rules
from tests.builders.strategies import KEYS, observations, overrides

RULES = small_rules()
statements = observations.map(
    lambda command: EvidenceStatement(
        command.observation.source,
        command.key[1],
        command.normalized.keys,
        command.observation.tier,
        command.observation.seen_at,
        command.observation.confidence,
    )
)
statement_lists = st.lists(statements.filter(lambda statement: statement.keys), max_size=25)
override_lists = st.lists(
    overrides.map(lambda command: command.override), max_size=4, unique_by=lambda override: override.id
)


def together_classes(overrides: Sequence[Override], overruled: Sequence[str]) -> list[set[str]]:
    classes: list[set[str]] = []
    for override in overrides:
        if override.kind is OverrideKind.TOGETHER and override.id not in overruled:
            touched = [group for group in classes if not group.isdisjoint(override.keys)]
            classes = [group for group in classes if group not in touched] + [set(override.keys).union(*touched)]
    return classes


@given(statement_lists, override_lists)
def test_every_constraint_holds(statements: list[EvidenceStatement], overrides: list[Override]) -> None:
    # when
    result = resolve(statements, overrides, RULES)
    # then: every identifier is in one group
    keys = {key for named in (*statements, *overrides) for key in named.keys}
    assert sorted(key for group in result.groups for key in group) == sorted(keys)
    classes = together_classes(overrides, result.overruled)
    for group in result.groups:
        # no group has both keys of an apart override
        for override in overrides:
            assert not (override.kind is OverrideKind.APART and group.issuperset(override.keys))
        # every limit holds; values that overrides merge count once
        for namespace, limit in RULES.limits.items():
            values = {key for key in group if key.startswith(f"{namespace}=")}
            merged = sum(len(values & together) - 1 for together in classes if values & together)
            assert len(values) - merged <= limit
    # together overrides that are not overruled hold
    group_of = {key: group for group in result.groups for key in group}
    for together in classes:
        assert len({group_of[key] for key in together}) == 1


@given(statement_lists, override_lists)
def test_every_link_has_a_verdict(statements: list[EvidenceStatement], overrides: list[Override]) -> None:
    # when
    result = resolve(statements, overrides, RULES)
    # then
    assert set(result.verdicts) == {pair for statement in statements for pair in pairs(statement.keys)}
    group_of = {key: group for group in result.groups for key in group}
    for (a, b), (state, reason) in result.verdicts.items():
        assert (state is LinkState.ACTIVE) == (reason is None)
        if state is LinkState.ACTIVE:
            assert group_of[a] == group_of[b]
        if state is LinkState.SUSPENDED:
            assert group_of[a] != group_of[b]


@given(statement_lists, override_lists, st.randoms(use_true_random=False))
def test_order_does_not_matter(statements: list[EvidenceStatement], overrides: list[Override], random) -> None:
    # given
    shuffled_statements, shuffled_overrides = list(statements), list(overrides)
    random.shuffle(shuffled_statements)
    random.shuffle(shuffled_overrides)
    # when
    result, shuffled = resolve(statements, overrides, RULES), resolve(shuffled_statements, shuffled_overrides, RULES)
    # then
    assert sorted(map(sorted, result.groups)) == sorted(map(sorted, shuffled.groups))
    assert result.verdicts == shuffled.verdicts
    assert result.overruled == shuffled.overruled


@given(statement_lists)
def test_the_times_of_a_link_are_those_of_its_best_tier(statements: list[EvidenceStatement]) -> None:
    for pair, link in links_of(statements, RULES.min_confidence).items():
        counted = [
            statement
            for statement in statements
            if set(pair) <= set(statement.keys) and statement.meets_threshold(RULES.min_confidence)
        ]
        assert link.observation_count == len(counted)
        if counted:
            best = min(statement.tier for statement in counted)
            times = [statement.seen_at for statement in counted if statement.tier == best]
            assert (link.tier, link.first_seen_at, link.last_seen_at) == (best, min(times), max(times))


def test_the_reason_of_an_apart_override_names_both_keys() -> None:
    # given
    statements = [
        EvidenceStatement("s", "1", (KEYS[0], KEYS[8]), 0, 1),
        EvidenceStatement("s", "2", (KEYS[4], KEYS[8]), 0, 2),
    ]
    # when
    result = resolve(statements, [override_command(OverrideKind.APART, KEYS[0], KEYS[4]).override], RULES)
    # then
    reasons = [reason.message for _, reason in result.verdicts.values() if reason]
    assert reasons == [f"a steward keeps {KEYS[0]} and {KEYS[4]} apart"]


def test_an_override_of_an_identifier_whose_namespace_new_rules_no_longer_have_stays_in_effect() -> None:
    # given
    statements = [EvidenceStatement("s", "1", ("crm=a", "mail=a"), 0, 1), EvidenceStatement("s", "2", ("crm=b",), 0, 2)]
    kept = [
        override_command(OverrideKind.TOGETHER, "crm=a", "fax=1").override,
        override_command(OverrideKind.TOGETHER, "fax=1", "fax=2").override,
        override_command(OverrideKind.APART, "crm=b", "fax=1").override,
        override_command(OverrideKind.TOGETHER, "crm=b", "fax=2").override,
    ]
    # when
    result = resolve(statements, kept, RULES)
    # then: that of the weakest identifiers is decided last, and the identifiers that are apart stay apart
    assert sorted(map(sorted, result.groups)) == [["crm=a", "fax=1", "mail=a"], ["crm=b", "fax=2"]]
