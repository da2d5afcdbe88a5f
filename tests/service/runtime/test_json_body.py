"""JSON of callers: strict, but a value that cannot be stored is left to its field."""

import json
from math import inf
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.runtime.json_body import NestedTooDeeply, encode_json, parse_json

LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(LEAVES | TEXTS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner))
UNUSUAL = st.sampled_from(["1e999", "-1e999", '"\\ud800"', '"\\udc00"', '"\\\\ud800"', '"\\ud83d\\ude00"', str(2**64)])


@given(VALUES, UNUSUAL)
@example("\\ud800", '"\\ud800"')
def test_values_beside_an_unusual_one_are_parsed_as_always(value: Any, unusual: str) -> None:
    # given
    text = f"[{orjson.dumps(value).decode()}, {unusual}]"
    # when
    parsed = parse_json(text.encode())
    # then
    assert parsed[0] == orjson.loads(orjson.dumps(value))
    assert len(parsed) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[1e999, -1e999]", [inf, -inf]),
        ('["\\ud800", "a\\udc00b"]', ["\0", "a\0b"]),
        ('["\\ud800\\ud83d\\ude00", 1e999]', ["\0😀", inf]),
        ('["\\udc00\\udc00\\ud800\\\\\\ud800", "\\uD83D\\uDE00\\uDE00\\n"]', ["\0\0\0\\\0", "😀\0\n"]),
        ('["\\\\ud800", 1e999]', ["\\ud800", inf]),
        ("[18446744073709551615, 1e999]", [2**64 - 1, inf]),
        ("[18446744073709551616000]", [18446744073709551616000.0]),
        ("[" + "9" * 5_000 + "]", [inf]),
    ],
)
def test_a_value_that_cannot_be_stored_is_left_to_its_field(text: str, expected: list[object]) -> None:
    assert parse_json(text) == expected


NOT_JSON = [b"", b"{", b"[NaN]", b"[1e999, NaN]", b"[Infinity]", b"[-Infinity]", b'["\xff"]', b'["\\ud800", "\xff"]']
NOT_JSON += [b"[1e999,]", b"{} {}", b"\xef\xbb\xbf{}", b'["\\x"]', b'["\n"]', "{}".encode("utf-16")]


@pytest.mark.parametrize("text", NOT_JSON)
def test_anything_else_is_not_json(text: bytes) -> None:
    with pytest.raises(json.JSONDecodeError):
        parse_json(text)


@pytest.mark.parametrize("first", [b"", b"1e999, "])
def test_json_is_nested_too_deeply_for_parsers(first: bytes) -> None:
    with pytest.raises(NestedTooDeeply):
        parse_json(b"[" + first + b"[" * 100_000 + b"]" * 100_000 + b"]")


@given(VALUES)
def test_answers_are_json(value: Any) -> None:
    assert encode_json(value) == orjson.dumps(value)


def test_an_answer_with_a_value_that_parsers_reject_is_still_json() -> None:
    assert parse_json(encode_json({"a": [2**64, "\ud800"]})) == {"a": [2.0**64, "\ufffd"]}
