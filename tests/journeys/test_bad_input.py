"""Bad input, field by field: a clear error that names field and value, and nothing lost beside it."""

from typing import Any

import pytest

from tests.builders.clients import LINK, RECORD, Client, order, seen
from tests.builders.runs import Run
from tests.builders.stores import Fresh


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    return Client(fresh(), run)


GOOD = seen("email=good@example.com", "cookie=good-cookie")


@pytest.mark.parametrize(
    ("bad", "code", "path", "names"),
    [
        (seen("emaill=a@example.com"), "UNKNOWN_NAMESPACE", ["identifiers", 0, "namespace"], "emaill"),
        (seen("email="), "NOTHING_LEFT", ["identifiers"], "is empty"),
        (seen("email=unknown"), "NOTHING_LEFT", ["identifiers"], "'unknown' is a placeholder"),
        (seen("email=" + "x" * 2000), "NOTHING_LEFT", ["identifiers"], "2000 characters"),
        (seen("email=nobody"), "NOTHING_LEFT", ["identifiers"], "'nobody' is not an e-mail address"),
        (seen("phone=call me"), "NOTHING_LEFT", ["identifiers"], "'call me' is not a phone number"),
        (seen("email=a@example.com", at="2026-02-30T00:00:00Z"), "BAD_DATE", ["seenAt"], "2026-02-30"),
        (seen("email=a@example.com", at="last week"), "BAD_DATE", ["seenAt"], "last week"),
        (seen("email=a@example.com", at="2999-01-01T00:00:00Z"), "IN_THE_FUTURE", ["seenAt"], "seconds ahead"),
        (seen("email=a@example.com", confidence=1.5), "BAD_CONFIDENCE", ["confidence"], "1.5"),
        (seen("email=a@example.com", confidence=-0.1), "BAD_CONFIDENCE", ["confidence"], "-0.1"),
        (seen("email=a@example.com", source=""), "BAD_LENGTH", ["source"], "0 characters"),
        (seen("email=a@example.com", source="s" * 101), "BAD_LENGTH", ["source"], "101 characters"),
        (seen("email=a@example.com", source="a\x00b"), "BAD_TEXT", ["source"], "source"),
        (seen("email=a@example.com", id=""), "BAD_LENGTH", ["id"], "0 characters"),
        (seen("email=a@example.com", id="i" * 201), "BAD_LENGTH", ["id"], "201 characters"),
        (seen("email=a@example.com", evidence="e" * 1001), "BAD_LENGTH", ["evidence"], "1001 characters"),
        (seen(), "BAD_COUNT", ["identifiers"], "0 entries"),
        (seen(*(f"cookie=cookie{n}" for n in range(21))), "BAD_COUNT", ["identifiers"], "21 entries"),
        (seen("crm_id=1a", "crm_id=2b"), "LIMIT_EXCEEDED", ["identifiers"], "2 values of crm_id"),
    ],
)
def test_a_bad_observation_costs_only_itself(
    client: Client, bad: dict[str, Any], code: str, path: list[object], names: str
) -> None:
    # when
    first, refused, last = client.link(GOOD, bad, seen("email=good@example.com", "device=good-device"))
    # then
    assert refused["__typename"] == "Refused"
    assert refused["problem"]["code"] == code
    assert refused["problem"]["path"] == path
    assert names in refused["problem"]["message"]
    assert first["customerId"] == last["customerId"]
    assert len(client.keys_of("email=good@example.com")) == 3


def test_a_bad_value_costs_only_itself(client: Client) -> None:
    # when
    (result,) = client.link(seen("email=ann@example.com", "loyalty_card=unknown", "phone=x", "cookie=abcd", "device=1"))
    # then
    assert [(one["namespace"], one["value"], one["code"]) for one in result["dropped"]] == [
        ("loyalty_card", "unknown", "BLOCKED"),
        ("phone", "x", "BLOCKED"),
        ("device", "1", "TOO_SHORT"),
    ]
    assert client.keys_of("cookie=abcd") == ["email=ann@example.com", "cookie=abcd"]


def test_a_naive_date_is_taken_as_utc(client: Client) -> None:
    # when
    client.link(seen("email=ann@example.com", at="2026-02-01T10:00:00"))
    # then
    found = client.customer("email=ann@example.com", "emails { firstSeen }")
    assert found["emails"][0]["firstSeen"] == "2026-02-01T10:00:00Z"


@pytest.mark.parametrize("count", [0, 1001])
def test_too_many_observations_are_refused_whole(client: Client, count: int) -> None:
    data = client.ask(LINK, {"input": {"observations": [GOOD] * count}})["linkIdentifiers"]
    assert data["results"] == []
    assert data["errors"][0]["code"] == "BAD_COUNT"
    assert f"{count} entries" in data["errors"][0]["message"]
    assert client.customer("email=good@example.com") is None


def test_a_thousand_observations_are_taken(client: Client) -> None:
    results = client.link(*(seen(f"cookie=cookie-{number}", f"device=device-{number}") for number in range(1000)))
    assert len({one["customerId"] for one in results}) == 1000


