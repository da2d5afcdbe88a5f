"""The resolution rule over arrays equals the rule over links, for any statements and overrides."""

from collections.abc import Iterable, Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from graph.bulk.columns import ColumnBuilder, Columns
from graph.bulk.evidence import identifier_evidence_of, links_of
from graph.bulk.guards import GuardedIdentifiers
from graph.bulk.resolution import BY_APART, BY_LIMIT, EXCLUDED, SUSPENDED, resolve
from graph.bulk.sharing import degrees_of
from graph.domain.model.guarded_values import guarded_values_of
from graph.domain.model.identifiers import namespace_of
from graph.domain.model.links import LinkReasonCode, LinkState
from graph.domain.model.observations import EvidenceStatement, EvidenceTier, evidence
from graph.domain.model.overrides import Override, OverrideKind
from graph.domain.model.rules import Guard, Rules
from graph.domain.resolution import resolution
from graph.domain.resolution.groups import limit_reason
from tests.builders.graphs import small_rules

KEYS = [f"{namespace}={value}" for namespace in ("crm", "mail", "phone", "cookie", "order") for value in "abcd"]
SOURCES = [f"source {number}" for number in range(70)]
STATES = {0: LinkState.ACTIVE, 1: LinkState.SUSPENDED, 2: LinkState.EXCLUDED}

statements = st.lists(
    st.builds(
        lambda keys, source, tier, at, confidence, attributes: EvidenceStatement(
            source,
            "",
            tuple(sorted(keys)),
            EvidenceTier.PROBABILISTIC if confidence is not None else tier,
            at,
            confidence,
            attributes,
            sorted(keys)[0] if attributes else "",
        ),
        st.lists(st.sampled_from(KEYS), min_size=1, max_size=4, unique=True),
        st.sampled_from(SOURCES),
        st.sampled_from([EvidenceTier.FIRST_PARTY, EvidenceTier.SECOND_PARTY, EvidenceTier.THIRD_PARTY]),
        st.integers(-3, 6),
        st.none() | st.none() | st.sampled_from([0.2, 0.5, 0.95]),
        st.sampled_from(
            ["", "", *(f'{{"birth_date":"{date}"}}' for date in ("1980-05-04", "1980-04-05", "1999-01-01"))]
        ),
    ),
    max_size=40,
)
overrides = st.lists(
    st.builds(
        lambda kind, keys: Override("", kind, keys[0], "" if kind is OverrideKind.BLOCKED else keys[1]),
        st.sampled_from(list(OverrideKind)),
        st.lists(st.sampled_from(KEYS), min_size=2, max_size=2, unique=True).map(sorted),
    ),
    max_size=6,
    unique_by=lambda override: (override.kind, override.a, override.b),
)


def columns_of(statements: Sequence[EvidenceStatement], keys: Iterable[str] = ()) -> tuple[Columns, list[str]]:
    """Columns of statements, and all keys by code; `keys` are included even if no statement names them."""
    ordered = sorted({*keys, *(key for statement in statements for key in statement.keys)})
    builder = ColumnBuilder()
    builder.code.update((key, code) for code, key in enumerate(ordered))
    for statement in statements:
        builder.add(statement.source, statement.keys, statement.tier, statement.seen_at, statement.confidence)
    return builder.columns(), ordered


def together_in_order(overrides: Sequence[Override], rules: Rules) -> list[Override]:
    """The *together* overrides in the order of step 4."""

    def order(override: Override) -> tuple[int, int, str, str]:
        strong, weak = rules.strong_first(override.a, override.b)
        return rules.rank[namespace_of(weak)], rules.rank[namespace_of(strong)], strong, weak

    return sorted((override for override in overrides if override.kind is OverrideKind.TOGETHER), key=order)


