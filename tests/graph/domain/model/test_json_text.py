"""Values as JSON text."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.domain.model.json_text import check_json, compact, parse_stored, readable, spaced

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXTS
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=20)


@given(VALUES)
def test_compact_text_equals_that_of_the_standard_library(value: Any) -> None:
    """Stored texts are compared, and digests are made of them."""
    assert compact(value) == json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@given(
    st.recursive(
        LEAVES | st.text() | st.text(st.characters(max_codepoint=127)) | st.text(st.characters(categories=["Cs"])),
        lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner) | st.tuples(inner, inner),
        max_leaves=20,
    )
)
def test_spaced_text_equals_that_of_the_standard_library(value: Any) -> None:
    """Stored digests are made of such texts."""
    assert spaced(value) == json.dumps(value).encode()


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_survives_a_round_trip(value: float) -> None:
    assert json.loads(compact(value)) == value


def nested(levels: int, inner: str = "1") -> str:
    """JSON text of lists and objects in turn, one inside the other."""
    opened = "".join("[" if level % 2 else '{"a":' for level in range(levels))
    return opened + inner + "".join("]" if level % 2 else "}" for level in reversed(range(levels)))


@given(VALUES)
def test_json_without_characters_that_stores_cannot_hold_is_allowed(value: Any) -> None:
    assert (check_json(value, "properties") is None) == ("\\u0000" not in json.dumps(value))


@pytest.mark.parametrize(
    "value",
    [2**64 - 1, -(2**63), 1e18, -1.5, 5e-324, True, None, "ü\n", {"": []}, json.loads(nested(32)), [[]] * 1000],
)
def test_json_values_that_sources_may_send(value: Any) -> None:
    assert check_json(value, "properties") is None


@pytest.mark.parametrize(
    ("value", "code", "words"),
    [
        (2**64, "INVALID_VALUE", "properties contains the number 18446744073709551616; 64 bits are allowed"),
        (-(2**63) - 1, "INVALID_VALUE", "-9223372036854775809"),
        (float(2**64), "INVALID_VALUE", "1.8446744073709552e+19"),
        (-float(2**63), "INVALID_VALUE", "-9.223372036854776e+18"),
        (float("inf"), "INVALID_VALUE", "the number inf"),
        (float("nan"), "INVALID_VALUE", "the number nan"),
        ([10**5000], "INVALID_VALUE", "the number of over 1,000 digits"),
        ([1] * 50_001, "INVALID_LENGTH", "properties has more than 50000 values"),
        ({"a\0": 1}, "INVALID_CHARACTER", "'a\\x00'"),
        (["\ud800"], "INVALID_CHARACTER", "'\\ud800'"),
        (json.loads(nested(33)), "INVALID_VALUE", "properties has more than 32 levels"),
        ([[]] * 3 + [json.loads(nested(900))], "INVALID_VALUE", "properties has more than 32 levels"),
    ],
)
def test_json_values_that_are_problems(value: Any, code: str, words: str) -> None:
    # when
    problem = check_json({"deeper": value} if code == "INVALID_CHARACTER" else value, "properties")
    # then
    assert problem is not None
    assert (problem.code, problem.path) == (code, ("properties",))
    assert words in problem.message


@given(VALUES)
def test_stored_json_is_parsed(value: Any) -> None:
    assert parse_stored(json.dumps(value)) == value
    assert readable(value) == value


@pytest.mark.parametrize("levels", [100, 101, 900, 50_000])
def test_deep_parts_of_stored_json_are_read_as_text(levels: int) -> None:
    # given texts with brackets and quotation marks, which are not levels
    text = nested(levels, '["}\\"]", "{"]')
    # when
    value = parse_stored(text)
    # then the first 100 levels are values
    for level in range(100):
        value = value["a"] if level % 2 == 0 else value[0]
    assert value == ('["}\\"]", "{"]' if levels == 100 else nested(levels - 100, '["}\\"]", "{"]'))


def test_brackets_in_stored_texts_are_not_levels() -> None:
    assert parse_stored(json.dumps(["[" * 500, "\\"])) == ["[" * 500, "\\"]


JSON_OF_ALL_KINDS = st.recursive(
    st.integers() | st.floats() | st.text() | st.none() | st.sampled_from(["\ud800", 10**400, 2**64]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON_OF_ALL_KINDS)
def test_any_stored_value_can_be_sent(value: Any) -> None:
    assert orjson.loads(orjson.dumps(readable(value))) is not None or value is None
