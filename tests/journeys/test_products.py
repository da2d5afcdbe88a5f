"""Products: a late product describes earlier order lines; favorites, and products viewed but not purchased."""

from typing import Any

import pytest

from tests.builders.clients import Client, order
from tests.builders.operations import interaction, record
from tests.builders.runs import Run
from tests.builders.stores import Fresh

PRODUCTS = """mutation($input: RecordProductsInput!) { recordProducts(input: $input) { results { __typename
  ... on ProductAccepted { sku isCurrent } ... on Rejected { problem { code message path } } } errors { code } } }"""


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    return Client(fresh(), run)


def product(sku: str, **more: Any) -> dict[str, Any]:
    return {"sku": sku, "name": sku.upper(), "source": "pim", "reportedAt": "2026-01-01T00:00:00Z", **more}


def describe(client: Client, *products: dict[str, Any]) -> list[dict[str, Any]]:
    return client.ask(PRODUCTS, {"input": {"products": products}})["recordProducts"]["results"]


def order_of(client: Client, number: str, *skus: str, **more: Any) -> None:
    lines = [{"sku": sku, "quantity": "1", "total": "5"} for sku in skus]
    client.record(order(number, "email=ann@example.com", lines=lines, **more))


def test_a_late_product_describes_earlier_lines_and_interactions(client: Client) -> None:
    # given
    order_of(client, "A-1", "shoe")
    record(client, interaction("product_viewed", "email=ann@example.com", at="2026-01-01T10:00:00Z", sku="shoe"))
    fields = """orders { nodes { lines { sku name product { name brand categories source } } } }
      timeline(kinds: [INTERACTION]) { nodes { ... on Interaction { sku product { name } } } }"""
    before = client.customer("email=ann@example.com", fields)
    assert before["orders"]["nodes"][0]["lines"] == [{"sku": "shoe", "name": None, "product": None}]
    # when
    describe(client, product("shoe", name="Shoe", brand="Walk", categories=["shoes", "summer"]))
    # then
    after = client.customer("email=ann@example.com", fields)
    shoe = {"name": "Shoe", "brand": "Walk", "categories": ["shoes", "summer"], "source": "pim"}
    assert after["orders"]["nodes"][0]["lines"] == [{"sku": "shoe", "name": None, "product": shoe}]
    assert after["timeline"]["nodes"] == [{"sku": "shoe", "product": {"name": "Shoe"}}]
    assert client.ask('{ product(sku: "shoe") { name } none: product(sku: "nope") { name } }') == {
        "product": {"name": "Shoe"},
        "none": None,
    }


DETAILS = """brand categories description url images price { amount currency } salePrice { amount currency } gtin
  availability attributes"""


def test_a_product_has_what_a_shop_knows_of_it(client: Client) -> None:
    # given
    details = {
        "brand": "Walk",
        "categories": ["Clothing > Shoes", "summer"],
        "description": "Light.\nAnd fast.",
        "url": "https://shop.example/shoe",
        "images": ["https://shop.example/shoe.jpg", "http://shop.example/back.jpg"],
        "price": {"amount": "89.90", "currency": "EUR"},
        "salePrice": {"amount": "59.00", "currency": "EUR"},
        "gtin": "4006381333931",
        "availability": "IN_STOCK",
        "attributes": {"size": 42, "weight": 0.25, "color": ["red", "blue"], "vegan": True, "material": "mesh"},
    }
    # when
    describe(client, product("shoe", **details), product("hat"))
    # then
    assert client.ask(f'{{ product(sku: "shoe") {{ {DETAILS} }} }}')["product"] == details
    nothing = dict.fromkeys(details) | {"categories": [], "images": []}
    assert client.ask(f'{{ product(sku: "hat") {{ {DETAILS} }} }}')["product"] == nothing
    # when the next report does not state them
    describe(client, product("shoe", reportedAt="2026-02-01T00:00:00Z"))
    # then
    assert client.ask(f'{{ product(sku: "shoe") {{ {DETAILS} }} }}')["product"] == nothing


