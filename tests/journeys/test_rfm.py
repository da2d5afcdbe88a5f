"""RFM scores: percentiles are calculated in the background and shared by all processes; own order totals are live."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from graph.stores.sqlite import SQLiteStore
from tests.builders.clients import Client, order, seen
from tests.builders.operations import interaction, record
from tests.builders.runs import Run
from tests.builders.stores import Fresh

RECENTLY = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")

FIELDS = """rfm { recency frequency monetary group recencyPercentile ordersPercentile revenuePercentile
  currency calculatedAt } metrics { tenureYears averageDaysBetweenOrders overdueRatio }"""


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    client = Client(fresh(), run)
    orders = [
        order(
            f"W{person}-{n}",
            f"email=p{person}@example.com",
            placedAt=f"2025-{person + 1:02}-{n + 1:02}T00:00:00Z",
            total=str(person),
        )
        for person in range(10)
        for n in range(person + 1)
    ]
    client.record(*orders)
    return client


def scores_of(client: Client, person: int) -> dict | None:
    return client.customer(f"email=p{person}@example.com", FIELDS)["rfm"]


def test_customers_are_scored_against_all_customers_of_the_last_calculation(client: Client) -> None:
    # given
    assert scores_of(client, 9) is None
    # when
    calculation = client.ask("mutation { recalculateRfm { customerCount calculatedAt } }")["recalculateRfm"]
    # then
    assert calculation["customerCount"] == 10
    best, worst, middle = (scores_of(client, person) for person in (9, 0, 4))
    assert best == {
        "recency": 5, "frequency": 5, "monetary": 5, "group": "CHAMPIONS", "recencyPercentile": 90,
        "ordersPercentile": 90, "revenuePercentile": 90, "currency": "EUR", "calculatedAt": calculation["calculatedAt"],
    }  # fmt: skip
    assert (worst["recency"], worst["frequency"], worst["group"]) == (1, 1, "LOST")
    assert (middle["recency"], middle["frequency"], middle["group"]) == (3, 3, "NEEDS_ATTENTION")
    # when: the worst customer orders often: its order totals are live, the percentiles are not
    client.record(*(order(f"new-{n}", "email=p0@example.com", placedAt="2026-01-01T00:00:00Z") for n in range(20)))
    # then
    assert scores_of(client, 0)["group"] == "CHAMPIONS"
    assert scores_of(client, 0)["calculatedAt"] == calculation["calculatedAt"]


def test_metrics_follow_the_time_between_the_customers_own_orders(client: Client) -> None:
    client.record(
        *(order(f"r-{day}", "email=r@example.com", placedAt=f"2026-01-{day:02}T00:00:00Z") for day in (1, 11, 21))
    )
    metrics = client.customer("email=r@example.com", FIELDS)["metrics"]
    assert metrics["averageDaysBetweenOrders"] == 10
    assert metrics["overdueRatio"] > 1
    assert metrics["tenureYears"] > 0
    client.record(order("single", "email=single@example.com"))
    metrics = client.customer("email=single@example.com", FIELDS)["metrics"]
    assert (metrics["averageDaysBetweenOrders"], metrics["overdueRatio"]) == (None, None)


def test_merged_customers_are_scored_as_one(client: Client) -> None:
    client.ask("mutation { recalculateRfm { customerCount } }")
    before = scores_of(client, 3)["frequency"]
    client.record(order("both", "email=p3@example.com", "email=p9@example.com"))
    assert scores_of(client, 3) == scores_of(client, 9)
    assert scores_of(client, 3)["frequency"] == 5 > before


def test_percentiles_are_stored_for_other_processes_and_recalculated_when_due(tmp_path: Path, run: Run) -> None:
    # given
    store = SQLiteStore(tmp_path / "kith.db")
    run(store.migrate())
    client, second_process = Client(store, run), Client(store, run)
    client.record(order("A", "email=a@example.com"))

    async def background(process: Client, seconds: float, is_done: Callable[[], Awaitable[bool]]) -> None:
        task = asyncio.create_task(process.graph.statistics.run_periodically(seconds))
        for _ in range(1000):
            if await is_done():
                break
            await asyncio.sleep(0.02)
        task.cancel()

    async def calculated_at() -> int | None:
        latest, _ = await second_process.graph.statistics.latest()
        return None if latest is None else latest.calculated_at

    async def is_calculated() -> bool:
        return await calculated_at() is not None

    async def is_newer() -> bool:
        return await calculated_at() != first_time

    async def a_while() -> bool:
        await asyncio.sleep(0.3)
        return True

    # when
    run(background(client, 3600, is_calculated))
    # then
    first_time = run(calculated_at())
    first = second_process.customer("email=a@example.com", FIELDS)["rfm"]["calculatedAt"]
    run(background(second_process, 3600, a_while))
    assert second_process.customer("email=a@example.com", FIELDS)["rfm"]["calculatedAt"] == first
    run(background(second_process, 0.05, is_newer))
    assert second_process.customer("email=a@example.com", FIELDS)["rfm"]["calculatedAt"] > first
    run(store.close())


def test_an_unexpected_error_does_not_end_the_recalculation(
    tmp_path: Path, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    # given: a store that fails once
    failures = [ValueError("ann@example.com")]

    class FailingStore(SQLiteStore):
        async def order_totals(self, after: str, first: int) -> list:
            if failures:
                raise failures.pop()
            return await super().order_totals(after, first)

    store = FailingStore(tmp_path / "kith.db")
    run(store.migrate())
    client = Client(store, run)
    client.record(order("A", "email=a@example.com"))

    async def recalculate() -> None:
        # when
        task = asyncio.create_task(client.graph.statistics.run_periodically(0.01))
        for _ in range(1000):
            if (await client.graph.statistics.latest())[0] is not None:
                break
            await asyncio.sleep(0.01)
        task.cancel()

    run(recalculate())
    # then
    assert client.customer("email=a@example.com", FIELDS)["rfm"] is not None
    assert [record.getMessage() for record in caplog.records if record.name == "kith.statistics"] == [
        "statistics could not be calculated: ValueError"
    ]
    run(store.close())


def test_journey_stage_and_engagement(fresh: Fresh, run: Run) -> None:
    # given
    client = Client(fresh(), run)
    client.link(seen("email=ann@example.com"))
    fields = """journey { stage since }
      engagement { emailOpenHour emailOpenWeekday averageHoursToPurchase churnRisk unsubscribedAt
      campaigns { campaign sent opened clicked } offerResponses { offerType impressions clicks clickRate }
      interactionCounts { type count } }"""
    assert client.customer("email=ann@example.com", fields)["journey"] is None
    # when: email is opened on Mondays at seven, and a shoe is ordered two hours after it was viewed
    record(
        client,
        *(
            interaction("email_opened", "email=ann@example.com", at=f"2025-01-{day:02}T07:10:00Z", campaign="sale")
            for day in (6, 13)
        ),
        interaction("product_viewed", "email=ann@example.com", at="2025-01-13T08:00:00Z", sku="shoe"),
        *(
            interaction(f"email_{event}", "email=ann@example.com", at=f"2025-01-0{day}T07:00:00Z", offerType="discount")
            for event, day in (("sent", 1), ("sent", 2), ("link_clicked", 3))
        ),
        interaction("unsubscribed", "email=ann@example.com", at="2025-03-01T00:00:00Z"),
    )
    lines = [{"sku": "shoe", "quantity": "1", "total": "5"}]
    client.record(order("W1", "email=ann@example.com", placedAt="2025-01-13T10:00:00Z", lines=lines, status="SHIPPED"))
    # then
    customer = client.customer("email=ann@example.com", fields)
    assert customer["journey"] == {"stage": "LAPSED", "since": "2025-03-31T00:00:00Z"}
    assert customer["engagement"] == {
        "emailOpenHour": 7,
        "emailOpenWeekday": 0,
        "averageHoursToPurchase": 2.0,
        "churnRisk": "MEDIUM",
        "unsubscribedAt": "2025-03-01T00:00:00Z",
        "campaigns": [{"campaign": "sale", "sent": 0, "opened": 2, "clicked": 0}],
        "offerResponses": [{"offerType": "discount", "impressions": 2, "clicks": 1, "clickRate": 0.5}],
        "interactionCounts": [
            {"type": "email_opened", "count": 2},
            {"type": "email_sent", "count": 2},
            {"type": "email_link_clicked", "count": 1},
            {"type": "product_viewed", "count": 1},
            {"type": "unsubscribed", "count": 1},
        ],
    }
    # when
    record(client, interaction("product_added", "email=ann@example.com", at=RECENTLY, sku="boot"))
    # then
    assert client.customer("email=ann@example.com", fields)["journey"] == {"stage": "CONSIDERATION", "since": RECENTLY}
