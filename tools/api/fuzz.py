"""Asks a service generated queries and mutations, and holds every answer against what a service owes.

    python tools/api/fuzz.py URL [--examples 300] [--seconds 10] [--random]

Runs in `.venv-api` (hypothesis-graphql wants another graphql-core than Kith). Checks of each answer: a GraphQL response
with a status below 500; no internal error; a code on every error; data of the shape that the document asks for, by the
types of the schema; within the seconds. A query is sent again: from its second run on it runs compiled, and must be
answered as before, byte by byte (a third answer, as it comes, tells what changes by itself). Prints JSON;
exit status 1 and the smallest request that failed.
"""

import argparse
import json
import random
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
SCHEMA = build_ast_schema(parse(SDL), assume_valid=True, assume_valid_sdl=True)
NAMESPACES = ["crm_id", "email", "phone", "login", "loyalty_card", "device", "cookie", "order"]
VALUES = ["ann@example.com", "ben@example.com", "+49301234567", "KC-1", "cookie-1", "device-1", "A-1", "unknown", ""]
TIMES = ["2026-01-01T00:00:00Z", "2026-03-01T12:30:00.5+02:00", "2026-02-30T00:00:00Z", "0001-01-01T00:00:00Z", "never"]
AMOUNTS = ["12.50", "0", "-1", "1e400", "NaN", "99999999999999999999"]
SCALARS = {
    "DateTime": st.sampled_from(TIMES).map(nodes.String),
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
    "since": ["WzBd", "WzFd"],
    "id": ["chg_1", "chg_2", "nobody"],
    "change": ["chg_1", "chg_2", "chg_3"],
    "purpose": ["newsletter", "profiling", "nope"],
    "sku": ["s", "t"],
    "type": ["page_view", "cart", "email_opened", "No"],
    "text": ["ann", "ann example", "ben@example.com", "smiht"],
    "birthDate": ["1980-05-31", "2999-01-01"],
    "language": ["de", "no language"],
}


RULES = frozenset({"outsideSegment", "churn", "rfm", "phase", "namespace", "known"})
KNOWN = ObjectFieldNode(name=NameNode(value="known"), value=BooleanValueNode(value=True))


class Likely(Visitor):
    """Puts values that mean something where any text would do, so that requests get past the first checks."""

    def __init__(self, choose: random.Random) -> None:
        super().__init__()
        self._choose = choose

    def leave_argument(self, node: ArgumentNode, *_: Any) -> ArgumentNode:
        """Arguments, `by` among them: one of several keys, which graphql-core 3.2 does not know of."""
        if node.name.value != "by" or not isinstance(node.value, ObjectValueNode) or self._choose.random() < 0.1:
            return ArgumentNode(name=node.name, value=self._likely(node))
        given = [one for one in node.value.fields if not isinstance(one.value, NullValueNode)]
        nobody = ObjectFieldNode(name=NameNode(value="id"), value=StringValueNode(value="nobody"))
        return ArgumentNode(name=node.name, value=ObjectValueNode(fields=(given[0] if given else nobody,)))

    def leave_object_field(self, node: ObjectFieldNode, *_: Any) -> ObjectFieldNode:
        """Fields of inputs."""
        return ObjectFieldNode(name=node.name, value=self._likely(node))

    def _likely(self, node: ObjectFieldNode | ArgumentNode) -> Any:
        pool = POOLS.get(node.name.value)
        if pool is not None and isinstance(node.value, StringValueNode) and self._choose.random() < 0.8:
            return StringValueNode(value=self._choose.choice(pool))
        if node.name.value == "first" and self._choose.random() < 0.8:
            return IntValueNode(value=self._choose.choice(["0", "1", "5", "100"]))
        return node.value

    def leave_object_value(self, node: ObjectValueNode, *_: Any) -> ObjectValueNode:
        """Rules of segments: one of their conditions."""
        if not RULES.isdisjoint(one.name.value for one in node.fields) and self._choose.random() > 0.1:
            given = [one for one in node.fields if not isinstance(one.value, NullValueNode)]
            return ObjectValueNode(fields=tuple(given[:1]) or (KNOWN,))
        return node

    def leave_selection_set(self, node: SelectionSetNode, *_: Any) -> SelectionSetNode:
        """Selections: the type's name tells which fields are owed."""
        named = any(isinstance(one, FieldNode) and one.name.value == "__typename" for one in node.selections)
        typename = FieldNode(name=NameNode(value="__typename"), arguments=(), directives=())
        return node if named else SelectionSetNode(selections=(*node.selections, typename))