def test_what_has_no_value_is_not_stated_and_is_written_in_one_way(client: Client) -> None:
    # given
    sent = {
        "categories": ["Clothing>Shoes", "Clothing  >  Shoes", "> 50 EUR"],
        "price": {"amount": 5, "currency": " eur"},
        "attributes": {"size": None, "color": "", "fits": [], "stock": 0, "new": False},
    }
    # when
    describe(client, product("shoe", **sent))
    # then
    assert client.ask('{ product(sku: "shoe") { categories price { amount currency } attributes } }')["product"] == {
        "categories": ["Clothing > Shoes", "> 50 EUR"],
        "price": {"amount": "5.00", "currency": "EUR"},
        "attributes": {"stock": 0, "new": False},
    }


def test_an_order_of_a_category_is_one_of_the_categories_above_it(client: Client) -> None:
    # given
    describe(client, product("shoe", categories=["Clothing > Shoes"]), product("hat", categories=["Clothing > Hats"]))
    order_of(client, "A-1", "shoe", "hat")
    order_of(client, "A-2", "hat")
    # when
    customer = client.customer("email=ann@example.com", "favorites { categories { name orderCount } }")
    # then
    assert customer["favorites"]["categories"] == [
        {"name": "Clothing", "orderCount": 2},
        {"name": "Clothing > Hats", "orderCount": 2},
        {"name": "Clothing > Shoes", "orderCount": 1},
    ]


def test_the_newest_description_is_current_whichever_is_recorded_first(client: Client) -> None:
    def name() -> str:
        return client.ask('{ product(sku: "s") { name } }')["product"]["name"]

    def are_current(*products: dict[str, Any]) -> list[bool]:
        return [result["isCurrent"] for result in describe(client, *products)]

    assert are_current(product("s", name="B", reportedAt="2026-02-01T00:00:00Z")) == [True]
    assert are_current(product("s", name="A")) == [False]
    assert name() == "B"
    # at the same time: the source that is first by name, and the same product again
    later = {"reportedAt": "2026-03-01T00:00:00Z"}
    for source, is_current in (("m", True), ("z", False), ("a", True), ("a", True)):
        assert are_current(product("s", name=source, source=source, **later)) == [is_current]
    assert name() == "a"
    batch = product("t", name="old"), product("t", name="new", **later), product("t", name="older")
    assert are_current(*batch) == [False, True, False]
    assert client.ask('{ product(sku: "t") { name } }')["product"]["name"] == "new"


def test_favorites_and_products_viewed_but_not_purchased(client: Client) -> None:
    # given
    describe(
        client,
        product("shoe", brand="Walk", categories=["shoes"]),
        product("boot", brand="Walk", categories=["shoes", "winter"]),
        product("hat", brand="Head", categories=["winter"]),
    )
    order_of(client, "A-1", "shoe", placedAt="2026-01-01T00:00:00Z")
    order_of(client, "A-2", "boot", "unknown", placedAt="2026-02-01T00:00:00Z")
    order_of(client, "A-3", "hat", placedAt="2026-03-01T00:00:00Z", status="RETURNED")
    for hour, (type, sku) in enumerate(
        [
            ("product_viewed", "hat"),
            ("product_viewed", "shoe"),
            ("product_added", "hat"),
            ("product_viewed", "scarf"),
            ("search", "x"),
        ]
    ):
        record(client, interaction(type, "email=ann@example.com", at=f"2026-01-01T1{hour}:00:00Z", sku=sku))
    # when
    customer = client.customer(
        "email=ann@example.com",
        """favorites { categories { name orderCount lastOrderedAt } brands { name orderCount } }
          viewedNotPurchased { sku lastViewedAt addedToCart product { name } }
          newest: viewedNotPurchased(first: 1) { sku }""",
    )
    # then
    assert customer["favorites"]["categories"] == [
        {"name": "shoes", "orderCount": 2, "lastOrderedAt": "2026-02-01T00:00:00Z"},
        {"name": "winter", "orderCount": 1, "lastOrderedAt": "2026-02-01T00:00:00Z"},
    ]
    assert customer["favorites"]["brands"] == [{"name": "Walk", "orderCount": 2}]
    assert customer["viewedNotPurchased"] == [
        {"sku": "scarf", "lastViewedAt": "2026-01-01T13:00:00Z", "addedToCart": False, "product": None},
        {"sku": "hat", "lastViewedAt": "2026-01-01T12:00:00Z", "addedToCart": True, "product": {"name": "HAT"}},
    ]
    assert customer["newest"] == [{"sku": "scarf"}]


