"""Products from a PIM: late ones fill in earlier lines; what customers buy, and what they look at and do not buy."""

from typing import Any

import pytest

from tests.builders.clients import Client, order
from tests.builders.operations import did, record
from tests.builders.runs import Run
from tests.builders.stores import Fresh

PRODUCTS = """mutation($input: RecordProductsInput!) { recordProducts(input: $input) { results { __typename
  ... on ProductAccepted { sku counts } ... on Refused { problem { code message path } } } errors { code } } }"""


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    return Client(fresh(), run)


def product(sku: str, **more: Any) -> dict[str, Any]:
    return {"sku": sku, "name": sku.upper(), "source": "pim", "statedAt": "2026-01-01T00:00:00Z", **more}


def describe(client: Client, *products: dict[str, Any]) -> list[dict[str, Any]]:
    return client.ask(PRODUCTS, {"input": {"products": products}})["recordProducts"]["results"]


def bought(client: Client, number: str, *skus: str, **more: Any) -> None:
    lines = [{"sku": sku, "quantity": "1", "total": "5"} for sku in skus]
    client.record(order(number, "email=ann@example.com", lines=lines, **more))


def test_a_late_product_fills_in_earlier_lines_and_interactions(client: Client) -> None:
    # given
    bought(client, "A-1", "shoe")
    record(client, did("product_view", "email=ann@example.com", at="2026-01-01T10:00:00Z", sku="shoe"))
    fields = """orders { nodes { lines { sku name product { name brand categories source } } } }
      timeline(kinds: [INTERACTION]) { nodes { ... on Interaction { sku product { name } } } }"""
    before = client.customer("email=ann@example.com", fields)
    assert before["orders"]["nodes"][0]["lines"] == [{"sku": "shoe", "name": None, "product": None}]
    # when
    describe(client, product("shoe", name="Shoe", brand="Walk", categories=["shoes", "summer"]))
    # then
    after = client.customer("email=ann@example.com", fields)
    described = {"name": "Shoe", "brand": "Walk", "categories": ["shoes", "summer"], "source": "pim"}
    assert after["orders"]["nodes"][0]["lines"] == [{"sku": "shoe", "name": None, "product": described}]
    assert after["timeline"]["nodes"] == [{"sku": "shoe", "product": {"name": "Shoe"}}]
    assert client.ask('{ product(sku: "shoe") { name } none: product(sku: "nope") { name } }') == {
        "product": {"name": "Shoe"},
        "none": None,
    }


def test_the_newest_description_counts_whichever_comes_first(client: Client) -> None:
    def name() -> str:
        return client.ask('{ product(sku: "s") { name } }')["product"]["name"]

    assert [one["counts"] for one in describe(client, product("s", name="B", statedAt="2026-02-01T00:00:00Z"))] == [
        True
    ]
    assert [one["counts"] for one in describe(client, product("s", name="A"))] == [False]
    assert name() == "B"
    # of the same time the smaller source, and the same one again
    later = {"statedAt": "2026-03-01T00:00:00Z"}
    for source, counts in (("m", True), ("z", False), ("a", True), ("a", True)):
        assert [one["counts"] for one in describe(client, product("s", name=source, source=source, **later))] == [
            counts
        ]
    assert name() == "a"
    both = describe(client, product("t", name="old"), product("t", name="new", **later), product("t", name="older"))
    assert [one["counts"] for one in both] == [False, True, False]
    assert client.ask('{ product(sku: "t") { name } }')["product"]["name"] == "new"


def test_favourites_and_what_was_viewed_and_not_bought(client: Client) -> None:
    # given
    describe(
        client,
        product("shoe", brand="Walk", categories=["shoes"]),
        product("boot", brand="Walk", categories=["shoes", "winter"]),
        product("hat", brand="Head", categories=["winter"]),
    )
    bought(client, "A-1", "shoe", placedAt="2026-01-01T00:00:00Z")
    bought(client, "A-2", "boot", "unknown", placedAt="2026-02-01T00:00:00Z")
    bought(client, "A-3", "hat", placedAt="2026-03-01T00:00:00Z", status="RETURNED")
    for hour, (type, sku) in enumerate(
        [("product_view", "hat"), ("product_view", "shoe"), ("cart", "hat"), ("product_view", "gone"), ("search", "x")]
    ):
        record(client, did(type, "email=ann@example.com", at=f"2026-01-01T1{hour}:00:00Z", sku=sku))
    # when
    found = client.customer(
        "email=ann@example.com",
        """favourites { categories { name orders lastAt } brands { name orders } }
          viewedNotBought { sku lastAt inCart product { name } } one: viewedNotBought(first: 1) { sku }""",
    )
    # then
    assert found["favourites"]["categories"] == [
        {"name": "shoes", "orders": 2, "lastAt": "2026-02-01T00:00:00Z"},
        {"name": "winter", "orders": 1, "lastAt": "2026-02-01T00:00:00Z"},
    ]
    assert found["favourites"]["brands"] == [{"name": "Walk", "orders": 2}]
    assert found["viewedNotBought"] == [
        {"sku": "gone", "lastAt": "2026-01-01T13:00:00Z", "inCart": False, "product": None},
        {"sku": "hat", "lastAt": "2026-01-01T12:00:00Z", "inCart": True, "product": {"name": "HAT"}},
    ]
    assert found["one"] == [{"sku": "gone"}]


@pytest.mark.parametrize(
    ("values", "code", "path"),
    [
        ({"sku": ""}, "BAD_LENGTH", ["sku"]),
        ({"name": ""}, "BAD_LENGTH", ["name"]),
        ({"source": "s" * 101}, "BAD_LENGTH", ["source"]),
        ({"brand": "b" * 201}, "BAD_LENGTH", ["brand"]),
        ({"categories": ["c"] * 1 + [f"c{n}" for n in range(20)]}, "BAD_COUNT", ["categories"]),
        ({"categories": ["ok", ""]}, "BAD_LENGTH", ["categories", 1]),
        ({"statedAt": "soon"}, "BAD_DATE", ["statedAt"]),
        ({"statedAt": "2999-01-01T00:00:00Z"}, "IN_THE_FUTURE", ["statedAt"]),
    ],
)
def test_a_bad_product_costs_only_itself(client: Client, values: dict, code: str, path: list) -> None:
    refused, taken = describe(client, product("bad") | values, product("good"))
    assert (refused["problem"]["code"], refused["problem"]["path"]) == (code, path)
    assert taken == {"__typename": "ProductAccepted", "sku": "good", "counts": True}


@pytest.mark.parametrize("count", [0, 1001])
def test_too_many_products_are_refused_whole(client: Client, count: int) -> None:
    answer = client.ask(PRODUCTS, {"input": {"products": [product("s")] * count}})["recordProducts"]
    assert answer == {"results": [], "errors": [{"code": "BAD_COUNT"}]}