@st.composite
def requests(draw: st.DrawFn) -> str:
    """Documents of one operation."""
    kind = draw(st.sampled_from([queries, queries, mutations]))
    text = draw(kind(SDL_WITHOUT_FEDERATION, custom_scalars=SCALARS, allow_x00=False))
    return print_ast(visit(parse(text), Likely(draw(st.randoms(use_true_random=False)))))


class NotAsAsked(AssertionError):
    """An answer that no service should give."""


def conforms(text: str, data: Any) -> None:
    """Whether data has the shape that a document asks for."""
    document = parse(text)
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    (operation,) = (one for one in document.definitions if isinstance(one, OperationDefinitionNode))

    def fields(selections: SelectionSetNode, type_: GraphQLObjectType, found: dict[str, list[FieldNode]]) -> None:
        for node in selections.selections:
            if isinstance(node, FieldNode):
                found.setdefault((node.alias or node.name).value, []).append(node)
                continue
            fragment = fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            if isinstance(fragment, InlineFragmentNode | FragmentDefinitionNode):
                condition = fragment.type_condition and SCHEMA.type_map[fragment.type_condition.name.value]
                if condition in (None, type_) or (is_abstract_type(condition) and SCHEMA.is_sub_type(condition, type_)):
                    fields(fragment.selection_set, type_, found)

    def value(type_: Any, found: Any, nodes_: list[FieldNode], path: str) -> None:
        if isinstance(type_, GraphQLNonNull):
            if found is None:
                raise NotAsAsked(f"{path} is null")
            type_ = type_.of_type
        if found is None:
            return
        if isinstance(type_, GraphQLList):
            if not isinstance(found, list):
                raise NotAsAsked(f"{path} is no list")
            for place, one in enumerate(found):
                value(type_.of_type, one, nodes_, f"{path}[{place}]")
        elif isinstance(type_, GraphQLEnumType):
            if found not in type_.values:
                raise NotAsAsked(f"{path}: {found!r} is not in {type_}")
        elif isinstance(type_, GraphQLScalarType):
            kinds = {"Int": int, "Float": (int, float), "Boolean": bool, "JSON": object}.get(type_.name, str)
            if not isinstance(found, kinds):
                raise NotAsAsked(f"{path}: {found!r} is no {type_}")
        else:
            concrete = SCHEMA.type_map[found["__typename"]]
            below: dict[str, list[FieldNode]] = {}
            for node in nodes_:
                fields(node.selection_set, concrete, below)
            objects(concrete, found, below, path)

    def objects(type_: Any, found: Any, below: dict[str, list[FieldNode]], path: str) -> None:
        if list(found) != list(below):
            raise NotAsAsked(f"{path} holds {list(found)}, not {list(below)}")
        for key, same in below.items():
            name = same[0].name.value
            if name != "__typename":
                value(type_.fields[name].type, found[key], same, f"{path}.{key}")

    root = SCHEMA.get_root_type(operation.operation)
    below: dict[str, list[FieldNode]] = {}
    fields(operation.selection_set, root, below)
    if data is not None:
        objects(root, data, below, operation.operation.value)


