"""Field merging: the rule rejects exactly the documents that graphql-core's rule rejects, in less time."""

from random import Random

import pytest
from graphql import GraphQLInterfaceType, build_schema, get_named_type, is_leaf_type, parse, specified_rules, validate
from graphql.validation import OverlappingFieldsCanBeMergedRule
from hypothesis import event, given, settings
from hypothesis import strategies as st

from schema.execution.overlapping_fields import conflicts
from schema.root import schema
from tests.builders.overlapping_documents import DocumentBuilder

OTHER_RULES = [rule for rule in specified_rules if rule is not OverlappingFieldsCanBeMergedRule]
ANIMALS = build_schema("""
    interface Animal { name: String mother(of: Int): Animal owners(first: Int, of: Int): [Person!]! }
    type Cat implements Animal {
      name: String mother(of: Int): Animal owners(first: Int, of: Int): [Person!]! lives: Int friend: Dog
      same: Cat size: Int
    }
    type Dog implements Animal {
      name: String mother(of: Int): Animal owners(first: Int, of: Int): [Person!]! lives: Int! friend: Cat size: String
      same: Dog
    }
    type Person { name: String pet: Animal pets(first: Int): [Pet] friend: Person size: [Int] same: Person! }
    union Pet = Cat | Dog
    type Query { cat: Cat dog: Dog animal: Animal pet: Pet person: Person friend: Person }
""")


@given(st.integers(), st.sampled_from(["", "a", "ab"]))
@settings(max_examples=150, deadline=None)
def test_the_rule_rejects_what_the_rule_of_graphql_core_rejects(seed: int, names: str) -> None:
    # given: a document that is valid otherwise
    text = DocumentBuilder(ANIMALS, Random(seed), names).document(depth=2)
    document = parse(text)
    assert not validate(ANIMALS, document, OTHER_RULES), text
    # when
    expected = bool(validate(ANIMALS, document, [OverlappingFieldsCanBeMergedRule]))
    event(f"rejected: {expected}")
    # then
    assert bool(conflicts(ANIMALS, document, 20)) is expected, text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{ a: cat { name } a: dog { name } }", "Fields 'a' conflict because 'cat' and 'dog' are different fields."),
        (
            "{ cat { owners(first: 1) { name } } cat { owners(first: 2) { name } } }",
            "Fields 'owners' conflict because they have differing arguments.",
        ),
        (
            "{ pet { ... on Cat { size } ... on Dog { size } } }",
            "Fields 'size' conflict because they return conflicting types 'Int' and 'String'.",
        ),
        (
            "{ cat { ...A ...B } } fragment A on Cat { a: lives } fragment B on Cat { a: size }",
            "Fields 'a' conflict because 'lives' and 'size' are different fields.",
        ),
    ],
)
def test_a_conflict_names_the_fields_and_the_reason(text: str, message: str) -> None:
    (error,) = conflicts(ANIMALS, parse(text), 20)
    assert error.message.startswith(message)
    assert len(error.nodes) == 2


@pytest.mark.parametrize(
    "text",
    [
        "{ cat { owners(first: 1, of: 2) { name } owners(of: 2, first: 1) { pet { name } } } }",
        "{ pet { ... on Cat { a: name } ... on Dog { a: size } } }",
        "{ pet { ... on Cat { friend { a: size } } ... on Dog { b: friend { a: size } } } }",
        "{ cat { ...A ...A } } fragment A on Cat { name same { ...B } } fragment B on Cat { name }",
    ],
)
def test_fields_of_different_objects_and_equal_fields_do_not_conflict(text: str) -> None:
    assert not conflicts(ANIMALS, parse(text), 20)


def test_the_number_of_errors_is_bounded() -> None:
    text = "{ cat { " + " ".join(f"a{number}: name a{number}: size" for number in range(100)) + " } }"
    assert len(conflicts(ANIMALS, parse(text), 20)) == 20


def test_interfaces_of_the_schema_have_no_fields_with_fields_of_their_own() -> None:
    """Fields below a field of an interface are compared once for each type that the interface occurs with."""
    interfaces = [type for type in schema._schema.type_map.values() if isinstance(type, GraphQLInterfaceType)]
    assert interfaces
    for field in (field for interface in interfaces for field in interface.fields.values()):
        assert is_leaf_type(get_named_type(field.type))
