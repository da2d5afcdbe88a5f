"""Interactions, orders and identity changes in one timeline; a login adds those of an anonymous visitor."""

from typing import Any

import pytest

from tests.builders.clients import Client, order, seen
from tests.builders.operations import REVOKE, UNDO, interaction, record
from tests.builders.runs import Run
from tests.builders.stores import Fresh

ITEMS = """{ nodes { __typename
  ... on Interaction { type occurredAt channel sku text properties source identifier { value } }
  ... on Order { number } ... on Change { kind } } pageInfo { hasNextPage endCursor } }"""


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    return Client(fresh(), run)


def timeline(client: Client, key: str, arguments: str = "first: 100") -> list[str]:
    nodes = client.customer(key, f"timeline({arguments}) {ITEMS}")["timeline"]["nodes"]
    return [name_of(node) for node in nodes]


def name_of(node: dict[str, Any]) -> str:
    """The type of an interaction, the number of an order or the kind of a change."""
    return node.get("type") or node.get("number") or node["kind"]


def test_interactions_orders_and_history_are_one_list_newest_first(client: Client) -> None:
    # given
    record(
        client,
        interaction("product_viewed", "cookie=ck-1", at="2026-01-01T10:00:00Z", channel="web", sku="sku-1"),
        interaction(
            "product_added", "cookie=ck-1", at="2026-01-01T10:05:00Z", channel="web", sku="sku-1", properties={"n": 2}
        ),
        interaction("call", "email=ann@example.com", at="2026-01-03T09:00:00Z", channel="phone", text="Where is it?"),
    )
    client.link(seen("cookie=ck-1", "email=ann@example.com", at="2026-01-01T10:06:00Z"))
    client.record(order("A-1", "email=ann@example.com", placedAt="2026-01-01T10:10:00Z"))
    # then
    names = timeline(client, "cookie=ck-1")
    assert [name for name in names if not name.isupper() or name == "A-1"] == [
        "call",
        "A-1",
        "product_added",
        "product_viewed",
    ]
    assert set(names[: names.index("call")]) <= {"CUSTOMER_CREATED", "CUSTOMERS_MERGED", "IDENTIFIERS_MOVED"}
    # filters
    assert timeline(client, "cookie=ck-1", "kinds: [INTERACTION]") == ["call", "product_added", "product_viewed"]
    assert timeline(client, "cookie=ck-1", 'channels: ["web"]') == ["product_added", "product_viewed"]
    assert timeline(client, "cookie=ck-1", 'until: "2026-01-01T10:05:00Z"') == ["product_viewed"]
    since = 'since: "2026-01-01T10:05:00Z", kinds: [INTERACTION, ORDER]'
    assert timeline(client, "cookie=ck-1", since) == ["call", "A-1", "product_added"]
    # pages
    after = "null"
    paged: list[str] = []
    for _ in names:
        page = client.customer("cookie=ck-1", f"timeline(first: 1, after: {after}) {ITEMS}")["timeline"]
        paged += [name_of(node) for node in page["nodes"]]
        after = f'"{page["pageInfo"]["endCursor"]}"'
    assert paged == names
    assert page["pageInfo"]["hasNextPage"] is False
    nodes = client.customer("cookie=ck-1", f"timeline(first: 100) {ITEMS}")["timeline"]["nodes"]
    assert nodes[names.index("product_added")] == {
        "__typename": "Interaction",
        "type": "product_added",
        "occurredAt": "2026-01-01T10:05:00Z",
        "channel": "web",
        "sku": "sku-1",
        "text": None,
        "properties": {"n": 2},
        "source": "web",
        "identifier": {"value": "ck-1"},
    }


def test_interactions_of_an_anonymous_visitor_belong_to_the_customer_after_a_login(client: Client) -> None:
    # given
    record(client, interaction("product_added", "cookie=ck-7", at="2026-01-01T10:00:00Z"))
    client.link(seen("email=ann@example.com", "login=ann"))
    assert timeline(client, "login=ann", "kinds: [INTERACTION]") == []
    # when
    (login,) = record(client, interaction("login", "login=ann", "cookie=ck-7", at="2026-01-01T10:01:00Z"))
    # then
    assert timeline(client, "email=ann@example.com", "kinds: [INTERACTION]") == ["login", "product_added"]
    assert login["customerId"] == client.customer("cookie=ck-7")["id"]


