"""The schema as tools and gateways see it."""

from graphql import execute, parse

from schema.root import schema


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
