"""Introspection shows each caller the fields that it may select, and nothing else."""

import asyncio
import json
from collections.abc import Iterable
from functools import cache
from typing import Any

import pytest
from graphql import (
    GraphQLSchema,
    build_client_schema,
    execute,
    get_introspection_query,
    get_named_type,
    is_enum_type,
    is_input_object_type,
    is_introspection_type,
    is_object_type,
    parse,
    validate_schema,
)
from msgspec.structs import replace

from graph.domain.access import scopes
from graph.domain.access.roles import BUILT_IN, DEVELOPER, ROLES, Role
from graph.domain.access.scopes import ERASURE_ACKNOWLEDGE
from graph.domain.access.viewer import Reach, Viewer
from graph.viewer_graph import ViewerGraph
from schema.execution.access import coordinates
from schema.execution.limits import Limits
from schema.execution.runner import ALL, ExecutionAnswer, GraphQLRequest, OperationRunner, Stage
from schema.execution.visible_schema import MAX_SCHEMAS, VisibleSchemas, visible_schema
from schema.root import new_context, schema
from service.access.keys import viewer_of
from tests.builders.access_documents import all_coordinates, documents
from tests.builders.runs import Run

CORE = schema._schema
SCOPES = coordinates(CORE)
WAYS = documents(CORE)
TOOLS = get_introspection_query(True, True, True, True, True, True, True)
NO_GRAPH: Any = None
"""The graph of operations that read nothing from it."""


@pytest.fixture(params=BUILT_IN, ids=lambda role: role.name)
def role(request: pytest.FixtureRequest) -> Role:
    return request.param


def ask(run: Run, role: Role, text: str, runner: OperationRunner | None = None, **variables: str) -> ExecutionAnswer:
    runner = runner or OperationRunner(schema, Limits())
    context = new_context(ViewerGraph(NO_GRAPH, viewer_of("tests", role)))
    return run(runner.run(GraphQLRequest(text, variables), context, ALL))


@cache
def introspection_of(role: Role) -> Any:
    """The answer to the introspection query of tools."""
    runner = OperationRunner(schema, Limits())
    context = new_context(ViewerGraph(NO_GRAPH, viewer_of("tests", role)))
    answer = asyncio.run(runner.run(GraphQLRequest(TOOLS, {}), context, ALL))
    assert not answer.errors
    return answer.data


def shown_to(role: Role) -> GraphQLSchema:
    """The schema that a client of a role builds from introspection."""
    return build_client_schema(introspection_of(role))


def selects_something(coordinate: str, allowed: set[str]) -> bool:
    """Whether the field at a coordinate has no fields, or one that is allowed."""
    name, _, field = coordinate.partition(".")
    owner = CORE.type_map[name]
    if not is_object_type(owner) or field not in owner.fields:
        return True
    type = get_named_type(owner.fields[field].type)
    return not is_object_type(type) or any(f"{type.name}.{inner}" in allowed for inner in type.fields)


def test_a_role_is_shown_the_fields_that_it_may_select_in_some_document(role: Role) -> None:
    # when
    shown = all_coordinates(shown_to(role))
    # then
    allowed = {
        coordinate
        for coordinate, ways in WAYS.items()
        if any(all(SCOPES[step] in role.scopes for step in way.coordinates) for way in ways)
    }
    # A field is not shown if nothing of its type may be selected.
    while empty := {coordinate for coordinate in allowed if not selects_something(coordinate, allowed)}:
        allowed -= empty
    assert shown == allowed
    assert shown <= {coordinate for coordinate, scope in SCOPES.items() if scope in role.scopes}


def test_what_a_role_is_shown_is_a_valid_schema(role: Role) -> None:
    shown = shown_to(role)
    assert validate_schema(shown) == []
    assert shown.query_type is not None


def _uses(schema: GraphQLSchema) -> Iterable[str]:
    """Yield the names of the types of all fields, arguments and input fields."""
    for type in schema.type_map.values():
        if is_introspection_type(type):
            continue
        for field in getattr(type, "fields", {}).values():
            yield str(field.type).strip("[]!")
            yield from (str(argument.type).strip("[]!") for argument in getattr(field, "args", {}).values())


def test_input_types_and_enums_that_a_role_cannot_use_are_absent(role: Role) -> None:
    shown = shown_to(role)
    used = set(_uses(shown))
    inputs = {name for name, type in shown.type_map.items() if is_input_object_type(type) or is_enum_type(type)}
    assert {name for name in inputs - used if not name.startswith(("__", "link__"))} == set()


