"""What customers do, in one timeline with orders and history; theirs at once when a login makes them known."""

import pytest

from tests.builders.clients import Client, order, seen
from tests.builders.operations import REVOKE, UNDO, did, record
from tests.builders.runs import Run
from tests.builders.stores import Fresh

ITEMS = """{ nodes { __typename
  ... on Interaction { type at channel sku text properties source identifier { value } }
  ... on Order { number } ... on Change { kind } } pageInfo { hasNextPage endCursor } }"""


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    return Client(fresh(), run)


def timeline(client: Client, key: str, arguments: str = "first: 100") -> list[str]:
    nodes = client.customer(key, f"timeline({arguments}) {ITEMS}")["timeline"]["nodes"]
    return [one.get("type") or one.get("number") or one["kind"] for one in nodes]


def test_interactions_orders_and_history_are_one_list_newest_first(client: Client) -> None:
    # given
    record(
        client,
        did("product_view", "cookie=ck-1", at="2026-01-01T10:00:00Z", channel="web", sku="sku-1"),
        did("cart", "cookie=ck-1", at="2026-01-01T10:05:00Z", channel="web", sku="sku-1", properties={"n": 2}),
        did("call", "email=ann@example.com", at="2026-01-03T09:00:00Z", channel="phone", text="Where is it?"),
    )
    client.link(seen("cookie=ck-1", "email=ann@example.com", at="2026-01-01T10:06:00Z"))
    client.record(order("A-1", "email=ann@example.com", placedAt="2026-01-01T10:10:00Z"))
    # then
    found = timeline(client, "cookie=ck-1")
    assert [one for one in found if not one.isupper() or one == "A-1"] == ["call", "A-1", "cart", "product_view"]
    assert set(found[: found.index("call")]) <= {"CREATED", "MERGED", "MOVED"}
    # filters
    assert timeline(client, "cookie=ck-1", "kinds: [INTERACTION]") == ["call", "cart", "product_view"]
    assert timeline(client, "cookie=ck-1", 'channels: ["web"]') == ["cart", "product_view"]
    assert timeline(client, "cookie=ck-1", 'until: "2026-01-01T10:05:00Z"') == ["product_view"]
    since = 'since: "2026-01-01T10:05:00Z", kinds: [INTERACTION, ORDER]'
    assert timeline(client, "cookie=ck-1", since) == ["call", "A-1", "cart"]
    # pages
    whole, after = timeline(client, "cookie=ck-1"), "null"
    pieces: list[str] = []
    for _ in whole:
        page = client.customer("cookie=ck-1", f"timeline(first: 1, after: {after}) {ITEMS}")["timeline"]
        pieces += [one.get("type") or one.get("number") or one["kind"] for one in page["nodes"]]
        after = f'"{page["pageInfo"]["endCursor"]}"'
    assert pieces == whole
    assert page["pageInfo"]["hasNextPage"] is False
    cart = client.customer("cookie=ck-1", f"timeline(first: 100) {ITEMS}")["timeline"]["nodes"][found.index("cart")]
    assert cart == {
        "__typename": "Interaction",
        "type": "cart",
        "at": "2026-01-01T10:05:00Z",
        "channel": "web",
        "sku": "sku-1",
        "text": None,
        "properties": {"n": 2},
        "source": "web",
        "identifier": {"value": "ck-1"},
    }


def test_what_an_anonymous_visitor_did_is_theirs_at_once_when_they_log_in(client: Client) -> None:
    # given
    record(client, did("cart", "cookie=ck-7", at="2026-01-01T10:00:00Z"))
    client.link(seen("email=ann@example.com", "login=ann"))
    assert timeline(client, "login=ann", "kinds: [INTERACTION]") == []
    # when
    (login,) = record(client, did("login", "login=ann", "cookie=ck-7", at="2026-01-01T10:01:00Z"))
    # then
    assert timeline(client, "email=ann@example.com", "kinds: [INTERACTION]") == ["login", "cart"]
    assert login["customerId"] == client.customer("cookie=ck-7")["id"]


def test_what_was_done_while_logged_in_stays_when_the_tablet_changes_hands(client: Client) -> None:
    # given
    record(client, did("page_view", "login=ann", "device=tablet-1", at="2026-01-01T10:00:00Z"))
    record(client, did("search", "device=tablet-1", at="2026-01-01T10:01:00Z"))
    assert timeline(client, "login=ann", "kinds: [INTERACTION]") == ["search", "page_view"]
    # when
    record(client, did("cart", "login=ben", "device=tablet-1", at="2026-02-01T10:00:00Z"))
    # then: what hangs on the tablet goes with it, what hangs on the login stays
    assert timeline(client, "login=ann", "kinds: [INTERACTION]") == ["page_view"]
    assert timeline(client, "login=ben", "kinds: [INTERACTION]") == ["cart", "search"]


