"""Requests with an idempotency key are carried out once per caller and key."""

import asyncio

import pytest

from tests.builders.clients import Client, identifiers, seen
from tests.builders.operations import OVERRIDE, UNDO
from tests.builders.runs import Run
from tests.builders.stores import Fresh

PAIR = dict(zip("ab", identifiers("email=ann@example.com", "device=tablet-1"), strict=True))
SINGLE = {"identifier": PAIR["b"]}


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    client = Client(fresh(), run)
    client.link(seen("email=ann@example.com", "device=tablet-1"))
    return client


def send(client: Client, name: str, **input: object) -> dict:
    """The payload of a mutation on overrides."""
    return client.ask(OVERRIDE % (input_type(name), name), {"input": input})[name]


def input_type(name: str) -> str:
    return f"{name[0].upper()}{name[1:]}Input"


def test_a_repeated_request_returns_the_first_result(client: Client) -> None:
    # given
    first = send(client, "keepApart", **PAIR, idempotencyKey="k-1")
    removed = send(client, "removeOverride", id=first["override"]["id"], idempotencyKey="k-2")
    customer_id = client.customer("device=tablet-1")["id"]
    # when: the network delivers both again
    again = send(client, "keepApart", **PAIR, idempotencyKey="k-1")
    removed_again = send(client, "removeOverride", id=first["override"]["id"], idempotencyKey="k-2")
    # then: the override is not set a second time
    assert again["override"] == first["override"]
    assert again["created"] is first["created"] is True
    assert removed_again["override"] == removed["override"]
    assert client.customer("device=tablet-1")["id"] == customer_id == client.customer("email=ann@example.com")["id"]
    # and without a key it is set
    assert send(client, "keepApart", **PAIR)["override"]["id"] != first["override"]["id"]


def test_a_block_and_an_unblock_are_carried_out_once(client: Client) -> None:
    blocked = send(client, "blockIdentifier", **SINGLE, idempotencyKey="b")
    unblocked = send(client, "unblockIdentifier", **SINGLE, idempotencyKey="u")
    assert send(client, "blockIdentifier", **SINGLE, idempotencyKey="b")["override"] == blocked["override"]
    assert send(client, "unblockIdentifier", **SINGLE, idempotencyKey="u")["override"] == unblocked["override"]
    assert send(client, "unblockIdentifier", **SINGLE)["errors"] == [{"code": "OVERRIDE_NOT_FOUND"}]


def test_an_undo_is_carried_out_once(client: Client) -> None:
    # given
    client.link(seen("email=ben@example.com", "login=ben"))
    client.link(seen("email=ben@example.com", "login=ben", "email=ann@example.com"))
    history = client.customer("login=ben", "history { nodes { id kind } }")["history"]["nodes"]
    merge = next(change["id"] for change in history if change["kind"] == "CUSTOMERS_MERGED")
    # when
    first = client.ask(UNDO, {"input": {"changeId": merge, "idempotencyKey": "undo-1"}})["undoMerge"]
    again = client.ask(UNDO, {"input": {"changeId": merge, "idempotencyKey": "undo-1"}})["undoMerge"]
    # then
    assert first["errors"] == again["errors"] == []
    assert again == first
    without_key = client.ask(UNDO, {"input": {"changeId": merge}})["undoMerge"]
    assert [error["code"] for error in without_key["errors"]] == ["ALREADY_UNDONE"]


def test_a_key_used_for_another_request_is_an_error(client: Client) -> None:
    send(client, "keepApart", **PAIR, idempotencyKey="k")
    for name, input in (
        ("keepTogether", PAIR),
        ("keepApart", {**PAIR, "reason": "another"}),
        ("blockIdentifier", SINGLE),
        ("unblockIdentifier", SINGLE),
        ("removeOverride", {"id": "ovr_x"}),
    ):
        assert send(client, name, **input, idempotencyKey="k")["errors"] == [{"code": "ID_CONFLICT"}], name
    assert send(client, "keepApart", **PAIR, idempotencyKey="")["errors"] == [{"code": "INVALID_LENGTH"}]
    assert send(client, "keepApart", **PAIR, idempotencyKey="k" * 201)["errors"] == [{"code": "INVALID_LENGTH"}]


def test_callers_do_not_share_keys(fresh: Fresh, run: Run) -> None:
    client = Client(fresh(), run, api_keys="till:steward:0123456789abcdef,desk:steward:fedcba9876543210")
    override_ids = []
    for key, name in (("0123456789abcdef", "keepApart"), ("fedcba9876543210", "keepTogether")):
        mutation = OVERRIDE % (input_type(name), name)
        body = {"query": mutation, "variables": {"input": {**PAIR, "reason": "two people", "idempotencyKey": "k"}}}
        response = run(client.http.post("/graphql", json=body, headers={"authorization": f"Bearer {key}"})).json()
        override_ids.append(response["data"][name]["override"]["id"])
    assert len(set(override_ids)) == 2


def test_concurrent_repeated_requests_are_carried_out_once(client: Client, run: Run) -> None:
    body = {
        "query": OVERRIDE % ("KeepApartInput", "keepApart"),
        "variables": {"input": {**PAIR, "idempotencyKey": "race"}},
    }

    async def race() -> list[dict]:
        responses = await asyncio.gather(*(client.http.post("/graphql", json=body) for _ in range(20)))
        return [response.json()["data"]["keepApart"] for response in responses]

    assert len({payload["override"]["id"] for payload in run(race())}) == 1
    assert len(client.ask("{ overrides { nodes { id } } }")["overrides"]["nodes"]) == 1
