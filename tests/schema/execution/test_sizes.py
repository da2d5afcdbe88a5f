"""Sizes in arguments: those that execution coerces, in literals, variables, defaults and input objects."""

from typing import Any

import pytest
from graphql import OperationDefinitionNode, build_schema, execute, parse, validate
from hypothesis import assume, given
from hypothesis import strategies as st

from schema.execution.sizes import SizePath, SizeReader, has_more_values, size_key

SCHEMA = build_schema("""
    input Batch { items: [Int] nested: Batch defaulted: [Int!]! = [1, 2, 3, 4] }
    input Page { first: Int = 7 }
    type Query {
      page(first: Int! = 20): Int
      nullable(first: Int = 20): Int
      list(items: [Int]): Int
      batch(input: Batch = {items: [1, 2]}): Int
      paged(page: Page! = {first: 9}): Int
    }
""")
PATHS: dict[str, SizePath] = {
    "page": ("first",),
    "nullable": ("first",),
    "list": ("items",),
    "batch": ("input", "items"),
    "paged": ("page", "first"),
}


class Root:
    """A root value whose fields record the sizes that execution passes to them."""

    def __init__(self) -> None:
        self.sizes: list[int | None] = []

    def _record(self, value: Any) -> int:
        self.sizes.append(len(value) if isinstance(value, list) else value)
        return 1

    def page(self, info: Any, first: int | None = None) -> int:
        return self._record(first)

    nullable = page

    def list(self, info: Any, items: Any = None) -> int:
        return self._record(items)

    def batch(self, info: Any, input: Any = None) -> int:
        return self._record((input or {}).get("items"))

    def paged(self, info: Any, page: Any) -> int:
        return self._record(page["first"])


def read(text: str, sent: dict[str, Any]) -> tuple[list[int | None], set[SizePath]]:
    """Return the size that each field of a document requests, and the parts of variables that were read."""
    (operation,) = parse(text).definitions
    assert isinstance(operation, OperationDefinitionNode)
    paths: set[SizePath] = set()
    reader = SizeReader(SCHEMA, operation, sent, paths)
    sizes = []
    for field in operation.selection_set.selections:
        first, *rest = PATHS[field.name.value]
        value = next((argument.value for argument in field.arguments or () if argument.name.value == first), None)
        argument = SCHEMA.query_type.fields[field.name.value].args[first]
        sizes.append(reader.of_literal(value, argument.type, rest))
    return sizes, paths


@pytest.mark.parametrize(
    ("text", "sent", "expected"),
    [
        ("{ page(first: 5) }", {}, 5),
        ("{ page }", {}, None),
        ("{ page(first: 99999999999999999999999) }", {}, None),
        ("query($n: Int!) { page(first: $n) }", {"n": 100}, 100),
        ("query($n: Int!) { page(first: $n) }", {"n": 100.0}, 100),
        ("query($n: Int!) { page(first: $n) }", {"n": "100"}, None),
        ("query($n: Int!) { page(first: $n) }", {"n": True}, None),
        ("query($n: Int! = 30) { page(first: $n) }", {}, 30),
        ("query($n: Int = 30) { nullable(first: $n) }", {"n": None}, None),
        ("query($i: [Int] = [1, 2, 3]) { list(items: $i) }", {}, 3),
        ("query($i: [Int] = 1) { list(items: $i) }", {}, 1),
        ("query($i: [Int]) { list(items: $i) }", {"i": 7}, 1),
        ("query($i: [Int]) { list(items: $i) }", {"i": [7, 8]}, 2),
        ("query($a: Int, $b: Int) { list(items: [$a, $b, 3]) }", {"a": 7}, 3),
        ("query($b: Batch) { batch(input: $b) }", {"b": {"items": [1, 2, 3]}}, 3),
        ("query($b: Batch) { batch(input: $b) }", {"b": {"items": 1}}, 1),
        ("query($b: Batch = {items: [1, 2, 3]}) { batch(input: $b) }", {}, 3),
        ("query($b: Batch = {items: [1, 2, 3]}) { batch(input: $b) }", {"b": {}}, None),
        ("query($i: [Int]) { batch(input: {items: $i}) }", {"i": [1, 2]}, 2),
        ("query($i: [Int] = [1]) { batch(input: {items: $i}) }", {}, 1),
        ("{ batch(input: {items: [1, 2]}) }", {}, 2),
        ("query($p: Page!) { paged(page: $p) }", {"p": {"first": 3.0}}, 3),
        ("query($p: Page!) { paged(page: $p) }", {"p": {}}, 7),
        ("{ paged(page: {}) }", {}, 7),
    ],
)
def test_known_sizes(text: str, sent: dict[str, Any], expected: int | None) -> None:
    assert read(text, sent)[0] == [expected]