def test_an_undone_merge_gives_each_their_own_back(client: Client) -> None:
    record(client, did("page_view", "email=ann@example.com", "cookie=ck-a", at="2026-01-01T10:00:00Z"))
    record(client, did("search", "email=ben@example.com", "cookie=ck-b", at="2026-01-02T10:00:00Z"))
    client.link(seen("email=ann@example.com", "email=ben@example.com"))
    assert timeline(client, "cookie=ck-a", "kinds: [INTERACTION]") == ["search", "page_view"]
    history = client.customer("cookie=ck-a", "history { nodes { id kind } }")["history"]["nodes"]
    client.ask(UNDO, {"input": {"change": next(one["id"] for one in history if one["kind"] == "MERGED")}})
    assert timeline(client, "cookie=ck-a", "kinds: [INTERACTION]") == ["page_view"]
    assert timeline(client, "cookie=ck-b", "kinds: [INTERACTION]") == ["search"]


def test_repeats_conflicts_and_revocations(client: Client) -> None:
    one = did("page_view", "cookie=ck-1", at="2026-01-01T10:00:00Z", id="i-1")
    first, again, other = (record(client, sent)[0] for sent in (one, one, one | {"type": "search"}))
    assert (first["repeated"], again["repeated"]) == (False, True)
    assert other["problem"]["code"] == "ID_CONFLICT"
    client.link(seen("cookie=ck-1"))
    client.ask(REVOKE, {"o": [{"source": "web", "id": "i-1"}]})
    assert timeline(client, "cookie=ck-1", "kinds: [INTERACTION]") == []
    assert record(client, one)[0]["standing"] == "REVOKED"
    assert timeline(client, "cookie=ck-1", "kinds: [INTERACTION]") == []


@pytest.mark.parametrize(
    ("values", "code", "path"),
    [
        ({"at": "1970-01-01T00:00:00Z"}, "TOO_OLD", ["at"]),
        ({"at": "2999-01-01T00:00:00Z"}, "IN_THE_FUTURE", ["at"]),
        ({"at": "today"}, "BAD_DATE", ["at"]),
        ({"type": "Page View"}, "BAD_VALUE", ["type"]),
        ({"type": ""}, "BAD_VALUE", ["type"]),
        ({"channel": "c" * 61}, "BAD_LENGTH", ["channel"]),
        ({"sku": "p" * 101}, "BAD_LENGTH", ["sku"]),
        ({"text": "t" * 5001}, "BAD_LENGTH", ["text"]),
        ({"text": "a\x00b"}, "BAD_TEXT", ["text"]),
        ({"properties": {"big": "x" * 1_000_000}}, "BAD_LENGTH", ["properties"]),
        ({"properties": {"nul": "a\x00b"}}, "BAD_TEXT", ["properties"]),
        ({"properties": [1]}, "BAD_VALUE", ["properties"]),
        ({"identifiers": []}, "BAD_COUNT", ["identifiers"]),
        ({"id": "i" * 201}, "BAD_LENGTH", ["id"]),
    ],
)
def test_a_bad_interaction_costs_only_itself(client: Client, values: dict, code: str, path: list) -> None:
    good = did("page_view", "cookie=ck-1", at="2026-01-01T10:00:00Z")
    refused, taken = record(client, good | values, good)
    assert (refused["problem"]["code"], refused["problem"]["path"]) == (code, path)
    assert taken["standing"] == "VALID"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("first: 101", "BAD_PAGE_SIZE"),
        ('after: "nonsense"', "BAD_CURSOR"),
        ('after: "WzEsOSwiYSJd"', "BAD_CURSOR"),
        ('since: "never"', "BAD_DATE"),
        ("channels: [" + '"x" ' * 101 + "]", "BAD_COUNT"),
    ],
)
def test_a_bad_question_is_told_so(client: Client, arguments: str, code: str) -> None:
    client.link(seen("cookie=ck-1"))
    by = 'by: {identifier: {namespace: "cookie", value: "ck-1"}}'
    query = f"{{ customer({by}) {{ timeline({arguments}) {ITEMS} }} }}"
    (error,) = client.send(query).json()["errors"]
    assert error["extensions"]["code"] == code