@settings(max_examples=300)
@given(statements, overrides, st.sampled_from([0.9, 0.4]), st.sampled_from([(), (Guard("birth_date", "date"),)]))
def test_the_rule_over_arrays_equals_the_rule_over_links(
    statements: list[EvidenceStatement],
    overrides: list[Override],
    min_confidence: float,
    guards: tuple[Guard, ...],
) -> None:
    # given
    rules = replace(small_rules(min_confidence), guards=guards)
    overrides = [replace(override, id=str(number)) for number, override in enumerate(overrides)]
    links = resolution.links_of(statements, min_confidence)
    expected = resolution.resolve(statements, overrides, rules)
    # when
    columns, keys = columns_of(statements, (key for override in overrides for key in override.keys))
    code = {key: number for number, key in enumerate(keys)}
    rank = np.array([rules.rank[namespace_of(key)] for key in keys], np.int16)
    blocked_keys = {override.a for override in overrides if override.kind is OverrideKind.BLOCKED}
    blocked = np.array([key in blocked_keys for key in keys], bool)
    apart = sorted(
        (code[override.a], code[override.b]) for override in overrides if override.kind is OverrideKind.APART
    )
    together = [(code[override.a], code[override.b]) for override in together_in_order(overrides, rules)]
    array_links = links_of(columns, np.ones(len(statements), bool), min_confidence)
    values = {code[key]: stated for key, stated in guarded_values_of(statements, rules).items()}
    guarded = GuardedIdentifiers(values, lambda codes: {number: keys[number] for number in codes.tolist()})
    resolved = resolve(array_links, rank, rules, blocked, together, apart, guarded if guards else None)
    # then
    groups: dict[int, set[str]] = {}
    for key, group in zip(keys, resolved.group.tolist(), strict=True):
        groups.setdefault(group, set()).add(key)
    assert {frozenset(group) for group in groups.values()} == set(expected.groups)
    neighbors = resolution.degrees(links.values(), blocked_keys, min_confidence)
    for key, row in zip(keys, degrees_of(array_links, rank, rules, blocked).tolist(), strict=True):
        counts = {rule.name: count for rule, count in zip(rules.namespaces, row, strict=True) if count}
        assert counts == neighbors.get(key, {})
    assert len(array_links) == len(links)
    for at in range(len(array_links)):
        pair = keys[array_links.a[at]], keys[array_links.b[at]]
        link = links[pair]
        state, reason = expected.verdicts[pair]
        assert array_links.counted[at] == (link.first_seen_at is not None)
        assert array_links.tier[at] == link.tier
        assert array_links.count[at] == link.observation_count
        if link.first_seen_at is not None:
            assert (array_links.first[at], array_links.last[at]) == (link.first_seen_at, link.last_seen_at)
        assert (None if np.isnan(array_links.confidence[at]) else array_links.confidence[at]) == link.confidence
        bits = [
            columns.sources[bit] for bit in range(len(columns.sources)) if array_links.sources[at, bit >> 6] >> bit & 1
        ]
        assert tuple(sorted(bits)) == link.sources
        assert STATES[resolved.state[at]] is state
        if at in resolved.reasons:
            assert reason == resolved.reasons[at]
        elif resolved.state[at] == SUSPENDED and resolved.reason[at] == BY_LIMIT:
            name = rules.namespaces[resolved.detail[at]].name
            assert reason == limit_reason(name, resolved.total[at], rules.limits[name])
        elif resolved.reason[at] == BY_APART:
            a, b = (keys[code] for code in apart[resolved.detail[at]])
            assert reason is not None
            assert reason.code is LinkReasonCode.APART
            assert f"{a} and {b}" in reason.message
        else:
            assert resolved.state[at] in (0, EXCLUDED)


@given(statements)
def test_the_evidence_over_arrays_equals_that_of_the_statements(statements: list[EvidenceStatement]) -> None:
    # given
    columns, keys = columns_of(statements)
    # when
    array_evidence = identifier_evidence_of(columns, np.ones(len(statements), bool), len(keys))
    # then
    for code, key in enumerate(keys):
        naming = {(str(number), ""): statement for number, statement in enumerate(statements) if key in statement.keys}
        expected = evidence(naming)
        assert expected is not None
        assert (array_evidence.first[code], array_evidence.last[code], array_evidence.count[code]) == (
            expected.first_seen_at,
            expected.last_seen_at,
            expected.observation_count,
        )
