"""Sends generated queries and mutations to a service and checks every answer.

    python tools/api/fuzz.py URL [--examples 300] [--seconds 10] [--random]

Runs in `.venv-api` (hypothesis-graphql requires another version of graphql-core than Kith). Each answer must be a
GraphQL response with a status below 500, contain no internal error and a code on every error, have data of the shape
that the document and the schema define, and arrive within the given seconds. Queries are sent twice: the second run is
compiled and must return the same bytes (a third, uncompiled run detects data that changes by itself). Prints JSON. If
an answer fails, the exit status is 1 and the output contains the smallest failing request.
"""

import argparse
import json
import random
import re
import sys
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
from graphql import (
    ArgumentNode,
    BooleanValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    InlineFragmentNode,
    IntValueNode,
    NameNode,
    NullValueNode,
    ObjectFieldNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    Visitor,
    build_ast_schema,
    is_abstract_type,
    parse,
    print_ast,
    visit,
)
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import mutations, nodes, queries

SDL = (Path(__file__).parents[2] / "schema" / "schema.graphql").read_text()
SDL_WITHOUT_SERVICE = "\n".join(line for line in SDL.splitlines() if "_service" not in line)
SCHEMA = build_ast_schema(parse(SDL), assume_valid=True, assume_valid_sdl=True)
NAMESPACES = ["crm_id", "email", "phone", "login", "loyalty_card", "device", "cookie", "order"]
VALUES = ["ann@example.com", "ben@example.com", "+49301234567", "KC-1", "cookie-1", "device-1", "A-1", "unknown", ""]
TIMES = ["2026-01-01T00:00:00Z", "2026-03-01T12:30:00.5+02:00", "2026-02-30T00:00:00Z", "0001-01-01T00:00:00Z", "never"]
AMOUNTS = ["12.50", "0", "-1", "1e400", "NaN", "99999999999999999999"]
SCALARS = {
    "DateTime": st.sampled_from(TIMES).map(nodes.String),
    "ConsentChannel": st.sampled_from(["EMAIL", "sms", "FAX"]).map(nodes.Enum) | st.just(nodes.String("")),
    "Decimal": st.sampled_from(AMOUNTS).map(nodes.String),
    "JSON": st.just(nodes.Null),
    "_Any": st.builds(
        lambda name, key: nodes.Object(
            [
                ObjectFieldNode(name=NameNode(value="__typename"), value=nodes.String(name)),
                ObjectFieldNode(name=NameNode(value=key), value=nodes.String("A-1")),
            ]
        ),
        st.sampled_from(["Customer", "Order", "Nope"]),
        st.sampled_from(["id", "number"]),
    ),
}


POOLS: dict[str, list[str]] = {
    "namespace": NAMESPACES,
    "value": VALUES,
    "number": ["A-1", "B-2"],
    "currency": ["EUR", "EUX"],
    "after": ["WzBd", "WzFd", "nonsense"],
    "id": ["chg_1", "chg_2", "nobody"],
    "changeId": ["chg_1", "chg_2", "chg_3"],
    "purpose": ["newsletter", "profiling", "nope"],
    "sku": ["s", "t"],
    "type": ["page_viewed", "product_added", "email_opened", "No"],
    "text": ["ann", "ann example", "ben@example.com", "smiht"],
    "birthDate": ["1980-05-31", "2999-01-01"],
    "language": ["de", "no language"],
}


CHANGED_BY_READING = re.compile(r"\b(auditEntries|accessReport)\b")
"""Fields whose answers change with every request: the audit log records them."""
RULE_CONDITIONS = frozenset({"externalSegment", "churnRisk", "rfmGroup", "journeyStage", "hasNamespace", "known"})
KNOWN_CONDITION = ObjectFieldNode(name=NameNode(value="known"), value=BooleanValueNode(value=True))


