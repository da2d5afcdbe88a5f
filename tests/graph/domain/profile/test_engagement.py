"""Habits: opening hours, time to decide, campaigns, and the signal of churn."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from graph.domain.model.dates import DAY
from graph.domain.model.interaction_counts import HOUR, add, tally_of
from graph.domain.model.orders import Order, OrderLine, OrderStatus
from graph.domain.profile.engagement import Churn, Habits, churn
from graph.domain.profile.engagement import habits as habits_of
from graph.domain.profile.interactions import Interaction

MONDAY = 4 * DAY
"""1970-01-05."""


def did(type: str, at: float, **more: str) -> Interaction:
    return Interaction("mail", type, round(at), **more)


def habits(orders: Sequence[Order], interactions: Sequence[Interaction]) -> Habits:
    """The habits, with all interactions counted."""
    sent = [one.observation((("email", "a@example.com"),)) for one in interactions]
    return habits_of(add(tally_of(one.kind, one.facts, one.seen_at) for one in sent), orders, interactions)


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


def test_reactions_are_ranked_by_clicks_of_what_was_shown() -> None:
    mails = [did("email_sent", n, appeal="discount") for n in range(4)] + [did("email_clicked", 9, appeal="discount")]
    mails += [did("banner_shown", 1, appeal="new"), did("banner_clicked", 2, appeal="new"), did("email_sent", 3)]
    mails += [did("push_clicked", 4, appeal="shoes"), did("email_opened", 5, appeal="discount")]
    found = habits([], mails)
    assert [(one.appeal, one.shown, one.reacted, one.rate) for one in found.reactions] == [
        ("new", 1, 1, 1.0),
        ("shoes", 0, 1, 1.0),
        ("discount", 4, 1, 0.25),
    ]
    assert list(found.did.items())[:2] == [("email_sent", 5), ("banner_clicked", 1)]


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
