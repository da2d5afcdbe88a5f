"""Orders that are reported several times, in part returned, with vouchers, and in several currencies."""

from itertools import permutations
from typing import Any

import pytest

from service.config import rules_file
from tests.builders.clients import Client, order
from tests.builders.operations import REVOKE
from tests.builders.runs import Run
from tests.builders.stores import Fresh

DAYS = ["2026-03-01T10:00:00Z", "2026-03-02T10:00:00Z", "2026-03-03T10:00:00Z"]
METRICS = "metrics { orderCount revenue { amount currency } }"
SOURCES = """
[[source]]
name = "shop"
currency = "EUR"

[[source]]
name = "shop-ch"
currency = "CHF"
"""
"""Rules with different currencies of two sources."""


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    return Client(fresh(), run)


@pytest.fixture
def client_with_currencies(fresh: Fresh, run: Run) -> Client:
    return Client(fresh(), run, rules_file.parse(rules_file.default_text() + SOURCES))


def without(report: dict[str, Any], *names: str) -> dict[str, Any]:
    """A report without some fields."""
    return {name: value for name, value in report.items() if name not in names}


def status_update(number: str, day: int, status: str, **more: Any) -> dict[str, Any]:
    """A report of an order that leaves out the identifiers."""
    return without(order(number, reportedAt=DAYS[day], status=status, total="100", **more), "identifiers")


def revoke(client: Client, day: int) -> None:
    observation = {"source": "shop", "id": f"order:A-1:{1_772_359_200_000_000 + day * 86_400_000_000}"}
    client.ask(REVOKE, {"o": [observation]})


def statuses(client: Client, key: str) -> list[str]:
    """The statuses of a customer's orders."""
    customer = client.customer(key, "orders { nodes { status } }")
    return [] if customer is None else [node["status"] for node in customer["orders"]["nodes"]]


@pytest.mark.parametrize("arrival", list(permutations(range(3))))
def test_a_later_report_without_identifiers_keeps_the_customer(client: Client, arrival: tuple[int, ...]) -> None:
    # given
    reports = [
        order("A-1", "email=oa@example.com", "crm_id=OA", reportedAt=DAYS[0], total="100", status="PAID"),
        status_update("A-1", 1, "SHIPPED"),
        status_update("A-1", 2, "RETURNED", identifiers=None),
    ]
    # when
    for number in arrival:
        client.record(reports[number])
    # then
    assert sorted(client.keys_of("crm_id=OA")) == ["crm_id=OA", "email=oa@example.com", "order=A-1"]
    assert statuses(client, "crm_id=OA") == ["RETURNED"]
    # when the newest is withdrawn, then the one before counts
    revoke(client, 2)
    assert statuses(client, "crm_id=OA") == ["SHIPPED"]
    assert client.customer("crm_id=OA", METRICS)["metrics"] == {
        "orderCount": 1,
        "revenue": [{"amount": "100.00", "currency": "EUR"}],
    }
    # when the one with the identifiers is withdrawn
    revoke(client, 0)
    # then
    assert client.customer("crm_id=OA") is None
    assert client.keys_of("order=A-1") == ["order=A-1"]
    assert statuses(client, "order=A-1") == ["SHIPPED"]


def test_both_reports_count_and_older_ones_are_superseded(client: Client) -> None:
    # given
    named = order("A-1", "crm_id=OA", reportedAt=DAYS[0], total="100")
    # when
    results = [client.record(report)[0] for report in (status_update("A-1", 2, "SHIPPED"), named)]
    (late,) = client.record(status_update("A-1", 1, "PAID"))
    # then
    assert [result["status"] for result in (*results, late)] == ["VALID", "VALID", "SUPERSEDED"]
    assert client.record(status_update("A-1", 2, "SHIPPED"))[0]["duplicate"] is True


def test_an_empty_list_says_that_the_order_has_no_identifiers(client: Client) -> None:
    # given
    client.record(order("A-1", "crm_id=OA", reportedAt=DAYS[0]))
    # when
    client.record(order("A-1", reportedAt=DAYS[1]))
    client.record(status_update("A-1", 2, "SHIPPED"))
    # then
    assert client.customer("crm_id=OA") is None
    assert client.keys_of("order=A-1") == ["order=A-1"]
    # when
    revoke(client, 1)
    # then
    assert client.keys_of("order=A-1") == ["crm_id=OA", "order=A-1"]


def test_a_report_with_nothing_but_dropped_identifiers_keeps_the_customer(client: Client) -> None:
    # given
    client.record(order("A-1", "crm_id=OA", reportedAt=DAYS[0]))
    # when
    (result,) = client.record(order("A-1", "email=unknown", reportedAt=DAYS[1], status="SHIPPED"))
    # then
    assert [dropped["value"] for dropped in result["droppedIdentifiers"]] == ["unknown"]
    assert statuses(client, "crm_id=OA") == ["SHIPPED"]


def test_each_source_keeps_its_own_identifiers(client: Client) -> None:
    # given
    client.record(order("A-1", "crm_id=OA", reportedAt=DAYS[0]))
    # when
    client.record(status_update("A-1", 1, "SHIPPED", source="warehouse"))
    # then
    assert statuses(client, "crm_id=OA") == ["SHIPPED"]