class PlausibleValues(Visitor):
    """Replaces random text by plausible values, so that requests pass the first checks."""

    def __init__(self, choose: random.Random) -> None:
        super().__init__()
        self._choose = choose

    def leave_argument(self, node: ArgumentNode, *_: Any) -> ArgumentNode:
        """Replace an argument; in `by`, keep exactly one key: graphql-core 3.2 does not know `@oneOf`."""
        if node.name.value != "by" or not isinstance(node.value, ObjectValueNode) or self._choose.random() < 0.1:
            return ArgumentNode(name=node.name, value=self._plausible(node))
        present = [field for field in node.value.fields if not isinstance(field.value, NullValueNode)]
        default = ObjectFieldNode(name=NameNode(value="id"), value=StringValueNode(value="nobody"))
        return ArgumentNode(name=node.name, value=ObjectValueNode(fields=(present[0] if present else default,)))

    def leave_object_field(self, node: ObjectFieldNode, *_: Any) -> ObjectFieldNode:
        """Replace the value of an input field."""
        return ObjectFieldNode(name=node.name, value=self._plausible(node))

    def _plausible(self, node: ObjectFieldNode | ArgumentNode) -> Any:
        pool = POOLS.get(node.name.value)
        if pool is not None and isinstance(node.value, StringValueNode) and self._choose.random() < 0.8:
            return StringValueNode(value=self._choose.choice(pool))
        if node.name.value == "first" and self._choose.random() < 0.8:
            return IntValueNode(value=self._choose.choice(["0", "1", "5", "100"]))
        return node.value

    def leave_object_value(self, node: ObjectValueNode, *_: Any) -> ObjectValueNode:
        """Keep one condition of a segment rule."""
        if not RULE_CONDITIONS.isdisjoint(field.name.value for field in node.fields) and self._choose.random() > 0.1:
            present = [field for field in node.fields if not isinstance(field.value, NullValueNode)]
            return ObjectValueNode(fields=tuple(present[:1]) or (KNOWN_CONDITION,))
        return node

    def leave_selection_set(self, node: SelectionSetNode, *_: Any) -> SelectionSetNode:
        """Select `__typename`, which determines the expected fields."""
        selected = any(isinstance(field, FieldNode) and field.name.value == "__typename" for field in node.selections)
        typename = FieldNode(name=NameNode(value="__typename"), arguments=(), directives=())
        return node if selected else SelectionSetNode(selections=(*node.selections, typename))


@st.composite
def requests(draw: st.DrawFn) -> str:
    """Generate documents with one operation."""
    operations = draw(st.sampled_from([queries, queries, mutations]))
    text = draw(operations(SDL_WITHOUT_SERVICE, custom_scalars=SCALARS, allow_x00=False))
    return print_ast(visit(parse(text), PlausibleValues(draw(st.randoms(use_true_random=False)))))


class UnexpectedAnswer(AssertionError):
    """An answer that violates a check."""


def check_shape(text: str, data: Any) -> None:
    """Raise `UnexpectedAnswer` unless data has the shape that a document requests."""
    document = parse(text)
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    (operation,) = (node for node in document.definitions if isinstance(node, OperationDefinitionNode))

    def fields(selections: SelectionSetNode, type_: GraphQLObjectType, collected: dict[str, list[FieldNode]]) -> None:
        for node in selections.selections:
            if isinstance(node, FieldNode):
                collected.setdefault((node.alias or node.name).value, []).append(node)
                continue
            fragment = fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            if isinstance(fragment, InlineFragmentNode | FragmentDefinitionNode):
                condition = fragment.type_condition and SCHEMA.type_map[fragment.type_condition.name.value]
                if condition in (None, type_) or (is_abstract_type(condition) and SCHEMA.is_sub_type(condition, type_)):
                    fields(fragment.selection_set, type_, collected)

    def value(type_: Any, actual: Any, nodes_: list[FieldNode], path: str) -> None:
        if isinstance(type_, GraphQLNonNull):
            if actual is None:
                raise UnexpectedAnswer(f"{path} is null")
            type_ = type_.of_type
        if actual is None:
            return
        if isinstance(type_, GraphQLList):
            if not isinstance(actual, list):
                raise UnexpectedAnswer(f"{path} is not a list")
            for index, item in enumerate(actual):
                value(type_.of_type, item, nodes_, f"{path}[{index}]")
        elif isinstance(type_, GraphQLEnumType):
            if actual not in type_.values:
                raise UnexpectedAnswer(f"{path}: {actual!r} is not in {type_}")
        elif isinstance(type_, GraphQLScalarType):
            classes = {"Int": int, "Float": (int, float), "Boolean": bool, "JSON": object}.get(type_.name, str)
            if not isinstance(actual, classes):
                raise UnexpectedAnswer(f"{path}: {actual!r} is not of type {type_}")
        else:
            concrete = SCHEMA.type_map[actual["__typename"]]
            expected: dict[str, list[FieldNode]] = {}
            for node in nodes_:
                fields(node.selection_set, concrete, expected)
            objects(concrete, actual, expected, path)

    def objects(type_: Any, actual: Any, expected: dict[str, list[FieldNode]], path: str) -> None:
        if list(actual) != list(expected):
            raise UnexpectedAnswer(f"{path} contains {list(actual)}, not {list(expected)}")
        for key, field_nodes in expected.items():
            name = field_nodes[0].name.value
            if name != "__typename":
                value(type_.fields[name].type, actual[key], field_nodes, f"{path}.{key}")

    root = SCHEMA.get_root_type(operation.operation)
    expected: dict[str, list[FieldNode]] = {}
    fields(operation.selection_set, root, expected)
    if data is not None:
        objects(root, data, expected, operation.operation.value)


