"""Each role reaches exactly the fields that `schema/access.csv` grants it, through every root field and transport.

The documents are generated from the schema, and what is expected is read from the committed table: a field without a
rule, a rule that is not enforced, and a transport that does not enforce it are differences.
"""

import csv
from collections.abc import Iterator, Sequence
from typing import Any, cast

import pytest
from graphql import OperationDefinitionNode, OperationType, parse

from graph.domain.access.roles import BUILT_IN, DEVELOPER, Role
from graph.identity_graph import IdentityGraph
from graph.stores.sqlite import SQLiteStore
from graph.viewer_graph import ViewerGraph
from schema.execution.access import AccessRules
from schema.execution.limits import Limits
from schema.execution.runner import ALL, ExecutionAnswer, GraphQLRequest, OperationRunner, Stage
from schema.root import new_context, schema
from service.access.keys import viewer_of
from tests.builders.access_documents import AccessDocument, all_coordinates, documents
from tests.builders.clients import Client, order, seen
from tests.builders.repository import ROOT
from tests.builders.runs import Run
from tests.builders.transports import Answer, Transports

RUNS = 12
CORE = schema._schema
WAYS = documents(CORE)
NEAREST = list({ways[0].text: ways[0] for ways in WAYS.values()}.values())
"""The smallest document of each coordinate."""
NEAREST_OF_KINDS = list(
    {
        way.text: way
        for ways in WAYS.values()
        for way in {way.kind: way for way in reversed(ways)}.values()  # the first one of each kind
    }.values()
)
"""The smallest query, mutation and subscription of each coordinate."""
STREAMED = [*NEAREST, *(way for way in NEAREST_OF_KINDS if way.kind is OperationType.SUBSCRIPTION)]
"""What is sent by the transports that run subscriptions, too."""
SENT = {
    "post": NEAREST_OF_KINDS,
    "get": NEAREST_OF_KINDS,
    "batch": NEAREST_OF_KINDS,
    "sse": STREAMED,
    "websocket": STREAMED,
}
"""The documents that are sent by each transport."""
CARRIED = {
    "post": {OperationType.QUERY, OperationType.MUTATION},
    "get": {OperationType.QUERY},
    "batch": {OperationType.QUERY, OperationType.MUTATION},
    "sse": set(OperationType),
    "websocket": set(OperationType),
}
"""The kinds of operations that each transport runs."""


def granted() -> dict[str, set[str]]:
    """The coordinates that the committed table grants to each role."""
    with (ROOT / "schema" / "access.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {role.name: {row["coordinate"] for row in rows if row[role.name] == "yes"} for role in BUILT_IN}


GRANTED = granted()


def key_of(role: Role) -> str:
    return f"{role.name:x<20}"


def is_allowed(role: Role, document: AccessDocument) -> bool:
    return GRANTED[role.name].issuperset(document.coordinates)


@pytest.fixture(scope="module")
def client(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A service with a customer, and with a key for each role."""
    store = SQLiteStore(tmp_path_factory.mktemp("store") / "kith.db")
    run(store.migrate())
    local = Client(store, run)
    local.link(seen("email=ann@example.com", "crm_id=1"))
    local.record(order("A1", "email=ann@example.com"))
    yield Client(
        store,
        run,
        api_keys=",".join(f"{role.name}:{role.name}:{key_of(role)}" for role in BUILT_IN),
        profile="production",
        introspection=True,
        federation=True,
        get_queries=True,
        max_batch=100,
    )
    run(store.close())


def test_every_coordinate_is_in_the_table_and_has_documents() -> None:
    with (ROOT / "schema" / "access.csv").open() as file:
        listed = {row["coordinate"] for row in csv.DictReader(file)}
    assert listed == set(WAYS) == all_coordinates(CORE)


def test_every_way_to_a_coordinate_needs_what_the_table_says() -> None:
    # given
    rules = AccessRules(CORE).of_document([])
    differences = []
    # when
    for document in (way for ways in WAYS.values() for way in ways):
        (operation,) = parse(document.text).definitions
        needs = rules.needs(cast("OperationDefinitionNode", operation))
        # then
        differences += [
            (role.name, document.text)
            for role in BUILT_IN
            if (needs.scopes <= role.scopes) is not is_allowed(role, document)
        ]
    assert differences == []


def verdict(answer: Answer) -> str:
    """What an answer says: the code of a rejection, or that the document was let in."""
    codes = {error.get("extensions", {}).get("code") for error in (answer or {}).get("errors") or ()}
    for code in ("FORBIDDEN", "METHOD_NOT_ALLOWED"):
        if code in codes:
            assert "data" not in answer
            assert len(codes) == 1
            return code
    return "let in"


def expected(role: Role, document: AccessDocument, transport: str) -> str:
    if document.kind not in CARRIED[transport]:
        return "METHOD_NOT_ALLOWED"
    return "let in" if is_allowed(role, document) else "FORBIDDEN"


def chunks(documents: Sequence[AccessDocument]) -> Iterator[Sequence[AccessDocument]]:
    """Parts that the cache of documents holds, so that each document is analyzed once for all roles."""
    for start in range(0, len(documents), 500):
        yield documents[start : start + 500]


@pytest.mark.parametrize("transport", SENT)
def test_each_transport_decides_as_the_table_says(transport: str, client: Client, run: Run) -> None:
    differences = []
    for part in chunks(SENT[transport]):
        for role in BUILT_IN:
            # when
            send = getattr(Transports(client.app, key_of(role)), transport)
            answers = run(send([document.text for document in part]))
            # then
            for document, answer in zip(part, answers, strict=True):
                if verdict(answer) != expected(role, document, transport):
                    differences.append((role.name, document.text, answer))
    assert differences == []


async def _run_once(runner: OperationRunner, graph: IdentityGraph, role: Role, text: str) -> ExecutionAnswer | None:
    """Run a document; of a subscription, return only a rejection."""
    context = new_context(ViewerGraph(graph, viewer_of("tests", role)))
    request = GraphQLRequest(text, {})
    if not text.startswith("subscription"):
        return await runner.run(request, context, ALL)
    _, rejected = runner.prepare(request, context.viewer, ALL)
    return rejected


@pytest.mark.parametrize("compiled", [False, True], ids=["not compiled", "compiled"])
def test_a_forbidden_document_is_never_run_between_permitted_runs(compiled: bool, client: Client, run: Run) -> None:
    async def leaks() -> list[Any]:
        found = []
        for document in NEAREST:
            runner = OperationRunner(schema, Limits(compiled=compiled))
            forbidden = [role for role in BUILT_IN if not is_allowed(role, document)]
            permitted = next((role for role in BUILT_IN if is_allowed(role, document)), DEVELOPER)
            for _ in range(RUNS):
                answer = await _run_once(runner, client.graph, permitted, document.text)
                assert answer is None or answer.executed, (document.text, answer.errors)
                for role in forbidden:
                    answer = await _run_once(runner, client.graph, role, document.text)
                    if answer is None or answer.stage is not Stage.ACCESS or answer.data is not None:
                        found.append((role.name, document.text))
        return found

    assert run(leaks()) == []
