"""Weights of documents: known values, and visiting each fragment once compared with visiting each spread."""

import time
from typing import Any

import pytest
from graphql import (
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    NamedTypeNode,
    OperationDefinitionNode,
    Visitor,
    parse,
    visit,
)
from hypothesis import given
from hypothesis import strategies as st

from schema.execution.costs import BATCH_ARGUMENTS, LIST_SIZES, WEIGHTS
from schema.execution.document_weight import DocumentWeigher, SelectionWeight
from schema.root import schema

CORE = schema._schema


def weigh(text: str, **variables: Any) -> SelectionWeight:
    document = parse(text)
    (operation,) = (node for node in document.definitions if isinstance(node, OperationDefinitionNode))
    return DocumentWeigher(CORE, document, variables).operation(operation)


@pytest.mark.parametrize("coordinate", [*BATCH_ARGUMENTS, *WEIGHTS, *LIST_SIZES])
def test_every_entry_of_the_cost_tables_is_a_field(coordinate: str) -> None:
    name, field = coordinate.split(".")
    assert field in CORE.type_map[name].fields


@pytest.mark.parametrize(
    ("text", "depth", "aliases", "cost"),
    [
        ("{ __typename }", 0, 0, 0),
        ('{ customer(by: {id: "x"}) { id known } }', 2, 0, 1),
        ('{ customer(by: {id: "x"}) { metrics { orderCount } } }', 3, 0, 2),
        # a customer, a connection, 20 identifiers
        ('{ customer(by: {id: "x"}) { identifiers { nodes { value } } } }', 4, 0, 22),
        # a customer, a connection, 5 nodes, 5 edges with a node each
        (
            '{ customer(by: {id: "x"}) { identifiers(first: 5) { nodes { value } edges { node { value } } } } }',
            5,
            0,
            17,
        ),
        # a customer, a connection, 10 orders with 5 lines each
        ('{ customer(by: {id: "x"}) { orders(first: 10) { nodes { lines { sku } } } } }', 5, 0, 62),
        ('{ a: customer(by: {id: "x"}) { id } b: customer(by: {id: "x"}) { id id } }', 2, 3, 2),
        (
            '{ customers(by: [{namespace: "a", value: "b"}, {namespace: "a", value: "c"}]) {'
            " metrics { orderCount } } }",
            3,
            0,
            4,
        ),
        ('{ nodes(ids: ["a", "b", "c"]) { id } }', 2, 0, 3),
        ("{ graphHealth(first: 4) { nodes { message } } }", 3, 0, 2005),
        # the schema, two types
        ("{ __schema { queryType { ofType { name } } mutationType { name } } }", 3, 0, 3),
        ("{ nope { nope { nope } } }", 1, 0, 0),
        ('{ customer(by: {id: "x"}) { ...A ...A } } fragment A on Customer { id metrics { orderCount } }', 3, 1, 2),
    ],
)
def test_known_documents(text: str, depth: int, aliases: int, cost: int) -> None:
    weight = weigh(text)
    assert (weight.depth, weight.aliases, weight.base) == (depth, aliases, cost)


def test_fields_are_counted_each_time_that_a_fragment_is_spread() -> None:
    assert (
        weigh(
            '{ customer(by: {id: "x"}) { id ...A ... on Customer { ...A ...A } } } fragment A on Customer { id known }'
        ).fields
        == 6
    )
    assert weigh("{ __schema { types { name } } __typename }").fields == 4


def chain(length: int, spread: str) -> str:
    """Nested fragments, each spread as often as `spread` says."""
    text = 'query { customer(by: {id: "x"}) { ...F0 } } '
    for number in range(length):
        text += f"fragment F{number} on Customer {{ {spread.replace('#', f'...F{number + 1}')} }} "
    return text + f"fragment F{length} on Customer {{ id }}"


def test_nested_fragments_are_visited_once() -> None:
    doubling = chain(90, "# ... on Customer { # }")
    start = time.process_time()
    weight = weigh(doubling)
    # Visiting every spread would take 2 to the power of 90 steps, so the limit is safe on slow machines.
    assert time.process_time() - start < 5
    assert weight.aliases == 0
    assert weigh(chain(90, "a: metrics { orderCount } # ... on Customer { # }")).base == 2 + (2**90 - 1) - 1


class _Inline(Visitor):
    """Replaces fragment spreads by inline fragments."""

    def __init__(self, fragments: dict[str, FragmentDefinitionNode]) -> None:
        super().__init__()
        self._fragments = fragments

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> Any:
        fragment = self._fragments[node.name.value]
        condition = NamedTypeNode(name=fragment.type_condition.name)
        return InlineFragmentNode(
            type_condition=condition, selection_set=visit(fragment.selection_set, self), directives=()
        )


FIELDS = [
    "id",
    "metrics { orderCount }",
    "orders(first: 3) { nodes { lines { sku } } }",
    "a: known",
    "links { edges { node { observationCount } } }",
]
bodies = st.lists(
    st.one_of(st.sampled_from(FIELDS), st.integers(1, 3).map(lambda ahead: f"#{ahead}")),
    min_size=1,
    max_size=4,
    unique=True,
)


@given(st.lists(bodies, min_size=1, max_size=5))
def test_visiting_a_fragment_once_equals_visiting_each_spread(fragments: list[list[str]]) -> None:
    # given: fragments that spread later ones, each in its own selection
    text = 'query { customer(by: {id: "x"}) { ...F0 } } '
    for index, body in enumerate(fragments):
        parts = [
            f"... on Customer {{ ...F{min(index + int(part[1:]), len(fragments))} }}" if part[0] == "#" else part
            for part in body
        ]
        text += f"fragment F{index} on Customer {{ {' '.join(parts)} }} "
    text += f"fragment F{len(fragments)} on Customer {{ id }}"
    document = parse(text)
    by_name = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    operation = document.definitions[0]
    # when
    once = DocumentWeigher(CORE, document, {}).operation(operation)
    expanded = DocumentWeigher(CORE, document, {}).operation(visit(operation, _Inline(by_name)))
    # then
    assert (once.depth, once.base) == (expanded.depth, expanded.base)