SEED = """mutation { linkIdentifiers(input: {observations: [%s]}) {
  results { ... on ObservationAccepted { customerId } } }
recordOrders(input: {orders: [{number: "A-1", source: "shop", placedAt: "2026-01-01T00:00:00Z", currency: "EUR",
  reportedAt: "2026-01-01T00:00:00Z", total: "12.50", identifiers: [{namespace: "email", value: "ann@example.com"}],
  lines: [{sku: "s", quantity: 1, total: "12.50"}]}]}) { results { __typename } } }"""
PAIRS = ['email", value: "ann@example.com', 'cookie", value: "cookie-1', 'device", value: "device-1'] * 2


def seed(client: httpx.Client, url: str) -> None:
    """Record some data for queries to return."""
    observations = [
        f'{{source: "web", id: "{index}", identifiers: [{{namespace: "{a}"}}, {{namespace: "{b}"}}]}}'
        for index, (a, b) in enumerate(pairwise(PAIRS))
    ]
    results = client.post(url, json={"query": SEED % " ".join(observations)}).json()["data"]["linkIdentifiers"][
        "results"
    ]
    POOLS["id"] += sorted({result["customerId"] for result in results if result.get("customerId")})


def main() -> int:
    """Run the checks. Return the exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--examples", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--random", action="store_true", help="new examples each time")
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    slowest = 0.0
    client = httpx.Client(timeout=60, headers={"accept": "application/graphql-response+json"})

    seed(client, options.url)

    @settings(
        max_examples=options.examples,
        derandomize=not options.random,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(requests())
    def check(text: str) -> None:
        nonlocal slowest
        start = time.perf_counter()
        response = client.post(options.url, json={"query": text})
        duration = time.perf_counter() - start
        slowest = max(slowest, duration)
        if response.status_code >= 500:
            raise UnexpectedAnswer(f"status {response.status_code}: {response.text[:500]}\n{text}")
        answer = response.json()
        errors = answer.get("errors", [])
        counts[
            "answered with data" if answer.get("data") else "answered with null" if "data" in answer else "rejected"
        ] += 1
        for error in errors:
            code = error.get("extensions", {}).get("code")
            counts[f"error {code}"] += 1
            if code in (None, "INTERNAL_SERVER_ERROR"):
                raise UnexpectedAnswer(f"{error}\n{text}")
        if duration > options.seconds:
            raise UnexpectedAnswer(f"took {duration:.1f} s\n{text}")
        if not errors and not answer.get("data"):
            raise UnexpectedAnswer(f"neither data nor errors: {answer}\n{text}")
        try:
            check_shape(text, answer.get("data"))
        except UnexpectedAnswer as error:
            raise UnexpectedAnswer(f"{error}\n{text}") from None
        if not text.startswith("mutation") and "data" in answer and not CHANGED_BY_READING.search(text):
            compiled = client.post(options.url, json={"query": text})
            # With a comment it is another document, which is not compiled.
            uncompiled = f"# {random.random()}\n{text}"
            if (
                compiled.content != response.content
                and compiled.content != client.post(options.url, json={"query": uncompiled}).content
            ):
                raise UnexpectedAnswer(f"compiled: {compiled.text}\nuncompiled: {response.text}\n{text}")
            counts["compared with compiled"] += 1

    failed = ""
    try:
        check()
    except UnexpectedAnswer as error:
        failed = str(error)
    report = {
        "requests": sum(counts[key] for key in counts if not key.startswith(("error", "compared"))),
        **dict(sorted(counts.items())),
    }
    print(json.dumps({**report, "slowest seconds": round(slowest, 3), "failed": failed}))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
