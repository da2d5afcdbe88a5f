"""Invalid input, field by field: an error names the field and the value, and other items are not affected."""

from typing import Any

import pytest

from tests.builders.clients import LINK, RECORD, Client, identifiers, order, seen
from tests.builders.runs import Run
from tests.builders.stores import Fresh


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    return Client(fresh(), run)


IN_ONE_STORE = pytest.mark.parametrize("fresh", ["sqlite"], indirect=True)
"""For what is rejected before a store is asked."""
VALID = seen("email=good@example.com", "cookie=good-cookie")


@pytest.mark.parametrize(
    ("invalid", "code", "path", "names"),
    [
        (seen("emaill=a@example.com"), "UNKNOWN_NAMESPACE", ["identifiers", "0", "namespace"], "emaill"),
        (seen("email="), "NO_VALID_IDENTIFIERS", ["identifiers"], "is empty"),
        (seen("email=unknown"), "NO_VALID_IDENTIFIERS", ["identifiers"], "'unknown' is a blocked placeholder"),
        (seen("email=" + "x" * 2000), "NO_VALID_IDENTIFIERS", ["identifiers"], "2000 characters"),
        (seen("email=nobody"), "NO_VALID_IDENTIFIERS", ["identifiers"], "'nobody' is not an email address"),
        (seen("phone=call me"), "NO_VALID_IDENTIFIERS", ["identifiers"], "'call me' is not a phone number"),
        (seen("email=a@example.com", at="2026-02-30T00:00:00Z"), "INVALID_TIMESTAMP", ["seenAt"], "2026-02-30"),
        (seen("email=a@example.com", at="last week"), "INVALID_TIMESTAMP", ["seenAt"], "last week"),
        (seen("email=a@example.com", at="2999-01-01T00:00:00Z"), "TIMESTAMP_IN_FUTURE", ["seenAt"], "seconds ahead"),
        (seen("email=a@example.com", confidence=1.5), "INVALID_CONFIDENCE", ["confidence"], "1.5"),
        (seen("email=a@example.com", confidence=-0.1), "INVALID_CONFIDENCE", ["confidence"], "-0.1"),
        (seen("email=a@example.com", source=""), "INVALID_LENGTH", ["source"], "0 characters"),
        (seen("email=a@example.com", source="s" * 101), "INVALID_LENGTH", ["source"], "101 characters"),
        (seen("email=a@example.com", source="a\x00b"), "INVALID_CHARACTER", ["source"], "source"),
        (seen("email=a@example.com", id=""), "INVALID_LENGTH", ["id"], "0 characters"),
        (seen("email=a@example.com", id="i" * 201), "INVALID_LENGTH", ["id"], "201 characters"),
        (seen("email=a@example.com", evidence="e" * 1001), "INVALID_LENGTH", ["evidence"], "1001 characters"),
        (seen(), "INVALID_COUNT", ["identifiers"], "0 entries"),
        (seen(*(f"cookie=cookie{n}" for n in range(21))), "INVALID_COUNT", ["identifiers"], "21 entries"),
        (seen("crm_id=1a", "crm_id=2b"), "NAMESPACE_LIMIT_EXCEEDED", ["identifiers"], "2 values of crm_id"),
    ],
)
@IN_ONE_STORE
def test_an_invalid_observation_is_rejected_and_the_others_are_stored(
    client: Client, invalid: dict[str, Any], code: str, path: list[str], names: str
) -> None:
    # when
    first, rejected, last = client.link(VALID, invalid, seen("email=good@example.com", "device=good-device"))
    # then
    assert rejected["__typename"] == "Rejected"
    assert rejected["problem"]["code"] == code
    assert rejected["problem"]["path"] == path
    assert names in rejected["problem"]["message"]
    assert first["customerId"] == last["customerId"]
    assert len(client.keys_of("email=good@example.com")) == 3


def test_an_invalid_value_is_dropped_and_the_others_are_stored(client: Client) -> None:
    # when
    (result,) = client.link(seen("email=ann@example.com", "loyalty_card=unknown", "phone=x", "cookie=abcd", "device=1"))
    # then
    assert [(dropped["namespace"], dropped["value"], dropped["code"]) for dropped in result["droppedIdentifiers"]] == [
        ("loyalty_card", "unknown", "BLOCKED"),
        ("phone", "x", "BLOCKED"),
        ("device", "1", "TOO_SHORT"),
    ]
    assert client.keys_of("cookie=abcd") == ["email=ann@example.com", "cookie=abcd"]