def test_the_name_of_a_hidden_type_is_in_no_answer(role: Role, run: Run) -> None:
    hidden = set(CORE.type_map) - set(shown_to(role).type_map)
    assert hidden
    # when
    text = json.dumps(introspection_of(role))
    # then
    assert [name for name in hidden if f'"{name}"' in text] == []
    for name in hidden:
        answer = ask(run, role, "query($name: String!) { __type(name: $name) { name } }", name=name)
        assert answer.data == {"__type": None}


def test_a_role_without_mutations_is_shown_none(run: Run) -> None:
    reader = replace(ROLES["feed"], scopes=ROLES["feed"].scopes - {ERASURE_ACKNOWLEDGE})
    answer = ask(run, reader, "{ __schema { mutationType { name } subscriptionType { name } } }")
    assert answer.data == {"__schema": {"mutationType": None, "subscriptionType": {"name": "Subscription"}}}


def test_objects_behind_interfaces_and_unions_are_those_that_a_role_may_read(run: Run) -> None:
    text = """{
      node: __type(name: "Node") { possibleTypes { name } }
      item: __type(name: "TimelineItem") { possibleTypes { name } }
    }"""
    expected = {
        "storefront": ({"Customer", "Segment"}, {"Interaction", "Order"}),
        "privacy": ({"Change", "Customer", "Override", "Segment"}, {"Change", "Interaction", "Order"}),
    }
    for name, types in expected.items():
        for _ in range(3):
            data = ask(run, ROLES[name], text).data
            assert tuple({one["name"] for one in data[kind]["possibleTypes"]} for kind in ("node", "item")) == types


def test_a_caller_that_may_everything_is_shown_everything() -> None:
    assert introspection_of(DEVELOPER) == execute(CORE, parse(TOOLS)).data


def test_a_caller_without_scopes_is_shown_no_field() -> None:
    nothing = visible_schema(CORE, frozenset())
    assert all_coordinates(nothing) == set()


def test_callers_take_turns_with_one_document(run: Run) -> None:
    # given: interpreted and compiled runs of one cached document
    runner = OperationRunner(schema, Limits())
    text = '{ __schema { queryType { fields { name } } } __type(name: "Override") { name } }'
    expected = {role.name: ask(run, role, text).data for role in ROLES.values()}
    # then
    for _ in range(12):
        for role in ROLES.values():
            assert ask(run, role, text, runner).data == expected[role.name]
    assert expected["steward"]["__type"] == {"name": "Override"}
    assert expected["till"]["__type"] is None


@pytest.mark.parametrize("runs", [1, 3])
def test_a_document_may_ask_for_the_schema_and_for_data(runs: int, run: Run) -> None:
    # given
    runner = OperationRunner(schema, Limits())
    text = """{ viewer { role } ...Rest __typename } fragment Rest on Query {
      __type(name: "Viewer") { fields { name } } other: viewer { may(action: "Query.why") } }"""
    # when
    answer = [ask(run, ROLES["till"], text, runner) for _ in range(runs)][-1]
    # then
    assert not answer.errors
    assert answer.data["viewer"] == {"role": "till"}
    assert answer.data["other"] == {"may": False}
    assert {"name": "scopes"} in answer.data["__type"]["fields"]
    assert list(answer.data) == ["viewer", "__type", "other", "__typename"]


def test_introspection_gives_no_access_to_data(run: Run) -> None:
    answer = ask(run, ROLES["admin"], '{ __schema { queryType { name } } customer(by: {id: "x"}) { id } }')
    assert answer.stage is Stage.ACCESS
    assert answer.data is None


def test_schemas_are_kept_by_scopes_and_bounded() -> None:
    schemas = VisibleSchemas(CORE)
    first = schemas.of(frozenset({scopes.ANY}))
    assert schemas.of(frozenset({scopes.ANY})) is first
    # scopes that do not exist are the same as none
    assert schemas.of(frozenset({scopes.ANY, "no:such"})) is first
    for scope in sorted(scopes.EVERY - {scopes.ANY})[:MAX_SCHEMAS]:
        schemas.of(frozenset({scope}))
    assert schemas.of(frozenset({scopes.ANY})) is not first


def test_a_field_without_a_rule_is_shown_to_nobody() -> None:
    everything = Viewer("tests", "tests", scopes.EVERY | {scopes.NOBODY}, Reach.ANY)
    assert all_coordinates(visible_schema(CORE, everything.scopes)) == set(SCOPES)
