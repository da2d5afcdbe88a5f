"""What a document needs, and that a field without a rule is found and forbidden."""

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
import strawberry
from graphql import OperationDefinitionNode, parse

from graph.domain.access import scopes
from graph.domain.access.roles import BUILT_IN, ROLES
from graph.domain.access.viewer import Reach, Viewer
from graph.domain.model.errors import InvalidInput
from schema.execution.access import AccessRules, Needs, check_rules, coordinates, table
from schema.execution.documents import Documents
from schema.execution.limits import Limits
from schema.execution.runner import ALL, ExecutionAnswer, GraphQLRequest, OperationRunner, Stage
from schema.root import access_table
from schema.root import schema as kith
from schema.shared.required_scopes import requires
from service.access.keys import viewer_of
from tests.builders.repository import ROOT
from tests.builders.unreliable_schema import IsolatedSchema

CORE = kith._schema
FIELD_BY_FIELD = ("Customer", "Query", "Mutation", "Subscription")
"""Types whose fields each state a scope: a new field has none before somebody decides."""


@requires(name=scopes.NAME_READ)
@strawberry.type
class Person:
    """A type with a field that nobody has thought about."""

    name: str = "Ann"
    secret: str = "canary"


@requires(person=scopes.ANY, odd="no:such")
@strawberry.type
class Query:
    """The root."""

    odd: str = ""

    @strawberry.field
    def person(self) -> Person:
        return Person()


SCHEMA = IsolatedSchema(query=Query)


def needs_of(text: str, name: str | None = None) -> Needs:
    """The needs of an operation of a document of Kith's schema."""
    operation = Documents(CORE, Limits()).get(text).operation(name)
    assert not isinstance(operation, Exception), operation
    return operation.needs


def run(runner: OperationRunner, text: str, granted: frozenset[str], **more: Any) -> ExecutionAnswer:
    context: Any = SimpleNamespace(viewer=Viewer("tests", "tests", granted, Reach.ANY), graph=None)
    return asyncio.run(runner.run(GraphQLRequest(text, more.pop("variables", {}), **more), context, ALL))


def test_every_coordinate_has_a_rule() -> None:
    assert [name for name, scope in coordinates(CORE).items() if scope not in scopes.EVERY] == []
    check_rules(CORE)


@pytest.mark.parametrize("name", FIELD_BY_FIELD)
def test_each_field_of_a_customer_and_of_the_roots_states_its_scope(name: str) -> None:
    definition = CORE.type_map[name].extensions["strawberry-definition"]
    assert not [one for one in definition.directives or () if type(one).__name__ == "RequiresScope"]


def test_the_committed_table_is_that_of_the_schema() -> None:
    committed = (ROOT / "schema" / "access.csv").read_text().splitlines()
    differences = sorted(set(committed) ^ set(access_table().splitlines()))
    assert not differences, f"run `make access`: {differences[:10]}"
    assert committed == access_table().splitlines()


def test_the_table_shows_scopes_that_a_reason_opens() -> None:
    rows = {row.split(",")[0]: row.split(",")[2:] for row in table(SCHEMA._schema, BUILT_IN).splitlines()}
    assert rows["coordinate"] == [role.name for role in BUILT_IN]
    assert rows["Person.secret"] == [""] * len(BUILT_IN)
    desk = [role for role in BUILT_IN if role.name == "desk"]
    assert desk[0].scopes_with_reason == {scopes.CONTACT_READ}


def test_a_field_without_a_scope_is_named_at_the_start() -> None:
    with pytest.raises(InvalidInput, match=r"2 fields require no scope that exists: Person\.secret, Query\.odd;"):
        check_rules(SCHEMA._schema)


def test_a_scope_that_does_not_exist_is_no_rule() -> None:
    assert coordinates(SCHEMA._schema)["Query.odd"] == "no:such"
    assert "no:such" not in scopes.EVERY


@pytest.mark.parametrize("role", ROLES)
def test_a_field_without_a_scope_is_forbidden_to_every_role(role: str) -> None:
    # given: a service that did not check its schema
    runner = OperationRunner(SCHEMA, Limits())
    context: Any = SimpleNamespace(viewer=viewer_of("tests", ROLES[role]))
    # when
    answers = [asyncio.run(runner.run(GraphQLRequest("{ person { secret } }", {}), context, ALL)) for _ in range(3)]
    # then
    for answer in answers:
        assert answer.stage is Stage.ACCESS
        assert answer.data is None
        assert answer.errors[0].extensions == {"code": "FORBIDDEN", "coordinates": ["Person.secret"]}


