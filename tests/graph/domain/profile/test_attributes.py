"""Precedence: which of several stated values the profile shows."""

import json

import pytest

from graph.domain.model.facts import Fact
from graph.domain.model.observations import Party
from graph.domain.profile.attributes import profile
from graph.domain.profile.catalog import AttributeDefinition, Catalog, Precedence


def name_fact(
    value: object, at: int, source: str = "crm", key: str = "email=a", party: Party = Party.FIRST_PARTY
) -> Fact:
    return Fact(key, at, source, f"{source}{at}", party, json.dumps({"name": value}))


def shown(precedence: Precedence, *facts: Fact, sources: tuple[str, ...] = ()) -> list[object] | None:
    """The chosen values of the name."""
    catalog = Catalog({"name": AttributeDefinition("name", precedence=precedence, sources=sources)})
    attribute = profile(facts, catalog).get("name")
    return None if attribute is None else [reported.value for reported in attribute.chosen]


FACTS = (
    name_fact("Ann", 1, "crm", "crm_id=1"),
    name_fact("Anna", 5, "shop"),
    name_fact("Ann", 3, "club", "loyalty_card=1"),
    name_fact("Hanna", 4, "game", party=Party.THIRD_PARTY),
)


@pytest.mark.parametrize(
    ("precedence", "sources", "expected"),
    [
        (Precedence.NEWEST, (), ["Anna"]),
        (Precedence.OLDEST, (), ["Ann"]),
        (Precedence.MOST_FREQUENT, (), ["Ann"]),
        (Precedence.SOURCE_PRIORITY, ("game", "crm"), ["Hanna"]),
        (Precedence.SOURCE_PRIORITY, ("till", "crm"), ["Ann"]),
        (Precedence.SOURCE_PRIORITY, ("till",), ["Anna"]),
        (Precedence.ALL, (), ["Anna", "Hanna", "Ann"]),
    ],
)
def test_each_precedence(precedence: Precedence, sources: tuple[str, ...], expected: list[str]) -> None:
    assert shown(precedence, *FACTS, sources=sources) == expected
    assert shown(precedence, *reversed(FACTS), sources=sources) == expected


def test_at_the_same_time_the_first_party_is_preferred() -> None:
    facts = name_fact("Third", 1, "a", party=Party.THIRD_PARTY), name_fact("First", 1, "b")
    assert shown(Precedence.NEWEST, *facts) == ["First"]


def test_a_newer_statement_of_a_source_replaces_its_older_one_at_the_same_identifier() -> None:
    assert shown(Precedence.ALL, name_fact("Ann", 1), name_fact("Anna", 2)) == ["Anna"]
    assert shown(Precedence.ALL, name_fact("Ann", 1), name_fact("Anna", 2, key="cookie=x")) == ["Anna", "Ann"]
    assert shown(Precedence.OLDEST, name_fact("Ann", 1), name_fact("Anna", 2)) == ["Ann"]


def test_a_withdrawn_value_is_not_shown() -> None:
    for precedence in Precedence:
        assert shown(precedence, name_fact("Ann", 1), name_fact(None, 2)) is None
        assert shown(precedence, name_fact("Ann", 1), name_fact(None, 2), name_fact("Eve", 1, "shop")) == ["Eve"]
        assert shown(precedence, name_fact(None, 1), name_fact("Ann", 2)) == ["Ann"]


def test_values_that_differ_in_case_and_white_space_are_equal() -> None:
    attribute = profile((name_fact("ann  lee", 2, "shop"), name_fact("Ann Lee", 1)), Catalog())["name"]
    assert [reported.value for reported in attribute.chosen] == ["ann  lee"]
    assert attribute.alternatives == ()


@pytest.mark.parametrize("precedence", [Precedence.NEWEST, Precedence.OLDEST, Precedence.MOST_FREQUENT])
def test_a_claimed_value_is_shown_if_no_source_states_another(precedence: Precedence) -> None:
    # given
    claims = name_fact("Mallory", 0, "web:claimed", "email=a"), name_fact("Mallory", 9, "app:claimed", "email=b")
    # when, then
    assert shown(precedence, *claims, name_fact("Ann", 5)) == ["Ann"]
    assert shown(precedence, *claims) == ["Mallory"]