def test_a_timestamp_without_time_zone_is_utc(client: Client) -> None:
    # when
    client.link(seen("email=ann@example.com", at="2026-02-01T10:00:00"))
    # then
    customer = client.customer("email=ann@example.com", "emails { firstSeenAt }")
    assert customer["emails"][0]["firstSeenAt"] == "2026-02-01T10:00:00Z"


@pytest.mark.parametrize("count", [0, 1001])
def test_a_request_with_no_or_too_many_observations_is_rejected_as_a_whole(client: Client, count: int) -> None:
    data = client.ask(LINK, {"input": {"observations": [VALID] * count}})["linkIdentifiers"]
    assert data["results"] == []
    assert data["errors"][0]["code"] == "INVALID_COUNT"
    assert f"{count} entries" in data["errors"][0]["message"]
    assert client.customer("email=good@example.com") is None


def test_a_thousand_observations_are_accepted(client: Client) -> None:
    results = client.link(*(seen(f"cookie=cookie-{number}", f"device=device-{number}") for number in range(1000)))
    assert len({result["customerId"] for result in results}) == 1000


@pytest.mark.parametrize(
    ("invalid", "code", "path", "names"),
    [
        (order("A1", total="-1"), "NEGATIVE_AMOUNT", ["total"], "-1"),
        (order("A1", total="NaN"), "INVALID_AMOUNT", ["total"], "NaN"),
        (order("A1", total="12,50"), "INVALID_AMOUNT", ["total"], "12,50"),
        (order("A1", total="1e30"), "INVALID_AMOUNT", ["total"], "too many digits"),
        (order("A1", refunded="12.00"), "INVALID_AMOUNT", ["refunded"], "refunded is 12.00; 0 to the total"),
        (order("A1", refunded="-1"), "NEGATIVE_AMOUNT", ["refunded"], "-1"),
        (order("A1", refunded="some"), "INVALID_AMOUNT", ["refunded"], "some"),
        (order("A1", currency="EUX"), "UNKNOWN_CURRENCY", ["currency"], "EUX"),
        (order("A1", currency=None), "UNKNOWN_CURRENCY", ["currency"], "no currency of source 'shop'"),
        (order("A1", placedAt="gestern"), "INVALID_TIMESTAMP", ["placedAt"], "gestern"),
        (order("A1", reportedAt="2999-01-01T00:00:00Z"), "TIMESTAMP_IN_FUTURE", ["reportedAt"], "reportedAt"),
        (order(""), "INVALID_LENGTH", ["number"], "0 characters"),
        (order("000"), "INVALID_ORDER_NUMBER", ["number"], "'000' is a blocked placeholder"),
        (
            order("A1", lines=[{"sku": "", "quantity": 1, "total": 1}]),
            "INVALID_LENGTH",
            ["lines", "0", "sku"],
            "line 1",
        ),
        (
            order("A1", lines=[{"sku": "s", "quantity": 1, "total": "x"}]),
            "INVALID_AMOUNT",
            ["lines", "0", "total"],
            "line 1: total: 'x'",
        ),
        (order("A1", "emaill=x"), "UNKNOWN_NAMESPACE", ["identifiers", "0", "namespace"], "emaill"),
        (order("A1", *(f"cookie=cookie{n}" for n in range(20))), "INVALID_COUNT", ["identifiers"], "20 entries"),
    ],
)
@IN_ONE_STORE
def test_an_invalid_order_is_rejected_and_the_others_are_stored(
    client: Client, invalid: dict[str, Any], code: str, path: list[str], names: str
) -> None:
    # when
    rejected, accepted = client.record(invalid, order("B1", "email=good@example.com"))
    # then
    assert rejected["problem"]["code"] == code
    assert rejected["problem"]["path"] == path
    assert names in rejected["problem"]["message"]
    assert client.customer("order=B1")["id"] == accepted["customerId"]


@pytest.mark.parametrize(
    ("mutation", "type", "list_name"),
    [
        ("linkIdentifiers", "LinkIdentifiersInput", "observations"),
        ("recordOrders", "RecordOrdersInput", "orders"),
        ("recordAttributes", "RecordAttributesInput", "attributes"),
        ("recordConsents", "RecordConsentsInput", "consents"),
        ("recordInteractions", "RecordInteractionsInput", "interactions"),
        ("recordExternalSegments", "RecordExternalSegmentsInput", "segments"),
        ("recordProducts", "RecordProductsInput", "products"),
        ("revokeObservations", "RevokeObservationsInput", "observations"),
    ],
)
@IN_ONE_STORE
def test_an_empty_request_names_its_list_as_the_input_does(
    client: Client, mutation: str, type: str, list_name: str
) -> None:
    query = f"mutation($input: {type}!) {{ {mutation}(input: $input) {{ errors {{ code message path }} }} }}"
    (error,) = client.ask(query, {"input": {list_name: []}})[mutation]["errors"]
    assert (error["code"], error["path"]) == ("INVALID_COUNT", [list_name])
    assert error["message"].startswith(f"{list_name} holds 0 entries")


