"""The phase of the journey, by the newest orders and interactions."""

from decimal import Decimal

import pytest

from graph.domain.model.dates import DAY
from graph.domain.model.orders import Order, OrderStatus
from graph.domain.profile.interactions import Interaction
from graph.domain.profile.journey import Journey, JourneyRules, Phase, journey

NOW = 20_000 * DAY
RULES = JourneyRules(purchase_days=10, decision_days=10, after_sales_days=20, orientation_days=30)


def did(type: str, days_ago: float) -> Interaction:
    return Interaction("web", type, round(NOW - days_ago * DAY))


def ordered(days_ago: float, status: OrderStatus = OrderStatus.SHIPPED) -> Order:
    return Order("A", "shop", round(NOW - days_ago * DAY), 0, "EUR", Decimal(5), status)


@pytest.mark.parametrize(
    ("orders", "interactions", "phase", "days_ago"),
    [
        ([ordered(3, OrderStatus.PAID)], [did("cart", 1)], Phase.PURCHASE, 3),
        ([ordered(11, OrderStatus.PAID)], [], Phase.AFTER_SALES, 11),
        ([ordered(3, OrderStatus.CANCELLED)], [did("page_view", 4)], Phase.ORIENTATION, 4),
        ([ordered(9)], [did("checkout_started", 1), did("cart", 2), did("cart", 10)], Phase.DECISION, 2),
        ([ordered(9)], [did("page_view", 1), did("cart", 10)], Phase.AFTER_SALES, 9),
        ([ordered(50)], [did("page_view", 1), did("search", 25), did("page_view", 54)], Phase.ORIENTATION, 54),
        ([], [did("page_view", 1), did("search", 32)], Phase.ORIENTATION, 1),
        ([], [did("page_view", 1), did("search", 31), did("search", 60)], Phase.ORIENTATION, 60),
        ([ordered(100)], [did("page_view", 40), did("email_sent", 1)], Phase.LAPSED, 10),
        ([ordered(100)], [], Phase.LAPSED, 80),
    ],
)
def test_each_phase_and_since_when(
    orders: list[Order], interactions: list[Interaction], phase: Phase, days_ago: float
) -> None:
    assert journey(orders, interactions, RULES, NOW) == Journey(phase, round(NOW - days_ago * DAY))


def test_who_never_did_anything_is_on_no_journey() -> None:
    assert journey([], [], RULES, NOW) is None
    assert journey([], [did("email_sent", 1)], RULES, NOW) is None