def test_one_number_in_three_notations_is_one_order(client: Client) -> None:
    # when
    client.record(
        order("#1001", "crm_id=OC", total="100"),
        order("1001", "crm_id=OC", total="100", source="erp"),
        order("1001.0", "crm_id=OC", total="100", source="bi"),
    )
    # then
    assert client.customer("crm_id=OC", METRICS)["metrics"] == {
        "orderCount": 1,
        "revenue": [{"amount": "100.00", "currency": "EUR"}],
    }
    assert client.keys_of("crm_id=OC") == ["crm_id=OC", "order=1001"]
    found = [client.ask("query($n: String!) { order(number: $n) { total } }", {"n": n}) for n in ("#1001", "1001")]
    assert found == [{"order": {"total": "100.00"}}] * 2


def test_lines_of_vouchers_and_returned_items_are_negative(client: Client) -> None:
    # given
    lines = [
        {"sku": "x", "quantity": "1", "total": "100"},
        {"sku": "voucher", "quantity": "1", "total": "-20"},
        {"sku": "y", "quantity": "-1", "total": "-5.50"},
    ]
    # when
    client.record(order("V-1", "crm_id=OV", total="74.50", lines=lines))
    # then
    stored = client.customer("crm_id=OV", "orders { nodes { total lines { sku quantity total } } }")["orders"]["nodes"]
    assert stored == [
        {
            "total": "74.50",
            "lines": [
                {"sku": "x", "quantity": "1", "total": "100.00"},
                {"sku": "voucher", "quantity": "1", "total": "-20.00"},
                {"sku": "y", "quantity": "-1", "total": "-5.50"},
            ],
        }
    ]


def test_revenue_is_the_total_less_refunds(client: Client) -> None:
    # given
    client.record(
        order("R-1", "crm_id=OR", total="100", placedAt=DAYS[0], reportedAt=DAYS[0]),
        order("R-2", "crm_id=OR", total="50", placedAt=DAYS[1], reportedAt=DAYS[1]),
    )
    # when
    client.record(without(order("R-1", total="100", refunded="30.5", reportedAt=DAYS[2]), "identifiers"))
    # then
    fields = "orders { nodes { number total refunded } } metrics { revenue { amount } averageOrderValue { amount } }"
    assert client.customer("crm_id=OR", fields) == {
        "orders": {
            "nodes": [
                {"number": "R-2", "total": "50.00", "refunded": "0.00"},
                {"number": "R-1", "total": "100.00", "refunded": "30.50"},
            ]
        },
        "metrics": {"revenue": [{"amount": "119.50"}], "averageOrderValue": [{"amount": "59.75"}]},
    }


def test_an_order_without_a_currency_has_that_of_its_source(client_with_currencies: Client) -> None:
    # given
    client = client_with_currencies
    german, swiss = (
        without(order(number, "crm_id=OM", source=source), "currency")
        for number, source in (("M-1", "shop"), ("M-2", "shop-ch"))
    )
    # when
    results = client.record(german, swiss, order("M-3", "crm_id=OM", source="shop-ch", currency="usd"))
    # then
    assert [result["__typename"] for result in results] == ["ObservationAccepted"] * 3
    stored = client.customer("crm_id=OM", "orders { nodes { number currency } }")["orders"]["nodes"]
    assert sorted((node["number"], node["currency"]) for node in stored) == [
        ("M-1", "EUR"),
        ("M-2", "CHF"),
        ("M-3", "USD"),
    ]
    # and the same order with the currency is the same report
    assert client.record({**german, "currency": "EUR"})[0]["duplicate"] is True


def test_an_order_without_any_currency_is_rejected(client: Client) -> None:
    # when
    rejected, accepted = client.record(without(order("M-1"), "currency"), order("M-2", "crm_id=OM"))
    # then
    assert rejected["problem"] == {
        "code": "UNKNOWN_CURRENCY",
        "message": "currency is missing, and the rules have no currency of source 'shop'",
        "path": ["currency"],
    }
    assert accepted["__typename"] == "ObservationAccepted"


def test_a_customer_may_have_as_many_orders_in_one_currency_as_in_another(client: Client) -> None:
    # given
    client.record(
        order("C-1", "crm_id=OD", total="10", currency="USD"),
        order("C-2", "crm_id=OD", total="20", currency="EUR"),
        order("C-3", "crm_id=OE", total="20", currency="CHF"),
    )
    client.ask("mutation { recalculateRfm { customerCount } }")
    # when
    fields = (
        f"{METRICS} rfm {{ monetary currency }} favorites {{ categories {{ name }} }} "
        "prediction { expectedValue { amount } } engagement { churnRisk }"
    )
    customer = client.customer("crm_id=OD", fields)
    # then: of two currencies with equal counts, the first by name is the main one
    assert customer["rfm"]["currency"] == "EUR"
    assert customer["metrics"] == {
        "orderCount": 2,
        "revenue": [{"amount": "20.00", "currency": "EUR"}, {"amount": "10.00", "currency": "USD"}],
    }
