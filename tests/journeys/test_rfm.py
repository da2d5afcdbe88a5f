"""How customers compare with all: counted in the background, kept for all processes, scored by their own figures."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from graph.stores.sqlite import EmbeddedStore
from tests.builders.clients import Client, order, seen
from tests.builders.operations import did, record
from tests.builders.runs import Run
from tests.builders.stores import Fresh

RECENTLY = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")

FIELDS = """comparison { recency frequency monetary segment recencyPercentile ordersPercentile revenuePercentile
  currency asOf } metrics { yearsAsCustomer meanDaysBetweenOrders silence }"""


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    client = Client(fresh(), run)
    orders = [
        order(
            f"W{who}-{n}",
            f"email=p{who}@example.com",
            placedAt=f"2025-{who + 1:02}-{n + 1:02}T00:00:00Z",
            total=str(who),
        )
        for who in range(10)
        for n in range(who + 1)
    ]
    client.record(*orders)
    return client


def compared(client: Client, who: int) -> dict | None:
    return client.customer(f"email=p{who}@example.com", FIELDS)["comparison"]


def test_customers_are_scored_against_all_as_they_were_counted(client: Client) -> None:
    # given
    assert compared(client, 9) is None
    # when
    counted = client.ask("mutation { countCustomers { customers asOf } }")["countCustomers"]
    # then
    assert counted["customers"] == 10
    best, worst, middle = (compared(client, who) for who in (9, 0, 4))
    assert best == {
        "recency": 5, "frequency": 5, "monetary": 5, "segment": "CHAMPIONS", "recencyPercentile": 90,
        "ordersPercentile": 90, "revenuePercentile": 90, "currency": "EUR", "asOf": counted["asOf"],
    }  # fmt: skip
    assert (worst["recency"], worst["frequency"], worst["segment"]) == (1, 1, "LOST")
    assert (middle["recency"], middle["frequency"], middle["segment"]) == (3, 3, "NEEDS_ATTENTION")
    # when: the worst orders often, its own figures are live while the cut points stay
    client.record(*(order(f"new-{n}", "email=p0@example.com", placedAt="2026-01-01T00:00:00Z") for n in range(20)))
    # then
    assert compared(client, 0)["segment"] == "CHAMPIONS"
    assert compared(client, 0)["asOf"] == counted["asOf"]


def test_its_own_rhythm(client: Client) -> None:
    client.record(
        *(order(f"r-{day}", "email=r@example.com", placedAt=f"2026-01-{day:02}T00:00:00Z") for day in (1, 11, 21))
    )
    found = client.customer("email=r@example.com", FIELDS)["metrics"]
    assert found["meanDaysBetweenOrders"] == 10
    assert found["silence"] > 1
    assert found["yearsAsCustomer"] > 0
    client.record(order("once", "email=once@example.com"))
    alone = client.customer("email=once@example.com", FIELDS)["metrics"]
    assert (alone["meanDaysBetweenOrders"], alone["silence"]) == (None, None)


def test_merged_customers_are_scored_as_one(client: Client) -> None:
    client.ask("mutation { countCustomers { customers } }")
    before = compared(client, 3)["frequency"]
    client.record(order("both", "email=p3@example.com", "email=p9@example.com"))
    assert compared(client, 3) == compared(client, 9)
    assert compared(client, 3)["frequency"] == 5 > before


def test_what_was_counted_is_kept_for_other_processes_and_counted_again_in_time(tmp_path: Path, run: Run) -> None:
    # given
    store = EmbeddedStore(tmp_path / "kith.db")
    run(store.migrate())
    client, other = Client(store, run), Client(store, run)
    client.record(order("A", "email=a@example.com"))

    async def background(graph: Client, seconds: float) -> None:
        task = asyncio.create_task(graph.graph.census.now_and_then(seconds))
        await asyncio.sleep(0.3)
        task.cancel()

    # when
    run(background(client, 3600))
    # then
    first = other.customer("email=a@example.com", FIELDS)["comparison"]["asOf"]
    run(background(other, 3600))
    assert other.customer("email=a@example.com", FIELDS)["comparison"]["asOf"] == first
    run(background(other, 0.05))
    assert other.customer("email=a@example.com", FIELDS)["comparison"]["asOf"] > first
    run(store.close())


def test_where_it_stands_and_how_it_acts(fresh: Fresh, run: Run) -> None:
    # given
    client = Client(fresh(), run)
    client.link(seen("email=ann@example.com"))
    fields = """journey { phase since } habits { openingHour openingWeekday decisionHours churn unsubscribedAt
      campaigns { campaign sent opened clicked } reactions { appeal shown reacted rate }
      interactions { type count } }"""
    assert client.customer("email=ann@example.com", fields)["journey"] is None
    # when: mail is opened on Mondays at seven, and a shoe is bought two hours after it was looked at
    record(
        client,
        *(
            did("email_opened", "email=ann@example.com", at=f"2025-01-{day:02}T07:10:00Z", campaign="sale")
            for day in (6, 13)
        ),
        did("product_view", "email=ann@example.com", at="2025-01-13T08:00:00Z", sku="shoe"),
        *(
            did(f"email_{what}", "email=ann@example.com", at=f"2025-01-0{day}T07:00:00Z", appeal="discount")
            for what, day in (("sent", 1), ("sent", 2), ("clicked", 3))
        ),
        did("email_unsubscribed", "email=ann@example.com", at="2025-03-01T00:00:00Z"),
    )
    lines = [{"sku": "shoe", "quantity": "1", "total": "5"}]
    client.record(order("W1", "email=ann@example.com", placedAt="2025-01-13T10:00:00Z", lines=lines, status="SHIPPED"))
    # then
    found = client.customer("email=ann@example.com", fields)
    assert found["journey"] == {"phase": "LAPSED", "since": "2025-03-31T00:00:00Z"}
    assert found["habits"] == {
        "openingHour": 7,
        "openingWeekday": 0,
        "decisionHours": 2.0,
        "churn": "WATCH",
        "unsubscribedAt": "2025-03-01T00:00:00Z",
        "campaigns": [{"campaign": "sale", "sent": 0, "opened": 2, "clicked": 0}],
        "reactions": [{"appeal": "discount", "shown": 2, "reacted": 1, "rate": 0.5}],
        "interactions": [
            {"type": "email_opened", "count": 2},
            {"type": "email_sent", "count": 2},
            {"type": "email_clicked", "count": 1},
            {"type": "email_unsubscribed", "count": 1},
            {"type": "product_view", "count": 1},
        ],
    }
    # when
    record(client, did("cart", "email=ann@example.com", at=RECENTLY, sku="boot"))
    # then
    assert client.customer("email=ann@example.com", fields)["journey"] == {"phase": "DECISION", "since": RECENTLY}
