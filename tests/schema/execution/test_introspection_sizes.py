"""Introspection: no answer contains more objects than its cost, and the queries of tools are within the limits."""

from random import Random
from typing import Any

import pytest
from graphql import (
    GraphQLObjectType,
    execute,
    get_introspection_query,
    get_named_type,
    is_composite_type,
    parse,
    validate,
)
from graphql.validation import MaxIntrospectionDepthRule
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from graph.domain.access.roles import BUILT_IN, Role
from schema.execution.document_weight import DocumentWeigher
from schema.execution.documents import Documents
from schema.execution.limits import Limits
from schema.execution.visible_schema import visible_schema
from schema.root import schema

CORE = schema._schema
LARGEST = max(len(type.fields) for type in CORE.type_map.values() if isinstance(type, GraphQLObjectType))
DEPRECATED = {"fields", "enumValues", "args", "inputFields"}
TOOLS = {
    "the default of graphql-js": get_introspection_query(),
    "all options": get_introspection_query(True, True, True, True, True, True, True),
    "deep types": get_introspection_query(type_depth=20),
}


def objects_in(value: Any) -> int:
    """Count the objects in an answer, except for the answer itself."""
    if isinstance(value, dict):
        return sum(1 + objects_in(item) if isinstance(item, dict) else objects_in(item) for item in value.values())
    if isinstance(value, list):
        return sum(1 + objects_in(item) if isinstance(item, dict) else objects_in(item) for item in value)
    return 0


def cost(text: str) -> int:
    document = parse(text)
    return DocumentWeigher(CORE, document, {}).operation(document.definitions[0]).base


def random_introspection(random: Random) -> str:
    """Return a query of random introspection fields; half of the types are selected by fragments."""
    fragments: list[str] = []

    def selections(type: Any, depth: int) -> str:
        fields = [
            field for field in type.fields.items() if depth or not is_composite_type(get_named_type(field[1].type))
        ]
        chosen = [selection(*random.choice(fields), depth) for _ in range(random.randint(1, 3))]
        if random.random() < 0.3:
            fragments.append(f"fragment F{len(fragments)} on {type.name} {{ {' '.join(chosen)} }}")
            chosen = [f"...F{len(fragments) - 1}", "... { __typename }"]
        return "{ " + " ".join(chosen) + " }"

    def selection(name: str, field: Any, depth: int) -> str:
        arguments = "(includeDeprecated: true)" if name in DEPRECATED and "includeDeprecated" in field.args else ""
        inner = get_named_type(field.type)
        below = selections(inner, depth - 1) if is_composite_type(inner) else ""
        return f"a{random.randint(0, 10**9)}: {name}{arguments} {below}"

    types = CORE.type_map
    roots = f'__schema {selections(types["__Schema"], 5)} __type(name: "Customer") {selections(types["__Type"], 4)}'
    return " ".join([f"{{ {roots} }}", *fragments])


@pytest.mark.parametrize("text", TOOLS.values(), ids=TOOLS)
def test_the_queries_of_tools_are_within_the_default_limits(text: str) -> None:
    document = Documents(CORE, Limits()).get(text)
    assert not document.errors
    (operation,) = document.operations.values()
    answer = execute(CORE, parse(text)).data
    # then: with room for the schema to grow
    assert objects_in(answer) <= operation.weight({}).cost < Limits().cost / 4


@given(st.integers())
@settings(max_examples=60, deadline=None)
def test_no_answer_contains_more_objects_than_its_cost(seed: int) -> None:
    # given
    text = random_introspection(Random(seed))
    document = parse(text)
    assume(not validate(CORE, document, [MaxIntrospectionDepthRule]))
    expected = cost(text)
    assume(expected < 100_000)
    # when
    answer = execute(CORE, document)
    # then
    assert not answer.errors, text
    assert objects_in(answer.data) <= expected, text


@pytest.mark.parametrize("role", BUILT_IN, ids=lambda role: role.name)
@pytest.mark.parametrize("text", TOOLS.values(), ids=TOOLS)
def test_what_a_role_is_shown_contains_no_more_objects_than_its_cost(text: str, role: Role) -> None:
    answer = execute(visible_schema(CORE, role.scopes), parse(text))
    assert not answer.errors
    assert objects_in(answer.data) <= cost(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ __schema { queryType { name } } }", 2),
        ('{ __type(name: "Order") { fields { name } } }', 1 + LARGEST),
        ("{ __schema { types { name } } }", 1 + len(CORE.type_map)),
    ],
)
def test_known_queries(text: str, expected: int) -> None:
    assert cost(text) == expected


@pytest.mark.parametrize(
    ("selections", "message"),
    [
        (" ".join(f"a{number}: name" for number in range(600)), "600 aliases"),
        ("name " * 100, "99 aliases"),
        ("... on __Field { ...F } " * 5, "15 aliases"),
    ],
)
def test_aliases_and_repeated_fields_below_introspection_are_counted(selections: str, message: str) -> None:
    fragment = "fragment F on __Field { a: name b: name c: name }"
    text = f"{{ __schema {{ types {{ fields {{ {selections} }} }} }} }} {fragment}"
    (error,) = Documents(CORE, Limits(aliases=10)).get(text).errors
    assert error.message.startswith(f"the document contains {message}")
    assert error.extensions == {"code": "QUERY_TOO_COMPLEX"}


def test_introspection_over_the_cost_limit_is_weighed_before_it_runs() -> None:
    nested = "type { fields { type { interfaces { name } possibleTypes { name } } } }"
    assert cost(f"{{ __schema {{ types {{ fields {{ {nested} }} }} }} }}") > 50_000
