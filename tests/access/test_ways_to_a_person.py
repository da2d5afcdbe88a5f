"""Nobody reads a person through any root field, object or payload who does not reach that person."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from graph.domain.access.scopes import NOBODY
from graph.domain.access.viewer import Viewer
from graph.viewer_graph import ViewerGraph
from schema.execution.access import coordinates
from schema.execution.limits import Limits
from schema.execution.runner import ALL, GraphQLRequest, OperationRunner
from schema.root import new_context, schema
from tests.builders.clients import identifiers, order
from tests.builders.runs import Run
from tests.builders.stores import Fresh
from tests.builders.viewers import ViewerClient, shop, viewer
from tests.builders.ways import Named, ways

ANNA = "email=anna.berg@example.com"
CANARIES = (
    "anna.berg@example.com", "5550101", "KC100001", "C-1001", "anna.b\"", "dev-anna-phone",
    "zqname", "zqstreet", "zqtext", "zqline", "zqpolicy", "zqsegment", "zqdevice", "W-5001", "W-5007",
)  # fmt: skip
"""Values that only Anna has. What a request names itself may come back in an error."""
SCOPES = coordinates(schema._schema)
STREAM_SECONDS = 1.0
"""How long the first event of a subscription is awaited; most have none."""


@pytest.fixture
def client(fresh: Fresh, run: Run, tmp_path: Path) -> ViewerClient:
    return shop(fresh(), run, tmp_path)


@pytest.fixture
def anna(client: ViewerClient) -> str:
    """The id of Anna, about whom everything is recorded that can be."""
    of_anna = {"source": "crm", "identifiers": identifiers(ANNA)}
    at = "2026-03-01T10:00:00Z"
    client.record(order("W-6001", ANNA, lines=[{"sku": "S", "quantity": "1", "total": "10.00", "name": "zqline"}]))
    attributes = {**of_anna, "reportedAt": at, "givenName": "zqname", "address": {"street": "zqstreet"}}
    consent = {**of_anna, "purpose": "newsletter", "decision": "GIVEN", "decidedAt": at, "policyVersion": "zqpolicy"}
    call = {**of_anna, "id": "i", "type": "call", "occurredAt": at, "text": "zqtext", "device": "zqdevice"}
    records = {
        "recordAttributes": ("attributes", attributes),
        "recordConsents": ("consents", consent),
        "recordInteractions": ("interactions", call),
        "recordExternalSegments": ("segments", {**of_anna, "segment": "zqsegment"}),
    }
    for name, (field, item) in records.items():
        kind = f"{name[0].upper()}{name[1:]}Input"
        data = client.ask(
            f"mutation($i: {kind}!) {{ {name}(input: $i) {{ errors {{ message }} results {{ __typename }} }} }}",
            {"i": {field: [item]}},
        )
        assert {result["__typename"] for result in data[name]["results"]} == {"ObservationAccepted"}
    return client.customer(ANNA, "id")["id"]


def answers(client: ViewerClient, run: Run, asked: Viewer, named: Named, depth: int = 7) -> Iterator[tuple[str, str]]:
    """The documents that a viewer may send about a customer, and what comes back, each from both executors."""
    runner = OperationRunner(schema, Limits(cost=10**9))

    async def answer(text: str, variables: dict[str, Any]) -> str:
        context = new_context(ViewerGraph(client.graph, asked), lambda: True)
        try:
            async with (
                asyncio.timeout(STREAM_SECONDS if text.startswith("subscription") else None),
                aclosing(runner.stream(GraphQLRequest(text, variables), context, ALL)) as all,
            ):
                found = await anext(all)
        except TimeoutError:
            return ""  # a stream without events
        return json.dumps(found.data, default=str) + " ".join(error.message for error in found.errors or ())

    for text, variables in ways(schema._schema, named, lambda name: SCOPES.get(name, NOBODY) in asked.scopes, depth):
        for _ in range(2):
            yield text, run(answer(text, variables))


def leaked(text: str, named: Named) -> list[str]:
    return [canary for canary in CANARIES if canary in text and canary not in (*_values(named), f'{named.value}"')]


def _values(named: Named) -> tuple[str, ...]:
    return named.value, named.order


@pytest.mark.parametrize("key", [ANNA, "login=anna.b", "loyalty_card=KC-100001", "cookie=ck-anna-laptop"])
def test_a_storefront_without_a_user_learns_nothing_of_a_person(
    client: ViewerClient, anna: str, run: Run, key: str
) -> None:
    # given
    namespace, _, value = key.partition("=")
    named = Named(namespace, value, anna, "W-6001")
    # when
    found = list(answers(client, run, viewer("storefront"), named))
    # then
    assert len(found) > 60
    assert not [(text, leaked(answer, named)) for text, answer in found if leaked(answer, named)]
    refused = ("Syntax Error", "Cannot query", "invalid value", "may not access", "may cost")
    assert not [text for text, answer in found if any(words in answer for words in refused)]


def test_the_user_of_a_storefront_learns_nothing_of_another_person(client: ViewerClient, anna: str, run: Run) -> None:
    # given
    named = Named("email", "anna.berg@example.com", anna, "W-6001")
    ben = viewer("storefront", subject="login=ben77")
    # then
    found = list(answers(client, run, ben, named))
    assert not [(text, leaked(answer, named)) for text, answer in found if leaked(answer, named)]


@pytest.mark.parametrize("role", ["partner", "marketer", "ingest", "admin"])
def test_a_role_that_does_not_reach_a_person_learns_nothing_of_it(
    client: ViewerClient, anna: str, run: Run, role: str
) -> None:
    # given
    named = Named("email", "anna.berg@example.com", anna, "W-6001")
    asked = viewer(role, sources=frozenset({"club2"}) if role == "partner" else None)
    # then
    found = list(answers(client, run, asked, named))
    assert not [(text, leaked(answer, named)) for text, answer in found if leaked(answer, named)]


def test_the_documents_show_everything_to_whom_may_see_it(client: ViewerClient, anna: str, run: Run) -> None:
    # given: otherwise the tests above could find nothing because they ask for nothing
    named = Named("cookie", "ck-anna-laptop", anna, "W-6001")
    # then
    texts = "".join(answer for _, answer in answers(client, run, viewer("developer"), named, depth=5))
    assert [canary for canary in CANARIES if canary not in texts] == []
