"""Conditions on the properties of an interaction: what they match, and what is wrong with those that are refused."""

from typing import Any

import pytest

from graph.domain.model.errors import InvalidInput
from graph.domain.profile.property_filters import MAX_FILTERS, MAX_VALUES, PropertyFilter, parse, texts_of_names

PROPERTIES = {
    "utm_source": "Google",
    "rating": 4,
    "price": 12.5,
    "screen_width": "1920",
    "postcode": "01067",
    "returning": True,
    "tags": ["Red", 7, None],
    "referrer": "",
    "search": None,
    "none": [],
    "address": {"city": "Bern"},
    "big": 2**64 - 1,
}


@pytest.mark.parametrize(
    ("condition", "matches"),
    [
        ({"name": "utm_source", "in": ["bing", "GOOGLE"]}, True),
        ({"name": "utm_source", "in": ["goog"]}, False),
        ({"name": "utm_source", "contains": "OOG"}, True),
        ({"name": "utm_source", "min": 1}, False),
        ({"name": "rating", "min": 4}, True),
        ({"name": "rating", "min": 4.5}, False),
        ({"name": "rating", "min": 1, "max": 3}, False),
        ({"name": "rating", "in": ["4.0"]}, True),
        ({"name": "rating", "contains": "4"}, False),
        ({"name": "price", "in": ["12.50"], "max": 13}, True),
        ({"name": "screen_width", "min": 1000}, True),
        ({"name": "screen_width", "max": 1000}, False),
        ({"name": "postcode", "in": ["1067"]}, False),
        ({"name": "postcode", "in": ["01067"]}, True),
        ({"name": "returning", "in": ["true"]}, True),
        ({"name": "returning", "in": ["1"]}, False),
        ({"name": "returning", "min": 0}, False),
        ({"name": "tags", "in": ["red"]}, True),
        ({"name": "tags", "min": 7}, True),
        ({"name": "tags", "in": ["none"]}, False),
        ({"name": "referrer", "exists": True}, False),
        ({"name": "referrer", "exists": False}, True),
        ({"name": "search", "exists": False}, True),
        ({"name": "none", "exists": False}, True),
        ({"name": "rating", "exists": False}, False),
        ({"name": "rating", "exists": True, "min": 4}, True),
        ({"name": "missing", "exists": False}, True),
        ({"name": "missing", "contains": "x"}, False),
        ({"name": "address", "exists": True}, True),
        ({"name": "address", "contains": "Bern"}, False),
        ({"name": "city", "in": ["Bern"]}, False),
        ({"name": "big", "in": ["18446744073709551615"]}, True),
        ({"name": "big", "in": ["18446744073709551614"]}, False),
        ({"name": "Rating", "min": 1}, False),
    ],
)
def test_a_property_meets_all_criteria(condition: dict[str, Any], matches: bool) -> None:
    (parsed,) = parse([condition], ("properties",))
    assert parsed.matches(PROPERTIES) is matches


@pytest.mark.parametrize(
    ("stored", "matches"),
    [("1e400", False), (float("inf"), False), (float("nan"), False), ("  5 ", True), ("5€", False), ("٥", False)],
)
def test_only_finite_numbers_are_compared(stored: Any, matches: bool) -> None:
    assert PropertyFilter("n", min=1).matches({"n": stored}) is matches


@pytest.mark.parametrize(
    ("conditions", "code", "path"),
    [
        ([], "INVALID_COUNT", ("properties",)),
        ([{"name": "a", "min": 1}] * (MAX_FILTERS + 1), "INVALID_COUNT", ("properties",)),
        ([{"name": "a"}], "INVALID_VALUE", ("properties", 0)),
        ([{"name": "", "min": 1}], "INVALID_LENGTH", ("properties", 0, "name")),
        ([{"name": "a", "min": 1}, {"name": "b" * 201, "min": 1}], "INVALID_LENGTH", ("properties", 1, "name")),
        ([{"name": "a\x00", "min": 1}], "INVALID_CHARACTER", ("properties", 0, "name")),
        ([{"name": "a", "exists": False, "in": ["b"]}], "INVALID_VALUE", ("properties", 0, "in")),
        ([{"name": "a", "in": []}], "INVALID_COUNT", ("properties", 0, "in")),
        ([{"name": "a", "in": ["b"] * (MAX_VALUES + 1)}], "INVALID_COUNT", ("properties", 0, "in")),
        ([{"name": "a", "in": [""]}], "INVALID_LENGTH", ("properties", 0, "in")),
        ([{"name": "a", "contains": ""}], "INVALID_LENGTH", ("properties", 0, "contains")),
        ([{"name": "a", "min": 1e15}], "INVALID_VALUE", ("properties", 0, "min")),
        ([{"name": "a", "max": float("nan")}], "INVALID_VALUE", ("properties", 0, "max")),
    ],
)
def test_an_invalid_condition_is_an_error_with_its_path(
    conditions: list[dict[str, Any]], code: str, path: tuple[str | int, ...]
) -> None:
    with pytest.raises(InvalidInput) as error:
        parse(conditions, ("properties",))
    assert (error.value.code, error.value.path) == (code, path)


def test_stores_may_skip_what_does_not_contain_the_name() -> None:
    # given
    conditions = [
        {"name": "utm_source", "exists": True},
        {"name": "rating", "exists": False},
        {"name": "größe", "min": 1},
        {"name": 'a"b', "min": 1},
    ]
    # then: of a name that may be written in several ways, or that must be missing, there is no such text
    assert texts_of_names(parse(conditions, ("properties",))) == ["utm_source"]
