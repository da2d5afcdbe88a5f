"""Objects of NDJSON: doubled keys, numbers and nesting that a parser hides or cannot read."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.domain.model.errors import Problem
from service.ingest.json_objects import MAX_DEPTH, parse_object


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"a": 1, "a": 2}', "has the key 'a' twice"),
        (b'{"a":1,"a" :2}', "has the key 'a' twice"),
        (b'{"a":1,"a"\t:2}', "has the key 'a' twice"),
        (b'{"a":1,"\\u0061":2}', "has the key 'a' twice"),
        (b'{"a": {"b": [{"c": 1, "c": 1}]}}', "has the key 'c' twice"),
        (b'{"a": "\\":", "b": 1, "b": 2}', "has the key 'b' twice"),
        (b'{"a": 1e999}', "holds a number that is too large"),
        (b'{"a":' * 2_000, "is nested too deeply"),
        (b'{"a": 1', "is not JSON"),
        (b'{"a": "\xff"}', "is not UTF-8"),
        (b'{"a": "\\ud800"}', "is not JSON"),
        (b"[1]", "is not a JSON object"),
        (b"null", "is not a JSON object"),
    ],
)
def test_lines_that_no_record_can_be_made_of(line: bytes, reason: str) -> None:
    # when
    problem = parse_object(line)
    # then
    assert isinstance(problem, Problem)
    assert problem.code == "INVALID_LINE"
    assert reason in problem.message


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(st.sampled_from('a":\\ \n{}é'), max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.sampled_from('ab": '), max_size=3), inner),
    max_leaves=12,
)
objects = st.dictionaries(st.text(st.sampled_from('ab":\\ '), max_size=3), json_values, max_size=4)


@given(objects, st.sampled_from([(", ", ": "), (",", ":"), (" ,", " : ")]), st.booleans())
def test_an_object_without_doubled_keys_is_read(
    fields: dict[str, Any], separators: tuple[str, str], ascii: bool
) -> None:
    assert parse_object(json.dumps(fields, separators=separators, ensure_ascii=ascii).encode()) == fields


@given(objects, st.text(st.sampled_from('ab":\\ '), max_size=3), json_values)
def test_a_key_that_occurs_twice_is_found(fields: dict[str, Any], name: str, value: Any) -> None:
    # given
    pairs = [f"{json.dumps(key)} : {json.dumps(inner)}" for key, inner in {**fields, name: value}.items()]
    line = "{" + ",".join([*pairs, f"{json.dumps(name)}:{json.dumps(value)}"]) + "}"
    # then
    assert parse_object(line.encode()) == Problem("INVALID_LINE", f"has the key {name!r} twice")


@pytest.mark.parametrize(("start", "end"), [(b'{"a":', b"}"), (b'{"a":[', b"]}")])
@pytest.mark.parametrize("inner", [b"1", b'":"'], ids=["plain", "a text that looks like a key"])
def test_nesting_has_a_limit(start: bytes, end: bytes, inner: bytes) -> None:
    # given
    allowed = MAX_DEPTH // len(end)
    # then
    assert not isinstance(parse_object(start * allowed + inner + end * allowed), Problem)
    for levels in (allowed + 1, 200, 900):
        problem = parse_object(start * levels + inner + end * levels)
        assert isinstance(problem, Problem)
        assert problem.message == f"is nested too deeply: more than {MAX_DEPTH} levels of objects and lists"