SDL_WITHOUT_FEDERATION = (
    "\n".join(
        line for line in SDL.replace(" @shareable", "").splitlines() if "_service" not in line and "@link" not in line
    )
    .replace(' @key(fields: "id")', "")
    .replace(' @key(fields: "number")', "")
    .replace("  query: Query\n  mutation: Mutation\n  subscription: Subscription\n}\n", "")
)


SEED = """mutation { linkIdentifiers(input: {observations: [%s]}) {
  results { ... on ObservationAccepted { customerId } } }
recordOrders(input: {orders: [{number: "A-1", source: "shop", placedAt: "2026-01-01T00:00:00Z", currency: "EUR",
  statedAt: "2026-01-01T00:00:00Z", total: "12.50", identifiers: [{namespace: "email", value: "ann@example.com"}],
  lines: [{sku: "s", quantity: 1, total: "12.50"}]}]}) { results { __typename } } }"""
PAIRS = ['email", value: "ann@example.com', 'cookie", value: "cookie-1', 'device", value: "device-1'] * 2


def seed(client: httpx.Client, url: str) -> None:
    """Something to be found."""
    observations = [
        f'{{source: "web", id: "{place}", identifiers: [{{namespace: "{a}"}}, {{namespace: "{b}"}}]}}'
        for place, (a, b) in enumerate(pairwise(PAIRS))
    ]
    results = client.post(url, json={"query": SEED % " ".join(observations)}).json()["data"]["linkIdentifiers"][
        "results"
    ]
    POOLS["id"] += sorted({one["customerId"] for one in results if one.get("customerId")})


def main() -> int:
    """Run; answers the exit status."""
    options = argparse.ArgumentParser()
    options.add_argument("url")
    options.add_argument("--examples", type=int, default=300)
    options.add_argument("--seconds", type=float, default=10)
    options.add_argument("--random", action="store_true", help="new examples each time")
    chosen = options.parse_args()
    counts: Counter[str] = Counter()
    slowest = 0.0
    client = httpx.Client(timeout=60, headers={"accept": "application/graphql-response+json"})

    seed(client, chosen.url)

    @settings(
        max_examples=chosen.examples,
        derandomize=not chosen.random,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(requests())
    def check(text: str) -> None:
        nonlocal slowest
        began = time.perf_counter()
        response = client.post(chosen.url, json={"query": text})
        took = time.perf_counter() - began
        slowest = max(slowest, took)
        if response.status_code >= 500:
            raise NotAsAsked(f"status {response.status_code}: {response.text[:500]}\n{text}")
        answer = response.json()
        errors = answer.get("errors", [])
        counts[
            "answered with data" if answer.get("data") else "answered with null" if "data" in answer else "refused"
        ] += 1
        for error in errors:
            code = error.get("extensions", {}).get("code")
            counts[f"error {code}"] += 1
            if code in (None, "INTERNAL"):
                raise NotAsAsked(f"{error}\n{text}")
        if took > chosen.seconds:
            raise NotAsAsked(f"took {took:.1f} s\n{text}")
        if not errors and not answer.get("data"):
            raise NotAsAsked(f"neither data nor errors: {answer}\n{text}")
        try:
            conforms(text, answer.get("data"))
        except NotAsAsked as error:
            raise NotAsAsked(f"{error}\n{text}") from None
        if not text.startswith("mutation") and "data" in answer:
            again = client.post(chosen.url, json={"query": text})
            # With a remark it is another document, which runs as it comes.
            fresh = f"# {random.random()}\n{text}"
            if (
                again.content != response.content
                and again.content != client.post(chosen.url, json={"query": fresh}).content
            ):
                raise NotAsAsked(f"compiled: {again.text}\nas it comes: {response.text}\n{text}")
            counts["compared with compiled"] += 1

    failed = ""
    try:
        check()
    except NotAsAsked as error:
        failed = str(error)
    told = {
        "requests": sum(counts[key] for key in counts if not key.startswith(("error", "compared"))),
        **dict(sorted(counts.items())),
    }
    print(json.dumps({**told, "slowest seconds": round(slowest, 3), "failed": failed}))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
