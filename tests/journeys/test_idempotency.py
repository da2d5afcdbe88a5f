"""Requests without an id of their own are carried out once under the caller's idempotency key."""

import asyncio

import pytest

from tests.builders.clients import Client, identifiers, seen
from tests.builders.operations import MARK, UNDO
from tests.builders.runs import Run
from tests.builders.stores import Fresh

PAIR = dict(zip("ab", identifiers("email=ann@example.com", "device=tablet-1"), strict=True))
ONE = {"identifier": PAIR["b"]}


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    client = Client(fresh(), run)
    client.link(seen("email=ann@example.com", "device=tablet-1"))
    return client


def do(client: Client, name: str, kind: str, **input: object) -> dict:
    return client.ask(MARK % (kind, name), {"input": input})[name]


def test_a_request_again_is_answered_as_the_first_time(client: Client) -> None:
    # given
    first = do(client, "keepApart", "MarkInput", **PAIR, idempotencyKey="k-1")
    removed = do(client, "removeMark", "RemoveMarkInput", id=first["mark"]["id"], idempotencyKey="k-2")
    whole = client.customer("device=tablet-1")["id"]
    # when: the network delivers both once more
    again = do(client, "keepApart", "MarkInput", **PAIR, idempotencyKey="k-1")
    removed_again = do(client, "removeMark", "RemoveMarkInput", id=first["mark"]["id"], idempotencyKey="k-2")
    # then: the mark is not set a second time
    assert again["mark"] == first["mark"]
    assert again["created"] is first["created"] is True
    assert removed_again["mark"] == removed["mark"]
    assert client.customer("device=tablet-1")["id"] == whole == client.customer("email=ann@example.com")["id"]
    # and without a key it is
    assert do(client, "keepApart", "MarkInput", **PAIR)["mark"]["id"] != first["mark"]["id"]


def test_a_block_and_its_end_are_carried_out_once(client: Client) -> None:
    blocked = do(client, "blockIdentifier", "BlockInput", **ONE, idempotencyKey="b")
    ended = do(client, "unblockIdentifier", "BlockInput", **ONE, idempotencyKey="u")
    assert do(client, "blockIdentifier", "BlockInput", **ONE, idempotencyKey="b")["mark"] == blocked["mark"]
    assert do(client, "unblockIdentifier", "BlockInput", **ONE, idempotencyKey="u")["mark"] == ended["mark"]
    assert do(client, "unblockIdentifier", "BlockInput", **ONE)["errors"] == [{"code": "UNKNOWN_MARK"}]


def test_an_undo_is_carried_out_once(client: Client) -> None:
    # given
    client.link(seen("email=ben@example.com", "login=ben"))
    client.link(seen("email=ben@example.com", "login=ben", "email=ann@example.com"))
    history = client.customer("login=ben", "history { nodes { id kind } }")["history"]["nodes"]
    merge = next(one["id"] for one in history if one["kind"] == "MERGED")
    # when
    first = client.ask(UNDO, {"input": {"change": merge, "idempotencyKey": "undo-1"}})["undoChange"]
    again = client.ask(UNDO, {"input": {"change": merge, "idempotencyKey": "undo-1"}})["undoChange"]
    # then
    assert first["errors"] == again["errors"] == []
    assert again == first
    bare = client.ask(UNDO, {"input": {"change": merge}})["undoChange"]
    assert [one["code"] for one in bare["errors"]] == ["ALREADY_UNDONE"]


def test_a_key_used_for_another_request_is_an_error(client: Client) -> None:
    do(client, "keepApart", "MarkInput", **PAIR, idempotencyKey="k")
    for name, kind, input in (
        ("keepTogether", "MarkInput", PAIR),
        ("keepApart", "MarkInput", {**PAIR, "reason": "another"}),
        ("blockIdentifier", "BlockInput", ONE),
        ("unblockIdentifier", "BlockInput", ONE),
        ("removeMark", "RemoveMarkInput", {"id": "mrk_x"}),
    ):
        assert do(client, name, kind, **input, idempotencyKey="k")["errors"] == [{"code": "ID_CONFLICT"}], name
    assert do(client, "keepApart", "MarkInput", **PAIR, idempotencyKey="")["errors"] == [{"code": "BAD_LENGTH"}]
    assert do(client, "keepApart", "MarkInput", **PAIR, idempotencyKey="k" * 201)["errors"] == [{"code": "BAD_LENGTH"}]


def test_callers_do_not_share_keys(fresh: Fresh, run: Run) -> None:
    client = Client(fresh(), run, api_keys="till:0123456789abcdef,desk:fedcba9876543210")
    made = []
    for key, name in (("0123456789abcdef", "keepApart"), ("fedcba9876543210", "keepTogether")):
        body = {"query": MARK % ("MarkInput", name), "variables": {"input": {**PAIR, "idempotencyKey": "k"}}}
        answer = run(client.http.post("/graphql", json=body, headers={"authorization": f"Bearer {key}"})).json()
        made.append(answer["data"][name]["mark"]["id"])
    assert len(set(made)) == 2


def test_the_same_request_many_times_at_once_is_carried_out_once(client: Client, run: Run) -> None:
    body = {"query": MARK % ("MarkInput", "keepApart"), "variables": {"input": {**PAIR, "idempotencyKey": "race"}}}

    async def race() -> list[dict]:
        answers = await asyncio.gather(*(client.http.post("/graphql", json=body) for _ in range(20)))
        return [answer.json()["data"]["keepApart"] for answer in answers]

    assert len({one["mark"]["id"] for one in run(race())}) == 1
    assert len(client.ask("{ marks { nodes { id } } }")["marks"]["nodes"]) == 1