def test_a_request_with_too_many_orders_is_rejected_as_a_whole(client: Client) -> None:
    data = client.ask(RECORD, {"input": {"orders": [order("A1")] * 1001}})["recordOrders"]
    assert data["errors"][0]["code"] == "INVALID_COUNT"


def test_the_same_id_with_other_content_is_an_error(client: Client) -> None:
    # given
    client.link(seen("email=ann@example.com", id="1"))
    # when
    duplicate, conflict = client.link(seen("email=ann@example.com", id="1"), seen("email=bob@example.com", id="1"))
    # then
    assert duplicate["duplicate"] is True
    assert conflict["problem"]["code"] == "ID_CONFLICT"
    assert "'1'" in conflict["problem"]["message"]
    assert client.customer("email=bob@example.com") is None


def test_the_same_statement_of_an_order_with_other_content_is_an_error(client: Client) -> None:
    # given
    client.record(order("A1", "email=ann@example.com", total="5"))
    # when
    duplicate, conflict = client.record(
        order("A1", "email=ann@example.com", total="5.00"), order("A1", "email=ann@example.com", total="6")
    )
    # then
    assert duplicate["duplicate"] is True
    assert conflict["problem"]["code"] == "ID_CONFLICT"
    revenue = client.customer("order=A1", "metrics { revenue { amount } }")["metrics"]["revenue"]
    assert revenue == [{"amount": "5.00"}]


KEEP_APART = (
    """mutation($input: KeepApartInput!) { keepApart(input: $input) { override { id } errors { code path } } }"""
)


@pytest.mark.parametrize(
    ("a", "b", "code", "path"),
    [
        ("emaill=x", "email=b@example.com", "UNKNOWN_NAMESPACE", ["a", "namespace"]),
        ("email=a@example.com", "email=unknown", "IDENTIFIER_BLOCKED", ["b", "value"]),
        ("email=a@example.com", "email=A@example.com", "DUPLICATE_IDENTIFIER", ["b"]),
    ],
)
@IN_ONE_STORE
def test_an_invalid_override_is_returned_as_an_error_in_the_payload(
    client: Client, a: str, b: str, code: str, path: list[str]
) -> None:
    ref_a, ref_b = identifiers(a, b)
    data = client.ask(KEEP_APART, {"input": {"a": ref_a, "b": ref_b}})["keepApart"]
    assert data == {"override": None, "errors": [{"code": code, "path": path}]}


@pytest.mark.parametrize(
    ("field", "code", "names"),
    [
        ('customer(by: {identifier: {namespace: "emaill", value: "x"}}) { id }', "UNKNOWN_NAMESPACE", "emaill"),
        ('customer(by: {identifier: {namespace: "email", value: "null"}}) { id }', "IDENTIFIER_BLOCKED", "null"),
        ('customer(by: {id: "x"}) { orders(first: 101) { nodes { number } } }', "INVALID_PAGE_SIZE", "101"),
        ('customer(by: {id: "x"}) { orders(first: -1) { nodes { number } } }', "INVALID_PAGE_SIZE", "-1"),
        ('customer(by: {id: "x"}) { orders(after: "?") { nodes { number } } }', "INVALID_CURSOR", "'?'"),
        (
            'customer(by: {id: "x"}) { identifiers(namespaces: ["nope"]) { nodes { value } } }',
            "UNKNOWN_NAMESPACE",
            "nope",
        ),
        ("customers(by: []) { id }", "INVALID_COUNT", "by has 0 entries"),
        ("customer(by: {}) { id }", "BAD_REQUEST", "exactly one"),
    ],
)
@IN_ONE_STORE
def test_an_invalid_query_is_answered_with_a_code(client: Client, field: str, code: str, names: str) -> None:
    (error,) = client.send(f"{{ {field} }}").json()["errors"]
    assert error["extensions"]["code"] == code
    assert names in error["message"]


def test_an_unknown_customer_is_null(client: Client) -> None:
    assert client.customer("email=nobody@example.com") is None
    assert client.ask('{ customer(by: {id: "cus_x"}) { id } node(id: "cus_x") { id } }') == {
        "customer": None,
        "node": None,
    }
