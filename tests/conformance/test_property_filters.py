"""Interactions by their properties: each page of each store has what a plain filter finds."""

from collections.abc import Sequence
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.commands.commit import commit
from graph.domain.model.dates import SECOND
from graph.domain.profile.interactions import Interaction, InteractionStatement
from graph.domain.profile.pages import ByKey, Selection, TimelinePage
from graph.domain.profile.property_filters import PropertyFilter
from graph.domain.profile.timeline import TimelineKind
from graph.ports import Store
from graph.stores.neo4j import property_pages
from tests.builders.graphs import NOW, CountingIds, identifiers, observe
from tests.builders.runs import Run
from tests.builders.strategies import RULES, SETTINGS

examples = count()
"""Examples share a store, and have identifiers of their own."""
NAMES = ["rating", "utm_source", "größe", 'a"b']
scalars = st.one_of(
    st.sampled_from(["", "Google", "news google", "4", "04", "x"]), st.integers(-2, 6), st.floats(-2, 6), st.booleans()
)
values = st.one_of(scalars, st.none(), st.lists(scalars, max_size=2), st.just({"rating": 5}))
interactions = st.lists(
    st.tuples(
        st.sampled_from(["review", "page_viewed"]),
        st.integers(0, 6),
        st.sampled_from(["mail", "cookie"]),
        st.dictionaries(st.sampled_from(NAMES), values, max_size=3),
    ),
    min_size=1,
    max_size=14,
)
numbers = st.one_of(st.none(), st.integers(-1, 5).map(float), st.floats(-1, 5))
conditions = st.one_of(
    st.builds(PropertyFilter, st.sampled_from(NAMES), st.booleans()),
    st.builds(
        PropertyFilter,
        st.sampled_from(NAMES),
        st.just(True),
        st.sampled_from([(), ("google",), ("4", "true"), ("4.0", "x")]),
        st.sampled_from(["", "oog"]),
        numbers,
        numbers,
    ),
)
filters = st.lists(conditions, min_size=1, max_size=2).map(tuple)
types = st.sampled_from([None, ("review",), ("review", "page_viewed")])


def plainly_meets(condition: PropertyFilter, properties: dict[str, Any]) -> bool:
    """The same as `PropertyFilter.matches`, by the words of the documentation."""
    value = properties.get(condition.name)
    items = [item for item in (value if isinstance(value, list) else [value]) if item not in (None, "")]
    if not condition.exists:
        return items == []
    return any(meets_one(condition, item) for item in items)


def meets_one(condition: PropertyFilter, item: Any) -> bool:
    bounded = condition.min is not None or condition.max is not None
    if isinstance(item, dict):
        return not (bounded or condition.values or condition.contains)
    is_number = type(item) in (int, float)
    number = float(item) if is_number or (isinstance(item, str) and item.isdigit()) else None
    if bounded and number is None:
        return False
    if (condition.min is not None and number < condition.min) or (condition.max is not None and number > condition.max):
        return False
    text = {True: "true", False: "false"}[item] if isinstance(item, bool) else str(item).lower()
    if condition.contains and not (isinstance(item, str) and condition.contains in text):
        return False
    same_number = is_number and any(value[0].isdigit() and float(value) == number for value in condition.values)
    return not condition.values or text in condition.values or same_number


def recorded(store: Store, run: Run, said: Sequence[tuple[str, int, str, dict[str, Any]]], mark: str) -> str:
    """Record interactions of one customer with two identifiers; return the key of one."""
    keys = {"mail": f"mail={mark}", "cookie": f"cookie={mark}"}
    statements = [
        InteractionStatement(
            Interaction("web", type, NOW + at * SECOND, f"{mark}-{number}", properties=properties),
            identifiers([keys[holder]]),
        )
        for number, (type, at, holder, properties) in enumerate(said)
    ]
    both = InteractionStatement(Interaction("web", "login", NOW, f"{mark}-login"), identifiers([*keys.values()]))
    batch = [observe(statement.observation(), RULES) for statement in (both, *statements)]
    run(store.write(lambda: commit(batch, RULES, NOW, CountingIds(1_000 * next(examples) + 1))))
    return keys["mail"]


@SETTINGS
@given(said=interactions, filtered=filters, chosen=types, size=st.sampled_from([1, 2, 50]))
def test_pages_hold_what_a_plain_filter_finds(
    store: Store,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    said: list[tuple[str, int, str, dict[str, Any]]],
    filtered: tuple[PropertyFilter, ...],
    chosen: tuple[str, ...] | None,
    size: int,
) -> None:
    # given: Neo4j reads a few interactions at a time
    monkeypatch.setattr(property_pages, "FIRST_BLOCK", 2)
    monkeypatch.setattr(property_pages, "NEXT_BLOCK", 3)
    mark = f"f{next(examples)}"
    key = recorded(store, run, said, mark)
    expected = [
        (NOW + at * SECOND, f"web {mark}-{number}")
        for number, (type, at, _, properties) in enumerate(said)
        if (chosen is None or type in chosen) and all(plainly_meets(condition, properties) for condition in filtered)
    ]
    if chosen is None and all(plainly_meets(condition, {}) for condition in filtered):
        expected.append((NOW, f"web {mark}-login"))
    # when
    found: list[tuple[int, str]] = []
    after = None
    while True:
        kinds = (TimelineKind.INTERACTION,)
        page = TimelinePage(size, after, kinds, types=chosen, properties=filtered)
        (view,) = run(store.customers([ByKey(key)], Selection.of([page])))
        assert view is not None
        entries = view.pages[page].items
        assert len(entries) <= size
        found += [(entry.position[0], entry.position[2]) for entry in entries]
        if not view.pages[page].has_more:
            break
        after = entries[-1].position
    # then
    assert found == sorted(expected, reverse=True)
