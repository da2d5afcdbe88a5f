"""Tills, payments and loyalty programs through the door: a clerk sees who has this card, and what was bought."""

import json
import time
from pathlib import Path
from typing import Any

from graph.ports import Store
from tests.builders.runs import Run
from tests.builders.systems import ADDRESS, SECRET, customer, deliver, sample, signed, taking

FINGERPRINT = "sq-1-Tvruf3vPQxlvI6n0IcKYfBukrcv6IqWr8UyBdViWXU2y"


def test_payments_of_square_are_orders_of_the_card(store: Store, run: Run, tmp_path: Path) -> None:
    # given
    client = taking(store, run, tmp_path, "square")
    # when
    for name in ("payment", "customer") * 2:
        body = sample(f"square-{name}.json")
        answer = deliver(client, run, "square", body, x_square_hmacsha256_signature=signed(f"{ADDRESS}square", body))
        assert answer["refused"] == 0
    # then
    found = customer(client, "payment_token", FINGERPRINT)
    (order,) = found["orders"].values()
    assert (order["total"], order["status"]) == ("64.90", "PAID")
    assert found["identifiers"]["crm_id"] == ["C-1"]
    assert found["identifiers"]["email"] == ["ann.lee@example.com"]
    assert found["id"] == customer(client, "order", "S8GWD5R9QB376-hYy9")["id"]
    # when: the card was charged back, and then an older state arrives
    event = json.loads(sample("square-payment.json"))
    payment = event["data"]["object"]["payment"]
    payment |= {"updated_at": "2026-03-02T10:00:00Z", "refunded_money": {"amount": 1000, "currency": "EUR"}}
    body = json.dumps(event | {"event_id": "later"}).encode()
    older = sample("square-payment.json").replace(b"6a8f5f28", b"0a8f5f28").replace(b":05.198Z", b":01.198Z")
    for one in (body, older):
        deliver(client, run, "square", one, x_square_hmacsha256_signature=signed(f"{ADDRESS}square", one))
    # then
    (order,) = customer(client, "payment_token", FINGERPRINT)["orders"].values()
    assert order["refunded"] == "10.00"


def test_orders_of_square_have_lines_and_payments_make_none(store: Store, run: Run, tmp_path: Path) -> None:
    # given
    client = taking(store, run, tmp_path, "square", orders="sent")
    # when
    for name in ("orders", "payment"):
        body = sample(f"square-{name}.json")
        deliver(client, run, "square", body, x_square_hmacsha256_signature=signed(f"{ADDRESS}square", body))
    # then
    (order,) = customer(client, "payment_token", FINGERPRINT)["orders"].values()
    assert [line["total"] for line in order["lines"]] == ["49.90", "15.00"]


def test_sales_of_lightspeed_are_forms_with_json(store: Store, run: Run, tmp_path: Path) -> None:
    # given
    client = taking(store, run, tmp_path, "lightspeed", currency="EUR")
    answers: list[dict[str, Any]] = []
    # when
    for name in ("sale", "walkin", "saved", "customer") * 2:
        answers.append(deliver(client, run, "lightspeed", sample(f"lightspeed-{name}.form"), f"?key={SECRET}"))
    # then
    assert sum(answer["refused"] for answer in answers) == 0
    assert sum(answer["ignored"] for answer in answers) == 2
    found = customer(client, "loyalty_card", "LEE-7XK2")
    (order,) = found["orders"].values()
    assert (order["total"], order["currency"]) == ("64.90", "EUR")
    assert [line["total"] for line in order["lines"]] == ["49.90", "15.00"]
    assert found["attributes"]["birth_date"] == "1984-05-31"


def test_receipts_of_any_till_are_orders_by_store_and_number(store: Store, run: Run, tmp_path: Path) -> None:
    # given
    client = taking(store, run, tmp_path, "till-receipts", "till-receipts-json")
    # when: the same receipt as a table, and as JSON
    for _ in range(2):
        assert deliver(client, run, "till-receipts", sample("till-receipts.csv"))["refused"] == 0
        assert deliver(client, run, "till-receipts-json", sample("till-receipts-json.json"))["refused"] == 0
    # then
    found = customer(client, "loyalty_card", "LC-4711")
    (order,) = found["orders"].values()
    assert (order["number"], order["total"]) == ("B-01-4711", "64.90")
    assert [line["sku"] for line in order["lines"]] == ["KET-1", "TEA-2"]
    assert found["identifiers"]["payment_token"] == ["pt_8f14e45fceea"]
    assert found["identifiers"]["email"] == ["ann.lee@example.com"]


def test_members_of_a_loyalty_program_have_tier_and_points(store: Store, run: Run, tmp_path: Path) -> None:
    # given
    client = taking(store, run, tmp_path, "loyalty", "loyalty-points")
    # when
    for _ in range(2):
        assert deliver(client, run, "loyalty-points", sample("loyalty-points.json"))["refused"] == 0
        # an older balance, which arrives later
        assert deliver(client, run, "loyalty", sample("loyalty.csv"))["refused"] == 0
    # then
    found = customer(client, "loyalty_card", "LC-0815")
    assert found["attributes"]["loyalty_tier"] == "gold"
    assert found["attributes"]["points_balance"] == "814"
    assert found["interactions"] == ["loyalty_joined", "points_earned", "points_redeemed"]


def test_a_charge_says_which_card_paid_an_order(store: Store, run: Run, tmp_path: Path) -> None:
    # given
    client = taking(store, run, tmp_path, "payments")
    body, now = sample("payments-charge.json"), str(int(time.time()))
    signature = f"t={now},v1={'0' * 64},v1={signed(now, '.', body, encoding='hex')},v0=x"
    # when
    answers = [deliver(client, run, "payments", body, stripe_signature=signature) for _ in range(2)]
    # then
    assert [(answer["accepted"], answer["duplicate"]) for answer in answers] == [(1, 0), (0, 1)]
    found = customer(client, "payment_token", "mToisGZ01V71BCos")
    assert found["identifiers"]["email"] == ["ann.lee@example.com"]
    # when
    forged = run(client.http.post("/in/payments", content=body, headers={"stripe-signature": f"t={now},v1=00"}))
    # then
    assert forged.status_code == 401