VALUES = st.recursive(
    st.sampled_from([None, True, False, 0, 1, 2, 40, 1.0, 2.0, 40.0, 0.5, "1", "", 2**40]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["items", "first", "x"]), inner, max_size=2)
    ),
    max_leaves=6,
)
OPERATIONS = [
    "query($v: Int!) { page(first: $v) }",
    "query($v: Int! = 31) { page(first: $v) }",
    "query($v: Int = 31) { nullable(first: $v) }",
    "query($v: [Int]) { list(items: $v) }",
    "query($v: [Int] = [1, 2, 3, 4, 5]) { list(items: $v) }",
    "query($v: Int) { list(items: [$v, $v]) }",
    "query($v: Batch) { batch(input: $v) }",
    "query($v: Batch = {items: [1, 2, 3, 4, 5]}) { batch(input: $v) }",
    "query($v: [Int]) { batch(input: {items: $v}) }",
    "query($v: Page!) { paged(page: $v) }",
    "query($v: Page! = {first: 31}) { paged(page: $v) }",
    "query($v: Int) { paged(page: {first: $v}) }",
]
sent_values = st.none() | st.builds(lambda value: {"v": value}, VALUES)


@given(st.sampled_from(OPERATIONS), sent_values)
def test_sizes_are_those_of_execution(text: str, sent: dict[str, Any] | None) -> None:
    # given
    document, root = parse(text), Root()
    assert not validate(SCHEMA, document)
    # when
    answer = execute(SCHEMA, document, root, variable_values=sent or {})
    assume(isinstance(answer.data, dict) and root.sizes)
    # then: they are equal, or none is requested and the field's own default applies
    (size,) = read(text, sent or {})[0]
    (actual,) = root.sizes
    assert size == actual or (size is None and actual in (None, 20, 7, 9, 2)), (sent, size, actual)


@given(st.sampled_from(OPERATIONS), sent_values, sent_values)
def test_equal_keys_mean_equal_sizes(text: str, one: dict[str, Any] | None, other: dict[str, Any] | None) -> None:
    # given: two requests whose variables have the same key
    _, paths = read(text, {})
    keys = [[size_key(sent or {}, path) for path in sorted(paths)] for sent in (one, other)]
    assume(keys[0] == keys[1])
    # then
    assert read(text, one or {})[0] == read(text, other or {})[0]


def test_keys_tell_values_apart_that_python_takes_for_equal() -> None:
    keys = {size_key({"v": value}, ("v",)) for value in (1, 1.0, True, "1", [1], None, {"v": 1})}
    assert len(keys) == 7
    assert size_key({}, ("v", "items")) != size_key({"v": None}, ("v", "items")) != size_key({"v": {}}, ("v", "items"))


def test_values_are_counted_at_every_level() -> None:
    sent = {"a": [1, {"b": None, "c": [[], "text"]}]}
    # a, two items, b, c, two items
    assert has_more_values(sent, 6)
    assert not has_more_values(sent, 7)
    assert not has_more_values({}, 0)
