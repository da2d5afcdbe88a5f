"""The schema as tools and gateways see it."""

from graphql import ObjectTypeDefinitionNode, execute, parse, print_ast

from graph.domain.access.scopes import ANY
from schema.execution.access import coordinates
from schema.root import schema, sdl


def test_one_of_is_known_of_every_type() -> None:
    # given: types in lists and non-null types, too
    text = """{
      __type(name: "CustomerBy") { isOneOf inputFields { type { isOneOf } } }
      other: __type(name: "IdentifierInput") { isOneOf inputFields { type { isOneOf ofType { isOneOf } } } }
      object: __type(name: "Customer") { isOneOf }
    }"""
    # when
    answer = execute(schema._schema, parse(text))
    # then: input objects say whether they are, and other types say nothing
    assert not answer.errors
    assert answer.data["__type"]["isOneOf"] is True
    assert answer.data["other"]["isOneOf"] is False
    assert answer.data["object"]["isOneOf"] is None
    assert {field["type"]["isOneOf"] for field in answer.data["other"]["inputFields"]} == {None}


def _fields(text: str) -> dict[str, list[str]]:
    """The directives of each field of the object types of an SDL."""
    return {
        f"{type.name.value}.{field.name.value}": [print_ast(directive) for directive in field.directives or ()]
        for type in parse(text).definitions
        if isinstance(type, ObjectTypeDefinitionNode)
        for field in type.fields or ()
    }


def test_routers_are_given_the_scope_of_each_field() -> None:
    # given
    plain, scoped = _fields(sdl()), _fields(sdl(router_scopes=True))
    rules = coordinates(schema._schema)
    # then
    assert list(scoped) == list(plain)
    for coordinate, directives in scoped.items():
        scope = rules[coordinate]
        added = [] if scope == ANY else [f'@requiresScopes(scopes: [["{scope}"]])']
        assert directives == plain[coordinate] + added


def test_without_that_option_the_schema_states_no_scopes_of_federation() -> None:
    assert "requiresScopes" not in sdl()
