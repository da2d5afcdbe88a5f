"""The stage of the journey, by the newest orders and interactions."""

from decimal import Decimal

import pytest

from graph.domain.model.dates import DAY
from graph.domain.model.orders import Order, OrderStatus
from graph.domain.profile.interactions import Interaction
from graph.domain.profile.journey import Journey, JourneyRules, JourneyStage, journey

NOW = 20_000 * DAY
RULES = JourneyRules(purchase_days=10, consideration_days=10, post_purchase_days=20, discovery_days=30)


def interaction(type: str, days_ago: float) -> Interaction:
    return Interaction("web", type, round(NOW - days_ago * DAY))


def order(days_ago: float, status: OrderStatus = OrderStatus.SHIPPED) -> Order:
    return Order("A", "shop", round(NOW - days_ago * DAY), 0, "EUR", Decimal(5), status)


@pytest.mark.parametrize(
    ("orders", "interactions", "stage", "days_ago"),
    [
        ([order(3, OrderStatus.PAID)], [interaction("product_added", 1)], JourneyStage.PURCHASE, 3),
        ([order(11, OrderStatus.PAID)], [], JourneyStage.POST_PURCHASE, 11),
        ([order(3, OrderStatus.CANCELLED)], [interaction("page_viewed", 4)], JourneyStage.DISCOVERY, 4),
        (
            [order(9)],
            [interaction("checkout_started", 1), interaction("product_added", 2), interaction("product_added", 10)],
            JourneyStage.CONSIDERATION,
            2,
        ),
        ([order(9)], [interaction("page_viewed", 1), interaction("product_added", 10)], JourneyStage.POST_PURCHASE, 9),
        (
            [order(50)],
            [interaction("page_viewed", 1), interaction("search", 25), interaction("page_viewed", 54)],
            JourneyStage.DISCOVERY,
            54,
        ),
        ([], [interaction("page_viewed", 1), interaction("search", 32)], JourneyStage.DISCOVERY, 1),
        (
            [],
            [interaction("page_viewed", 1), interaction("search", 31), interaction("search", 60)],
            JourneyStage.DISCOVERY,
            60,
        ),
        ([order(100)], [interaction("page_viewed", 40), interaction("email_sent", 1)], JourneyStage.LAPSED, 10),
        ([order(100)], [], JourneyStage.LAPSED, 80),
    ],
)
def test_each_stage_and_since_when(
    orders: list[Order], interactions: list[Interaction], stage: JourneyStage, days_ago: float
) -> None:
    assert journey(orders, interactions, RULES, NOW) == Journey(stage, round(NOW - days_ago * DAY))


def test_without_orders_and_own_interactions_there_is_no_journey() -> None:
    assert journey([], [], RULES, NOW) is None
    for type in (
        "email_sent",
        "email_delivered",
        "email_deferred",
        "email_dropped",
        "email_soft_bounced",
        "email_bounced",
    ):
        assert journey([], [interaction(type, 1)], RULES, NOW) is None
    assert journey([], [interaction("deal_stage_changed", 1), interaction("ticket_closed", 1)], RULES, NOW) is None