def test_interactions_of_a_login_stay_when_the_tablet_changes_hands(client: Client) -> None:
    # given
    record(client, interaction("page_viewed", "login=ann", "device=tablet-1", at="2026-01-01T10:00:00Z"))
    record(client, interaction("search", "device=tablet-1", at="2026-01-01T10:01:00Z"))
    assert timeline(client, "login=ann", "kinds: [INTERACTION]") == ["search", "page_viewed"]
    # when
    record(client, interaction("product_added", "login=ben", "device=tablet-1", at="2026-02-01T10:00:00Z"))
    # then: facts attached to the tablet move with it, those attached to the login stay
    assert timeline(client, "login=ann", "kinds: [INTERACTION]") == ["page_viewed"]
    assert timeline(client, "login=ben", "kinds: [INTERACTION]") == ["product_added", "search"]


def test_an_undone_merge_separates_the_timelines_again(client: Client) -> None:
    record(client, interaction("page_viewed", "email=ann@example.com", "cookie=ck-a", at="2026-01-01T10:00:00Z"))
    record(client, interaction("search", "email=ben@example.com", "cookie=ck-b", at="2026-01-02T10:00:00Z"))
    client.link(seen("email=ann@example.com", "email=ben@example.com"))
    assert timeline(client, "cookie=ck-a", "kinds: [INTERACTION]") == ["search", "page_viewed"]
    history = client.customer("cookie=ck-a", "history { nodes { id kind } }")["history"]["nodes"]
    merge = next(change["id"] for change in history if change["kind"] == "CUSTOMERS_MERGED")
    client.ask(UNDO, {"input": {"changeId": merge}})
    assert timeline(client, "cookie=ck-a", "kinds: [INTERACTION]") == ["page_viewed"]
    assert timeline(client, "cookie=ck-b", "kinds: [INTERACTION]") == ["search"]


def test_duplicates_conflicts_and_revocations(client: Client) -> None:
    view = interaction("page_viewed", "cookie=ck-1", at="2026-01-01T10:00:00Z", id="i-1")
    first, again, conflict = (record(client, sent)[0] for sent in (view, view, view | {"type": "search"}))
    assert (first["duplicate"], again["duplicate"]) == (False, True)
    assert conflict["problem"]["code"] == "ID_CONFLICT"
    client.link(seen("cookie=ck-1"))
    client.ask(REVOKE, {"o": [{"source": "web", "id": "i-1"}]})
    assert timeline(client, "cookie=ck-1", "kinds: [INTERACTION]") == []
    assert record(client, view)[0]["status"] == "REVOKED"
    assert timeline(client, "cookie=ck-1", "kinds: [INTERACTION]") == []


@pytest.mark.parametrize(
    ("values", "code", "path"),
    [
        ({"occurredAt": "1970-01-01T00:00:00Z"}, "TIMESTAMP_TOO_OLD", ["occurredAt"]),
        ({"occurredAt": "2999-01-01T00:00:00Z"}, "TIMESTAMP_IN_FUTURE", ["occurredAt"]),
        ({"occurredAt": "today"}, "INVALID_TIMESTAMP", ["occurredAt"]),
        ({"type": "Page View"}, "INVALID_VALUE", ["type"]),
        ({"type": ""}, "INVALID_VALUE", ["type"]),
        ({"channel": "c" * 61}, "INVALID_LENGTH", ["channel"]),
        ({"sku": "p" * 101}, "INVALID_LENGTH", ["sku"]),
        ({"text": "t" * 5001}, "INVALID_LENGTH", ["text"]),
        ({"text": "a\x00b"}, "INVALID_CHARACTER", ["text"]),
        ({"properties": {"big": "x" * 1_000_000}}, "INVALID_LENGTH", ["properties"]),
        ({"properties": {"big": "x" * 32_759}}, "INVALID_LENGTH", ["properties"]),
        ({"properties": {"nul": "a\x00b"}}, "INVALID_CHARACTER", ["properties"]),
        ({"properties": [1]}, "INVALID_VALUE", ["properties"]),
        ({"identifiers": []}, "INVALID_COUNT", ["identifiers"]),
        ({"id": "i" * 201}, "INVALID_LENGTH", ["id"]),
    ],
)
def test_an_invalid_interaction_is_rejected_alone(client: Client, values: dict, code: str, path: list) -> None:
    valid = interaction("page_viewed", "cookie=ck-1", at="2026-01-01T10:00:00Z")
    rejected, accepted = record(client, valid | values, valid)
    assert (rejected["problem"]["code"], rejected["problem"]["path"]) == (code, path)
    assert accepted["status"] == "VALID"


