"""Anything by its id, orders by their numbers, and the entities that gateways ask for: each list in one read."""

import pytest

from tests.builders.clients import Client, order
from tests.builders.operations import mark
from tests.builders.runs import Run
from tests.builders.stores import Fresh

ENTITIES = """query($of: [_Any!]!) { _entities(representations: $of) { __typename
    ... on Customer { id emails { value } orders { nodes { number } } }
    ... on Order { number total customer { id emails { value } } } } }"""


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    client = Client(fresh(), run)
    client.record(order("A-1", "email=ann@example.com"), order("B-1", "email=ben@example.com"))
    return client


def reads(client: Client) -> list[int]:
    """How many customers each read of the store asked for, from now on."""
    counts: list[int] = []
    read = client.graph._store.customers

    async def counted(asked, selection):
        counts.append(len(asked))
        return await read(asked, selection)

    client.graph._store.customers = counted
    return counts


def test_nodes_finds_all_kinds_in_order_and_reads_customers_once(client: Client) -> None:
    # given
    ann, ben = (client.customer(f"email={name}@example.com")["id"] for name in ("ann", "ben"))
    apart = mark(client, "keepApart", "email=ann@example.com", "email=ben@example.com")["mark"]["id"]
    (change, *_) = client.ask("{ changes(first: 1) { nodes { id } } }")["changes"]["nodes"]
    counts = reads(client)
    # when
    ids = [ben, "nobody", apart, change["id"], ann, "chg_999999", "chg_x", "mrk_none", ben]
    query = """query($ids: [ID!]!) { nodes(ids: $ids) { __typename id
        ... on Customer { emails { value } } ... on Mark { kind } } }"""
    found = client.ask(query, {"ids": ids})["nodes"]
    # then
    assert [one and one["__typename"] for one in found] == [
        "Customer", None, "Mark", "Change", "Customer", None, None, None, "Customer",
    ]  # fmt: skip
    assert [found[0]["emails"], found[4]["emails"]] == [[{"value": f"{name}@example.com"}] for name in ("ben", "ann")]
    assert [one["id"] for one in found if one] == [ben, apart, change["id"], ann, ben]
    assert counts == [3]
    assert client.ask(query, {"ids": []}) == {"nodes": []}
    (error,) = client.send(query, {"ids": [ann] * 101}).json()["errors"]
    assert error["extensions"]["code"] == "BAD_COUNT"


def test_an_order_finds_its_customer(client: Client) -> None:
    query = "query($n: String!) { order(number: $n) { number customer { emails { value } } } }"
    found = client.ask(query, {"n": " A-1 "})["order"]
    assert found == {"number": "A-1", "customer": {"emails": [{"value": "ann@example.com"}]}}
    for number in ("Z-9", "", "unknown", "x" * 5000):
        assert client.ask(query, {"n": number}) == {"order": None}


def test_entities_are_resolved_in_one_read_of_each_kind(client: Client) -> None:
    # given
    ids = [client.customer(f"email={name}@example.com")["id"] for name in ("ann", "ben")]
    representations = [{"__typename": "Customer", "id": id} for id in ids]
    representations += [{"__typename": "Order", "number": number} for number in ("B-1", "A-1", "Z-9")]
    counts = reads(client)
    # when
    found = client.ask(ENTITIES, {"of": representations})["_entities"]
    # then
    assert [one and one["__typename"] for one in found] == ["Customer", "Customer", "Order", "Order", None]
    assert found[0]["orders"]["nodes"] == [{"number": "A-1"}]
    assert found[2]["customer"]["emails"] == [{"value": "ben@example.com"}]
    assert sorted(counts) == [2, 2]


@pytest.mark.parametrize(
    "bad",
    [
        {},
        {"__typename": "Customer"},
        {"__typename": "Customer", "id": 7},
        {"__typename": "Link", "id": "x"},
        {"__typename": 1},
        "text",
        7,
        [],
    ],
)
def test_a_representation_that_is_none_costs_only_itself(client: Client, bad: object) -> None:
    good = {"__typename": "Order", "number": "A-1"}
    answer = client.send(ENTITIES, {"of": [bad, good]}).json()
    assert answer["data"]["_entities"][0] is None
    assert answer["data"]["_entities"][1]["number"] == "A-1"
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "BAD_REPRESENTATION"
    assert error["path"] == ["_entities", 0]
