"""What a store holds and no answer can contain is an error of its field, over every transport."""

from typing import Any

import pytest

from tests.builders.clients import Client, seen
from tests.builders.runs import Run
from tests.builders.stores import Fresh, overwrite_identifiers

IDENTIFIERS = """identifiers { nodes { value observationCount firstSeenAt } }"""
CUSTOMER = (
    f"""{{ customer(by: {{identifier: {{namespace: "cookie", value: "ck-1"}}}}) {{ id {IDENTIFIERS} }} __typename }}"""
)
NODE = {"value": "ck-1", "observationCount": 1, "firstSeenAt": None}
UNREADABLE: dict[str, tuple[str, Any, list[Any] | None]] = {
    "a number beyond Int": ("observation_count", 2**40, None),
    "a text instead of a number": ("observation_count", "many", None),
    "a text instead of a time": ("first_seen_at", "never", [NODE]),
}
"""The stored value and its name, and the nodes in the answer: a null propagates from a field that must not be null."""


@pytest.mark.parametrize(("name", "value", "nodes"), UNREADABLE.values(), ids=UNREADABLE)
def test_an_unreadable_value_is_an_error_of_its_field(
    fresh: Fresh, run: Run, name: str, value: object, nodes: list[Any] | None
) -> None:
    # given
    store = fresh()
    client = Client(store, run, max_batch=3)
    client.link(seen("cookie=ck-1"))
    run(overwrite_identifiers(store, name, value))
    # when, for a document that runs for the first time and one that is compiled
    for _ in range(3):
        response = client.send(CUSTOMER)
        # then
        body = response.json()
        assert response.status_code == 200
        customer = body["data"]["customer"]
        assert (customer and customer["identifiers"]["nodes"]) == nodes
        assert {error["path"][0] for error in body["errors"]} == {"customer"}
        assert {error["extensions"]["code"] for error in body["errors"]} == {"INTERNAL_SERVER_ERROR"}
        assert str(value) not in response.text


def test_an_unreadable_value_costs_no_other_operation(fresh: Fresh, run: Run) -> None:
    # given
    store = fresh()
    client = Client(store, run, max_batch=3)
    client.link(seen("cookie=ck-1"))
    run(overwrite_identifiers(store, "observation_count", 2**40))
    operation, other = {"query": CUSTOMER}, {"query": "{ __typename }"}
    # when
    first, second, third = run(client.http.post("/graphql", json=[other, operation, other])).json()
    stream = client.send(CUSTOMER, accept="text/event-stream")
    # then the batch keeps its other answers, and the event stream has its end
    assert first == third == {"data": {"__typename": "Query"}}
    assert second["data"]["customer"] is None
    assert "INTERNAL_SERVER_ERROR" in stream.text
    assert stream.text.endswith("event: complete\r\ndata: \r\n\r\n")