def test_a_timeline_is_filtered_by_properties_and_shows_them_by_name(client: Client) -> None:
    # given
    at = "2026-01-0{}T10:00:00Z".format
    record(
        client,
        interaction("page_viewed", "cookie=ck-1", at=at(1), properties={"utm_source": "Google", "screen_width": 390}),
        interaction("product_viewed", "cookie=ck-1", at=at(2), properties={"utm_source": "bing", "screen_width": 1920}),
        interaction("review", "cookie=ck-1", at=at(3), properties={"rating": 4}),
        interaction("call", "cookie=ck-1", at=at(4)),
    )
    # then
    for condition, expected in (
        ('{name: "utm_source", in: ["google", "duckduckgo"]}', ["page_viewed"]),
        ('{name: "utm_source", exists: true}, {name: "screen_width", min: 1000}', ["product_viewed"]),
        ('{name: "utm_source", exists: false}', ["call", "review"]),
        ('{name: "rating", min: 4, max: 4}', ["review"]),
        ('{name: "rating", min: 4.5}', []),
    ):
        assert timeline(client, "cookie=ck-1", f"properties: [{condition}]") == expected
    assert timeline(client, "cookie=ck-1", 'types: ["call"], properties: [{name: "rating", exists: false}]') == ["call"]
    # and in a document with variables that runs compiled
    query = """query($p: [PropertyCondition!]) { customer(by: {identifier: {namespace: "cookie", value: "ck-1"}}) {
      timeline(properties: $p, first: 1) { nodes { ... on Interaction { rating: property(name: "rating") } } } } }"""
    for _ in range(3):
        data = client.ask(query, {"p": [{"name": "rating", "in": ["4"]}]})
        assert data["customer"]["timeline"]["nodes"] == [{"rating": 4}]


def test_properties_may_be_as_large_as_the_event_of_an_sdk(client: Client) -> None:
    # given: 32,768 characters as JSON without spaces, of which many take two bytes
    properties = {"tags": ["é"] * 8_000, "big": "x" * 749}
    # when
    (accepted,) = record(
        client, interaction("page_viewed", "cookie=ck-1", at="2026-01-01T10:00:00Z", properties=properties)
    )
    # then
    assert accepted["status"] == "VALID"
    (node,) = client.customer("cookie=ck-1", f"timeline(kinds: [INTERACTION]) {ITEMS}")["timeline"]["nodes"]
    assert node["properties"] == properties


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("first: 101", "INVALID_PAGE_SIZE"),
        ('after: "nonsense"', "INVALID_CURSOR"),
        ('after: "WzEsOSwiYSJd"', "INVALID_CURSOR"),
        ('since: "never"', "INVALID_TIMESTAMP"),
        ("channels: [" + '"x" ' * 101 + "]", "INVALID_COUNT"),
        ("properties: []", "INVALID_COUNT"),
        ('properties: [{name: "a"}]', "INVALID_VALUE"),
        ('properties: [{name: "a", min: 1e15}]', "INVALID_VALUE"),
    ],
)
def test_an_invalid_argument_is_an_error(client: Client, arguments: str, code: str) -> None:
    client.link(seen("cookie=ck-1"))
    by = 'by: {identifier: {namespace: "cookie", value: "ck-1"}}'
    query = f"{{ customer({by}) {{ timeline({arguments}) {ITEMS} }} }}"
    (error,) = client.send(query).json()["errors"]
    assert error["extensions"]["code"] == code
