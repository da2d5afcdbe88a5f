"""Shops through the door: repeats change nothing, and what is older does not win."""

import json
from pathlib import Path
from typing import Any

import pytest

from graph.ports import Store
from tests.builders.clients import Client
from tests.builders.runs import Run
from tests.builders.systems import customer, deliver, sample, signed, taking

ANN = "115310627314723954"


def shopify(client: Client, run: Run, body: bytes, topic: str) -> dict[str, Any]:
    return deliver(client, run, "shopify", body, x_shopify_topic=topic, x_shopify_hmac_sha256=signed(body))


def woocommerce(client: Client, run: Run, body: bytes, topic: str) -> dict[str, Any]:
    return deliver(client, run, "woocommerce", body, x_wc_webhook_topic=topic, x_wc_webhook_signature=signed(body))


def changed(name: str, **fields: Any) -> bytes:
    return json.dumps({**json.loads(sample(name)), **fields}).encode()


DELIVERIES = [
    ("shopify-checkout.json", "checkouts/create"),
    ("shopify-order.json", "orders/create"),
    ("shopify-refund.json", "refunds/create"),
    ("shopify-customer.json", "customers/update"),
    ("shopify-merge.json", "customers/merge"),
    ("shopify-product.json", "products/update"),
]


@pytest.mark.parametrize("deliveries", [DELIVERIES, DELIVERIES[::-1]])
def test_webhooks_of_shopify_are_one_view(
    store: Store, run: Run, tmp_path: Path, deliveries: list[tuple[str, str]]
) -> None:
    # given
    client = taking(store, run, tmp_path, "shopify")
    # when
    for name, topic in deliveries:
        answer = shopify(client, run, sample(name), topic)
        assert (answer["accepted"], answer["problems"]) == (1, [])
    # then
    found = customer(client, "login", ANN)
    assert found["identifiers"]["login"] == [ANN, "115310627314723955"]
    assert found["identifiers"]["email"] == ["ann.lee@example.com"]
    assert found["identifiers"]["phone"] == ["+491765550101"]
    assert found["consent"] == "GIVEN"
    assert found["interactions"] == ["checkout_started", "return"]
    assert list(found["orders"]) == ["SHOPIFY-1001"] or list(found["orders"]) == ["shopify-1001"]
    (order,) = found["orders"].values()
    assert (order["status"], order["total"], order["refunded"]) == ("PAID", "64.90", "0.00")
    assert [(line["sku"], line["total"]) for line in order["lines"]] == [("KET-1", "49.90"), ("TEA-2", "10.00")]
    # when: Shopify delivers at least once
    again = [shopify(client, run, sample(name), topic) for name, topic in deliveries]
    # then
    assert all(answer["refused"] == 0 for answer in again)
    assert customer(client, "login", ANN) == found


def test_the_newest_statement_of_an_order_wins(store: Store, run: Run, tmp_path: Path) -> None:
    # given
    client = taking(store, run, tmp_path, "shopify")
    refunded = changed(
        "shopify-order.json",
        updated_at="2026-03-09T09:00:01+01:00",
        financial_status="partially_refunded",
        fulfillment_status="fulfilled",
        current_total_price="59.90",
    )
    # when
    shopify(client, run, refunded, "orders/updated")
    shopify(client, run, sample("shopify-order.json"), "orders/create")
    # then
    (order,) = customer(client, "login", ANN)["orders"].values()
    assert (order["status"], order["total"], order["refunded"]) == ("SHIPPED", "64.90", "5.00")
    # when
    canceled = changed(
        "shopify-order.json", updated_at="2026-03-10T09:00:01+01:00", cancelled_at="2026-03-10T09:00:00Z"
    )
    shopify(client, run, canceled, "orders/cancelled")
    # then
    (order,) = customer(client, "login", ANN)["orders"].values()
    assert order["status"] == "CANCELLED"


def test_a_body_that_was_changed_is_refused(store: Store, run: Run, tmp_path: Path) -> None:
    # given
    client = taking(store, run, tmp_path, "shopify")
    body = sample("shopify-order.json")
    headers = {"x-shopify-topic": "orders/create", "x-shopify-hmac-sha256": signed(body)}
    # when
    answer = run(client.http.post("/in/shopify", content=body + b" ", headers=headers))
    # then
    assert answer.status_code == 401


def test_requests_for_privacy_are_ignored_and_counted(store: Store, run: Run, tmp_path: Path) -> None:
    # given
    client = taking(store, run, tmp_path, "shopify")
    # when
    answers = [
        shopify(client, run, sample("shopify-redact.json"), topic)
        for topic in ("customers/redact", "customers/data_request", "shop/redact")
    ]
    # then
    assert [answer["ignored"] for answer in answers] == [1, 1, 1]


def test_an_export_of_shopify_states_the_same_orders_as_its_webhooks(store: Store, run: Run, tmp_path: Path) -> None:
    # given
    (tmp_path / "secret").write_text("a-secret-of-the-system")
    client = taking(store, run, tmp_path, "shopify", "shopify-orders", "shopify-customers")
    # when: the export is read under the name of the source of the webhooks
    deliver(client, run, "shopify-customers", sample("shopify-customers.csv"))
    for _ in range(2):
        assert deliver(client, run, "shopify-orders", sample("shopify-orders.csv"))["refused"] == 0
    # then
    found = customer(client, "email", "ann.lee@example.com")
    (order,) = found["orders"].values()
    assert order["total"] == "64.90"
    assert [line["sku"] for line in order["lines"]] == ["KET-1", "TEA-2"]
    assert found["city"] == "Berlin"
    (returned,) = customer(client, "email", "ben@example.com")["orders"].values()
    assert (returned["status"], returned["refunded"]) == ("RETURNED", "7.50")


def test_webhooks_of_woocommerce_are_one_view(store: Store, run: Run, tmp_path: Path) -> None:
    # given
    client = taking(store, run, tmp_path, "woocommerce")
    # when: the check of the address, and each delivery twice
    check = run(client.http.post("/in/woocommerce", content=b"webhook_id=12"))
    for name in ("order", "customer", "product") * 2:
        answer = woocommerce(client, run, sample(f"woocommerce-{name}.json"), f"{name}.updated")
        assert answer["refused"] == 0
    # then
    assert check.status_code == 204
    found = customer(client, "login", "26")
    (order,) = found["orders"].values()
    assert (order["status"], order["total"], order["refunded"]) == ("PAID", "64.90", "7.50")
    assert found["identifiers"]["email"] == ["ann.lee@example.com"]
    assert found["city"] == "Berlin"
    # when: an older state of the order arrives late
    older = changed("woocommerce-order.json", date_modified_gmt="2026-03-01T10:04:30", status="pending", refunds=[])
    woocommerce(client, run, older, "order.created")
    # then
    assert customer(client, "login", "26")["orders"] == found["orders"]


def test_a_guest_of_woocommerce_has_no_login(store: Store, run: Run, tmp_path: Path) -> None:
    # given
    client = taking(store, run, tmp_path, "woocommerce")
    # when
    woocommerce(client, run, changed("woocommerce-order.json", customer_id=0), "order.created")
    # then
    assert "login" not in customer(client, "email", "ann.lee@example.com")["identifiers"]
