"""Habits: opening hours, time to decide, campaigns, and the signal of churn."""

from decimal import Decimal

import pytest

from graph.domain.habits import HOUR, Churn, churn, habits
from graph.domain.interactions import Interaction
from graph.domain.observations import DAY
from graph.domain.orders import Order, OrderLine, OrderStatus

MONDAY = 4 * DAY
"""1970-01-05."""


def did(type: str, at: float, **more: str) -> Interaction:
    return Interaction("mail", type, round(at), **more)


def ordered(at: float, *skus: str, status: OrderStatus = OrderStatus.PAID) -> Order:
    lines = tuple(OrderLine(sku, Decimal(1), Decimal(1)) for sku in skus)
    return Order("A", "shop", round(at), 0, "EUR", Decimal(1), status, lines)


def test_mail_is_opened_at_the_hour_and_weekday_of_most() -> None:
    opened = [did("email_opened", MONDAY + day * DAY + hour * HOUR) for day, hour in ((0, 7), (7, 7), (1, 20), (2, 7))]
    found = habits([], opened)
    assert (found.opening_hour, found.opening_weekday) == (7, 0)
    assert habits([], []).opening_hour is None


def test_deciding_takes_from_the_first_look_to_the_order() -> None:
    looks = [
        did("product_view", 100 * HOUR, sku="a"),
        did("cart", 90 * HOUR, sku="a"),
        did("product_view", 85 * HOUR, sku="b"),
        did("product_view", 5 * HOUR, sku="a"),
    ]
    # the look at 5 h led to the order at 10 h, that at 90 h to the one at 110 h
    orders = [
        ordered(110 * HOUR, "a", "x"),
        ordered(10 * HOUR, "a"),
        ordered(95 * HOUR, "b", status=OrderStatus.CANCELLED),
    ]
    assert habits(orders, looks).decision_hours == (20 + 5) / 2
    assert habits(orders, []).decision_hours is None
    assert habits([ordered(200 * DAY, "a")], looks).decision_hours is None


def test_campaigns_are_ranked_by_what_is_clicked() -> None:
    mails = [did("email_sent", 1, campaign="sale"), did("email_opened", 2, campaign="sale")]
    mails += [did("email_sent", 3, campaign="news"), did("email_clicked", 4, campaign="news"), did("email_sent", 5)]
    found = [(one.name, one.sent, one.opened, one.clicked) for one in habits([], mails).campaigns]
    assert found == [("news", 1, 0, 1), ("sale", 1, 1, 0)]


@pytest.mark.parametrize(
    ("silence", "last_order", "unsubscribed", "expected"),
    [
        (None, None, None, Churn.NONE),
        (1.4, 5, None, Churn.NONE),
        (1.5, 5, None, Churn.WATCH),
        (3.0, 5, None, Churn.LIKELY),
        (0.5, 5, 4, Churn.NONE),
        (0.5, 5, 6, Churn.WATCH),
        (1.5, 5, 6, Churn.LIKELY),
        (9.0, 5, 6, Churn.LIKELY),
        (None, None, 6, Churn.WATCH),
    ],
)
def test_silence_and_unsubscribing_are_signals(
    silence: float | None, last_order: int | None, unsubscribed: int | None, expected: Churn
) -> None:
    assert churn(silence, last_order, unsubscribed) is expected