CUSTOMER = 'customer(by: {id: "x"})'
LOOKUP, READ = scopes.CUSTOMER_LOOKUP, scopes.CUSTOMER_READ
DOCUMENTS: Mapping[str, tuple[str, set[str]]] = {
    "type names need nothing": ("{ __typename }", set()),
    "a field of a type": (f"{{ {CUSTOMER} {{ id }} }}", {LOOKUP, READ}),
    "an alias": (f"{{ a: {CUSTOMER} {{ id: rfm {{ group }} }} }}", {LOOKUP, scopes.INSIGHTS_READ}),
    "a type name of what is looked up": (f"{{ {CUSTOMER} {{ __typename }} }}", {LOOKUP}),
    "conditions are ignored": (
        f"query($v: Boolean!) {{ {CUSTOMER} {{ id rfm @include(if: $v) {{ __typename }} "
        "journey @skip(if: true) { __typename } } }",
        {LOOKUP, READ, scopes.INSIGHTS_READ, scopes.BEHAVIOR_READ},
    ),
    "a condition on a fragment": (
        f"{{ {CUSTOMER} {{ ... @include(if: false) {{ links {{ __typename }} }} }} }}",
        {LOOKUP, scopes.GRAPH_READ},
    ),
    "fragments on an interface": (
        '{ node(id: "x") { ... on Node { ... on Override { kind } } ...F } } fragment F on Segment { createdBy }',
        {LOOKUP, scopes.GRAPH_READ, scopes.SEGMENT_READ},
    ),
    "fragments on a union": (
        f"{{ {CUSTOMER} {{ timeline {{ nodes {{ ... on Order {{ number }} ... on Change {{ kind }} }} }} }} }}",
        {LOOKUP, scopes.BEHAVIOR_READ, scopes.ANY, scopes.ORDER_READ, scopes.CHANGES_READ},
    ),
    "nested fragments": (
        f"{{ {CUSTOMER} {{ ...A }} }} fragment A on Customer {{ known ...B }} "
        "fragment B on Node { ...C } fragment C on Customer { history { nodes { id } } }",
        {LOOKUP, READ, scopes.HISTORY_READ, scopes.ANY, scopes.CHANGES_READ},
    ),
    "a mutation": (
        'mutation { blockIdentifier(input: {identifier: {namespace: "email", value: "x"}}) { created } }',
        {scopes.OVERRIDE_WRITE},
    ),
    "a subscription": ("subscription { changes { kind } }", {scopes.CHANGES_READ}),
    "entities": (
        "{ _entities(representations: []) { ... on Customer { known } } }",
        {LOOKUP, READ},
    ),
    "the subgraph": ("{ _service { sdl } }", {scopes.SCHEMA_READ}),
}


@pytest.mark.parametrize(("text", "expected"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_the_needs_of_a_document(text: str, expected: set[str]) -> None:
    assert needs_of(text).scopes - {scopes.ANY} == expected - {scopes.ANY}


def test_an_operation_needs_what_it_selects_and_not_what_others_do() -> None:
    text = (
        f"query A {{ {CUSTOMER} {{ ...F }} }} query B {{ {CUSTOMER} {{ ...F links {{ __typename }} }} }} "
        "fragment F on Customer { known }"
    )
    assert needs_of(text, "A").scopes == {LOOKUP, READ}
    assert needs_of(text, "B").scopes == {LOOKUP, READ, scopes.GRAPH_READ}


def test_the_requested_operation_is_judged() -> None:
    # given
    runner = OperationRunner(kith, Limits())
    text = f"query Open {{ __typename }} query Closed {{ {CUSTOMER} {{ id }} }}"
    # then
    assert run(runner, text, frozenset(), operation_name="Open").data == {"__typename": "Query"}
    assert run(runner, text, frozenset(), operation_name="Closed").stage is Stage.ACCESS
    assert run(runner, text, frozenset(), operation_name="Open").executed


def test_a_cached_document_holds_needs_and_no_verdicts() -> None:
    # given
    runner = OperationRunner(kith, Limits())
    text = "{ _service { __typename } }"
    allowed, denied = frozenset({scopes.SCHEMA_READ}), scopes.EVERY - {scopes.SCHEMA_READ}
    # when: callers take turns with one cached document
    stages = [run(runner, text, granted).stage for granted in (denied, allowed) * 6]
    # then
    assert stages == [Stage.ACCESS, Stage.EXECUTION] * 6


def test_an_error_names_few_coordinates_of_each_scope() -> None:
    fields = " ".join(f"a{number}: links {{ __typename }}" for number in range(9))
    needs = needs_of(f"{{ {CUSTOMER} {{ {fields} possibleMatches {{ __typename }} }} }}")
    assert needs.missing(frozenset({LOOKUP})) == {scopes.GRAPH_READ: ("Customer.links", "Customer.possibleMatches")}


def test_what_no_rule_names_needs_the_scope_of_nobody() -> None:
    # given: rules that were made before a field was added
    document = parse("{ person { secret } }")
    (operation,) = (node for node in document.definitions if isinstance(node, OperationDefinitionNode))
    # then
    needs = AccessRules(SCHEMA._schema).of_document([]).needs(operation)
    assert needs.scopes == {scopes.ANY, scopes.NOBODY}