@pytest.mark.parametrize(
    ("values", "code", "path"),
    [
        ({"sku": ""}, "INVALID_LENGTH", ["sku"]),
        ({"name": ""}, "INVALID_LENGTH", ["name"]),
        ({"source": "s" * 101}, "INVALID_LENGTH", ["source"]),
        ({"brand": "b" * 201}, "INVALID_LENGTH", ["brand"]),
        ({"categories": ["c", *(f"c{n}" for n in range(20))]}, "INVALID_COUNT", ["categories"]),
        ({"categories": ["ok", ""]}, "INVALID_LENGTH", ["categories", "1"]),
        ({"description": "d" * 5001}, "INVALID_LENGTH", ["description"]),
        ({"url": "shop.example/shoe"}, "INVALID_VALUE", ["url"]),
        ({"url": "https://[shop/shoe"}, "INVALID_VALUE", ["url"]),
        ({"images": [f"https://shop.example/{n}" for n in range(51)]}, "INVALID_COUNT", ["images"]),
        ({"images": ["https://shop.example/1", "javascript:alert(1)"]}, "INVALID_VALUE", ["images", "1"]),
        ({"price": {"amount": "5", "currency": "EURO"}}, "UNKNOWN_CURRENCY", ["price", "currency"]),
        ({"price": {"amount": "-5", "currency": "EUR"}}, "NEGATIVE_AMOUNT", ["price", "amount"]),
        ({"salePrice": {"amount": "much", "currency": "EUR"}}, "INVALID_AMOUNT", ["salePrice", "amount"]),
        ({"gtin": "4006381333932"}, "INVALID_VALUE", ["gtin"]),
        ({"gtin": "400638133393"}, "INVALID_VALUE", ["gtin"]),
        ({"gtin": "400-638133393"}, "INVALID_VALUE", ["gtin"]),
        ({"attributes": ["M"]}, "INVALID_VALUE", ["attributes"]),
        ({"attributes": {f"a{n}": n for n in range(101)}}, "INVALID_COUNT", ["attributes"]),
        ({"attributes": {"": "M"}}, "INVALID_LENGTH", ["attributes", ""]),
        ({"attributes": {"size": "M" * 1001}}, "INVALID_LENGTH", ["attributes", "size"]),
        ({"attributes": {"size": {"eu": 42}}}, "INVALID_VALUE", ["attributes", "size"]),
        ({"attributes": {"size": ["M", 42]}}, "INVALID_VALUE", ["attributes", "size"]),
        ({"attributes": {"size": ["M"] * 51}}, "INVALID_COUNT", ["attributes", "size"]),
        ({"attributes": {"size": 10**20}}, "INVALID_VALUE", ["attributes", "size"]),
        ({"reportedAt": "soon"}, "INVALID_TIMESTAMP", ["reportedAt"]),
        ({"reportedAt": "2999-01-01T00:00:00Z"}, "TIMESTAMP_IN_FUTURE", ["reportedAt"]),
    ],
)
def test_an_invalid_product_is_rejected_alone(client: Client, values: dict, code: str, path: list) -> None:
    rejected, accepted = describe(client, product("invalid") | values, product("valid"))
    assert (rejected["problem"]["code"], rejected["problem"]["path"]) == (code, path)
    assert accepted == {"__typename": "ProductAccepted", "sku": "valid", "isCurrent": True}


@pytest.mark.parametrize("count", [0, 1001])
def test_too_many_products_are_rejected_as_a_whole(client: Client, count: int) -> None:
    answer = client.ask(PRODUCTS, {"input": {"products": [product("s")] * count}})["recordProducts"]
    assert answer == {"results": [], "errors": [{"code": "INVALID_COUNT"}]}
