"""Nodes by id, orders by number, and the entities that gateways request: each list in one read."""

import pytest

from tests.builders.clients import Client, order
from tests.builders.operations import set_override
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
    """The number of customers that each read of the store requests from now on."""
    counts: list[int] = []
    read = client.graph._store.customers

    async def counted(refs, selection):
        counts.append(len(refs))
        return await read(refs, selection)

    client.graph._store.customers = counted
    return counts


def test_nodes_returns_all_types_in_order_and_reads_customers_once(client: Client) -> None:
    # given
    ann, ben = (client.customer(f"email={name}@example.com")["id"] for name in ("ann", "ben"))
    apart = set_override(client, "keepApart", "email=ann@example.com", "email=ben@example.com")["override"]["id"]
    (change, *_) = client.ask("{ changes(first: 1) { nodes { id } } }")["changes"]["nodes"]
    counts = reads(client)
    # when
    ids = [ben, "nobody", apart, change["id"], ann, "chg_999999", "chg_x", "ovr_none", ben]
    query = """query($ids: [ID!]!) { nodes(ids: $ids) { __typename id
        ... on Customer { emails { value } } ... on Override { kind } } }"""
    nodes = client.ask(query, {"ids": ids})["nodes"]
    # then
    assert [node and node["__typename"] for node in nodes] == [
        "Customer", None, "Override", "Change", "Customer", None, None, None, "Customer",
    ]  # fmt: skip
    assert [nodes[0]["emails"], nodes[4]["emails"]] == [[{"value": f"{name}@example.com"}] for name in ("ben", "ann")]
    assert [node["id"] for node in nodes if node] == [ben, apart, change["id"], ann, ben]
    assert counts == [3]
    assert client.ask(query, {"ids": []}) == {"nodes": []}
    (error,) = client.send(query, {"ids": [ann] * 101}).json()["errors"]
    assert error["extensions"]["code"] == "INVALID_COUNT"


def test_an_order_returns_its_customer(client: Client) -> None:
    query = "query($n: String!) { order(number: $n) { number customer { emails { value } } } }"
    data = client.ask(query, {"n": " A-1 "})
    assert data["order"] == {"number": "A-1", "customer": {"emails": [{"value": "ann@example.com"}]}}
    for number in ("Z-9", "", "unknown", "x" * 5000):
        assert client.ask(query, {"n": number}) == {"order": None}


def test_entities_are_resolved_in_one_read_per_type(client: Client) -> None:
    # given
    ids = [client.customer(f"email={name}@example.com")["id"] for name in ("ann", "ben")]
    representations = [{"__typename": "Customer", "id": id} for id in ids]
    representations += [{"__typename": "Order", "number": number} for number in ("B-1", "A-1", "Z-9")]
    counts = reads(client)
    # when
    entities = client.ask(ENTITIES, {"of": representations})["_entities"]
    # then
    assert [entity and entity["__typename"] for entity in entities] == ["Customer", "Customer", "Order", "Order", None]
    assert entities[0]["orders"]["nodes"] == [{"number": "A-1"}]
    assert entities[2]["customer"]["emails"] == [{"value": "ben@example.com"}]
    assert sorted(counts) == [2, 2]


@pytest.mark.parametrize(
    "invalid",
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
def test_an_invalid_representation_does_not_affect_others(client: Client, invalid: object) -> None:
    valid = {"__typename": "Order", "number": "A-1"}
    body = client.send(ENTITIES, {"of": [invalid, valid]}).json()
    assert body["data"]["_entities"][0] is None
    assert body["data"]["_entities"][1]["number"] == "A-1"
    (error,) = body["errors"]
    assert error["extensions"]["code"] == "INVALID_REPRESENTATION"
    assert error["path"] == ["_entities", 0]
