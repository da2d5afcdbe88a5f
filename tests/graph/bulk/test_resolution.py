"""The rule over arrays against the rule over links, on whatever may be seen and marked."""

from collections.abc import Iterable, Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.bulk.columns import Columns, Growing
from graph.bulk.evidence import links_of, sightings_of
from graph.bulk.resolution import BY_APART, BY_LIMIT, IDLE, SUSPENDED, resolve
from graph.bulk.sharing import degrees_of
from graph.domain.model.identifiers import namespace_of
from graph.domain.model.links import APART, State
from graph.domain.model.observations import Statement, Tier, evidence
from graph.domain.model.overrides import Mark, MarkKind
from graph.domain.model.rules import Rules
from graph.domain.resolution import resolution
from graph.domain.resolution.groups import limit_reason
from tests.builders.graphs import small_rules

KEYS = [f"{namespace}={value}" for namespace in ("crm", "mail", "phone", "cookie", "order") for value in "abcd"]
SOURCES = [f"source {number}" for number in range(70)]
STATES = {0: State.KEPT, 1: State.SUSPENDED, 2: State.IDLE}

statements = st.lists(
    st.builds(
        lambda keys, source, tier, at, confidence: Statement(
            source, "", tuple(sorted(keys)), Tier.STATISTICAL if confidence is not None else tier, at, confidence
        ),
        st.lists(st.sampled_from(KEYS), min_size=1, max_size=4, unique=True),
        st.sampled_from(SOURCES),
        st.sampled_from([Tier.FIRST, Tier.SECOND, Tier.THIRD]),
        st.integers(-3, 6),
        st.none() | st.none() | st.sampled_from([0.2, 0.5, 0.95]),
    ),
    max_size=40,
)
marks = st.lists(
    st.builds(
        lambda kind, ends: Mark("", kind, ends[0], "" if kind is MarkKind.BLOCKED else ends[1]),
        st.sampled_from(list(MarkKind)),
        st.lists(st.sampled_from(KEYS), min_size=2, max_size=2, unique=True).map(sorted),
    ),
    max_size=6,
    unique_by=lambda mark: (mark.kind, mark.a, mark.b),
)


def of_statements(said: Sequence[Statement], keys: Iterable[str] = ()) -> tuple[Columns, list[str]]:
    """Columns of statements, and all keys by code; `keys` are there without being named."""
    ordered = sorted({*keys, *(key for one in said for key in one.keys)})
    growing = Growing()
    growing.code.update((key, code) for code, key in enumerate(ordered))
    for one in said:
        growing.add(one.source, one.keys, one.tier, one.seen_at, one.confidence)
    return growing.columns(), ordered


def together_first(marks: Sequence[Mark], rules: Rules) -> list[Mark]:
    def order(mark: Mark) -> tuple[int, int, str, str]:
        strong, weak = rules.strong_first(mark.a, mark.b)
        return rules.rank[namespace_of(weak)], rules.rank[namespace_of(strong)], strong, weak

    return sorted((mark for mark in marks if mark.kind is MarkKind.TOGETHER), key=order)


@settings(max_examples=300)
@given(statements, marks, st.sampled_from([0.9, 0.4]))
def test_arrays_and_links_come_to_the_same(said: list[Statement], marks: list[Mark], accept: float) -> None:
    # given
    rules = small_rules(accept)
    marks = [Mark(str(number), mark.kind, mark.a, mark.b) for number, mark in enumerate(marks)]
    links = resolution.links_of(said, accept)
    expected = resolution.resolve(said, marks, rules)
    # when
    columns, keys = of_statements(said, (key for mark in marks for key in mark.keys))
    code = {key: number for number, key in enumerate(keys)}
    rank = np.array([rules.rank[namespace_of(key)] for key in keys], np.int16)
    blocked = np.array([any(mark.kind is MarkKind.BLOCKED and mark.a == key for mark in marks) for key in keys], bool)
    apart = sorted((code[mark.a], code[mark.b]) for mark in marks if mark.kind is MarkKind.APART)
    together = [(code[mark.a], code[mark.b]) for mark in together_first(marks, rules)]
    found = links_of(columns, np.ones(len(said), bool), accept)
    resolved = resolve(found, rank, rules, blocked, together, apart)
    # then
    groups: dict[int, set[str]] = {}
    for key, group in zip(keys, resolved.group.tolist(), strict=True):
        groups.setdefault(group, set()).add(key)
    assert {frozenset(group) for group in groups.values()} == set(expected.groups)
    neighbours = resolution.degrees(links.values(), {mark.a for mark in marks if mark.kind is MarkKind.BLOCKED}, accept)
    for key, row in zip(keys, degrees_of(found, rank, rules, blocked).tolist(), strict=True):
        counts = {rule.name: count for rule, count in zip(rules.namespaces, row, strict=True) if count}
        assert counts == neighbours.get(key, {})
    assert len(found) == len(links)
    for at in range(len(found)):
        ends = keys[found.a[at]], keys[found.b[at]]
        link = links[ends]
        state, reason = expected.verdicts[ends]
        assert found.counted[at] == (link.first_seen is not None)
        assert found.tier[at] == link.tier
        assert found.count[at] == link.count
        if link.first_seen is not None:
            assert (found.first[at], found.last[at]) == (link.first_seen, link.last_seen)
        assert (None if np.isnan(found.confidence[at]) else found.confidence[at]) == link.confidence
        bits = [columns.sources[bit] for bit in range(len(columns.sources)) if found.sources[at, bit >> 6] >> bit & 1]
        assert tuple(sorted(bits)) == link.sources
        assert STATES[resolved.state[at]] is state
        if resolved.state[at] == SUSPENDED and resolved.reason[at] == BY_LIMIT:
            name = rules.namespaces[resolved.detail[at]].name
            assert reason == limit_reason(name, resolved.total[at], rules.limits[name])
        elif resolved.reason[at] == BY_APART:
            a, b = (keys[end] for end in apart[resolved.detail[at]])
            assert reason is not None
            assert reason.code == APART
            assert f"{a} and {b}" in reason.text
        else:
            assert resolved.state[at] in (0, IDLE)


@given(statements)
def test_sightings_are_the_evidence(said: list[Statement]) -> None:
    # given
    columns, keys = of_statements(said)
    # when
    seen = sightings_of(columns, np.ones(len(said), bool), len(keys))
    # then
    for code, key in enumerate(keys):
        naming = {(str(number), ""): one for number, one in enumerate(said) if key in one.keys}
        one = evidence(naming)
        assert one is not None
        assert (seen.first[code], seen.last[code], seen.count[code]) == (one.first_seen, one.last_seen, one.count)