@pytest.mark.parametrize(
    ("bad", "code", "path", "names"),
    [
        (order("A1", total="-1"), "NEGATIVE_AMOUNT", ["total"], "-1"),
        (order("A1", total="NaN"), "BAD_AMOUNT", ["total"], "NaN"),
        (order("A1", total="12,50"), "BAD_AMOUNT", ["total"], "12,50"),
        (order("A1", total="1e30"), "BAD_AMOUNT", ["total"], "too many digits"),
        (order("A1", currency="EUX"), "UNKNOWN_CURRENCY", ["currency"], "EUX"),
        (order("A1", placedAt="gestern"), "BAD_DATE", ["placedAt"], "gestern"),
        (order("A1", statedAt="2999-01-01T00:00:00Z"), "IN_THE_FUTURE", ["statedAt"], "statedAt"),
        (order(""), "BAD_LENGTH", ["number"], "0 characters"),
        (order("000"), "BAD_NUMBER", ["number"], "'000' is a placeholder"),
        (order("A1", lines=[{"sku": "", "quantity": 1, "total": 1}]), "BAD_LENGTH", ["lines", 0, "sku"], "line 1"),
        (
            order("A1", lines=[{"sku": "s", "quantity": 1, "total": "x"}]),
            "BAD_AMOUNT",
            ["lines", 0, "total"],
            "line 1: total: 'x'",
        ),
        (order("A1", "emaill=x"), "UNKNOWN_NAMESPACE", ["identifiers", 0, "namespace"], "emaill"),
        (order("A1", *(f"cookie=cookie{n}" for n in range(20))), "BAD_COUNT", ["identifiers"], "20 entries"),
    ],
)
def test_a_bad_order_costs_only_itself(
    client: Client, bad: dict[str, Any], code: str, path: list[object], names: str
) -> None:
    # when
    refused, good = client.record(bad, order("B1", "email=good@example.com"))
    # then
    assert refused["problem"]["code"] == code
    assert refused["problem"]["path"] == path
    assert names in refused["problem"]["message"]
    assert client.customer("order=B1")["id"] == good["customerId"]


def test_too_many_orders_are_refused_whole(client: Client) -> None:
    data = client.ask(RECORD, {"input": {"orders": [order("A1")] * 1001}})["recordOrders"]
    assert data["errors"][0]["code"] == "BAD_COUNT"


def test_the_same_id_with_other_content_is_an_error(client: Client) -> None:
    # given
    client.link(seen("email=ann@example.com", id="1"))
    # when
    same, other = client.link(seen("email=ann@example.com", id="1"), seen("email=bob@example.com", id="1"))
    # then
    assert same["repeated"] is True
    assert other["problem"]["code"] == "ID_CONFLICT"
    assert "'1'" in other["problem"]["message"]
    assert client.customer("email=bob@example.com") is None


def test_the_same_statement_of_an_order_with_other_content_is_an_error(client: Client) -> None:
    # given
    client.record(order("A1", "email=ann@example.com", total="5"))
    # when
    same, other = client.record(
        order("A1", "email=ann@example.com", total="5.00"), order("A1", "email=ann@example.com", total="6")
    )
    # then
    assert same["repeated"] is True
    assert other["problem"]["code"] == "ID_CONFLICT"
    revenue = client.customer("order=A1", "metrics { revenue { amount } }")["metrics"]["revenue"]
    assert revenue == [{"amount": "5.00"}]


MARK = """mutation($input: MarkInput!) { keepApart(input: $input) { mark { id } errors { code path } } }"""


@pytest.mark.parametrize(
    ("a", "b", "code", "path"),
    [
        ("emaill=x", "email=b@example.com", "UNKNOWN_NAMESPACE", ["a", "namespace"]),
        ("email=a@example.com", "email=unknown", "VALUE_BLOCKED", ["b", "value"]),
        ("email=a@example.com", "email=A@example.com", "SAME_IDENTIFIER", ["b"]),
    ],
)
def test_a_bad_mark_is_answered_as_data(client: Client, a: str, b: str, code: str, path: list[str]) -> None:
    ends = [{"namespace": key.partition("=")[0], "value": key.partition("=")[2]} for key in (a, b)]
    data = client.ask(MARK, {"input": {"a": ends[0], "b": ends[1]}})["keepApart"]
    assert data == {"mark": None, "errors": [{"code": code, "path": path}]}


@pytest.mark.parametrize(
    ("field", "code", "names"),
    [
        ('customer(by: {identifier: {namespace: "emaill", value: "x"}}) { id }', "UNKNOWN_NAMESPACE", "emaill"),
        ('customer(by: {identifier: {namespace: "email", value: "null"}}) { id }', "VALUE_BLOCKED", "null"),
        ('customer(by: {id: "x"}) { orders(first: 101) { nodes { number } } }', "BAD_PAGE_SIZE", "101"),
        ('customer(by: {id: "x"}) { orders(first: -1) { nodes { number } } }', "BAD_PAGE_SIZE", "-1"),
        ('customer(by: {id: "x"}) { orders(after: "?") { nodes { number } } }', "BAD_CURSOR", "'?'"),
        (
            'customer(by: {id: "x"}) { identifiers(namespaces: ["nope"]) { nodes { value } } }',
            "UNKNOWN_NAMESPACE",
            "nope",
        ),
        ("customers(by: []) { id }", "BAD_COUNT", "0 identifiers"),
        ("customer(by: {}) { id }", "BAD_REQUEST", "exactly one"),
    ],
)
def test_a_bad_question_is_answered_with_a_code(client: Client, field: str, code: str, names: str) -> None:
    answer = client.send(f"{{ {field} }}").json()
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == code
    assert names in error["message"]


def test_who_is_not_there_is_null(client: Client) -> None:
    assert client.customer("email=nobody@example.com") is None
    assert client.ask('{ customer(by: {id: "cus_x"}) { id } node(id: "cus_x") { id } }') == {
        "customer": None,
        "node": None,
    }
