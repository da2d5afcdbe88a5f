"""Precedence: which of several statements the profile shows."""

import json

import pytest

from graph.domain.model.facts import Told
from graph.domain.model.observations import Tier
from graph.domain.profile.attributes import profile
from graph.domain.profile.catalog import Attribute, Catalogue, Precedence


def told(value: object, at: int, source: str = "crm", key: str = "email=a", tier: Tier = Tier.FIRST) -> Told:
    return Told(key, at, source, f"{source}{at}", tier, json.dumps({"name": value}))


def shown(precedence: Precedence, *statements: Told, sources: tuple[str, ...] = ()) -> list[object] | None:
    catalogue = Catalogue({"name": Attribute("name", precedence=precedence, sources=sources)})
    chosen = profile(statements, catalogue).get("name")
    return None if chosen is None else [one.value for one in chosen.shown]


SEVERAL = (
    told("Ann", 1, "crm", "crm_id=1"),
    told("Anna", 5, "shop"),
    told("Ann", 3, "club", "loyalty_card=1"),
    told("Hanna", 4, "game", tier=Tier.THIRD),
)


@pytest.mark.parametrize(
    ("precedence", "sources", "expected"),
    [
        (Precedence.NEWEST, (), ["Anna"]),
        (Precedence.OLDEST, (), ["Ann"]),
        (Precedence.MOST_FREQUENT, (), ["Ann"]),
        (Precedence.SOURCES, ("game", "crm"), ["Hanna"]),
        (Precedence.SOURCES, ("till", "crm"), ["Ann"]),
        (Precedence.SOURCES, ("till",), ["Anna"]),
        (Precedence.UNION, (), ["Anna", "Hanna", "Ann"]),
    ],
)
def test_each_precedence(precedence: Precedence, sources: tuple[str, ...], expected: list[str]) -> None:
    assert shown(precedence, *SEVERAL, sources=sources) == expected
    assert shown(precedence, *reversed(SEVERAL), sources=sources) == expected


def test_at_the_same_time_the_nearer_party_is_shown() -> None:
    assert shown(Precedence.NEWEST, told("Far", 1, "a", tier=Tier.THIRD), told("Near", 1, "b")) == ["Near"]


def test_a_newer_word_of_the_same_source_on_the_same_identifier_replaces_its_older_one() -> None:
    assert shown(Precedence.UNION, told("Ann", 1), told("Anna", 2)) == ["Anna"]
    assert shown(Precedence.UNION, told("Ann", 1), told("Anna", 2, key="cookie=x")) == ["Anna", "Ann"]
    assert shown(Precedence.OLDEST, told("Ann", 1), told("Anna", 2)) == ["Ann"]


def test_what_is_taken_back_is_not_shown() -> None:
    for precedence in Precedence:
        assert shown(precedence, told("Ann", 1), told(None, 2)) is None
        assert shown(precedence, told("Ann", 1), told(None, 2), told("Eve", 1, "shop")) == ["Eve"]
        assert shown(precedence, told(None, 1), told("Ann", 2)) == ["Ann"]


def test_values_that_say_the_same_are_one() -> None:
    catalogue = Catalogue()
    chosen = profile((told("ann  lee", 2, "shop"), told("Ann Lee", 1)), catalogue)["name"]
    assert [one.value for one in chosen.shown] == ["ann  lee"]
    assert chosen.alternatives == ()
