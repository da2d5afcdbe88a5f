"""Engagement: when email is opened, time to purchase, campaigns, offer responses and the churn risk."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from graph.domain.model.dates import DAY
from graph.domain.model.interaction_counts import HOUR, add, interaction_counts_of
from graph.domain.model.orders import Order, OrderLine, OrderStatus
from graph.domain.profile.engagement import ChurnRisk, Engagement, churn_risk, engagement
from graph.domain.profile.interactions import Interaction

MONDAY = 4 * DAY
"""1970-01-05."""


def interaction(type: str, at: float, **more: str) -> Interaction:
    return Interaction("mail", type, round(at), **more)


def engagement_of(orders: Sequence[Order], interactions: Sequence[Interaction]) -> Engagement:
    """The engagement, with the counts of all interactions."""
    observations = [item.observation((("email", "a@example.com"),)) for item in interactions]
    counts = [interaction_counts_of(sent.kind, sent.facts, sent.seen_at) for sent in observations]
    return engagement(add(counts), orders, interactions)


def order(at: float, *skus: str, status: OrderStatus = OrderStatus.PAID) -> Order:
    lines = tuple(OrderLine(sku, Decimal(1), Decimal(1)) for sku in skus)
    return Order("A", "shop", round(at), 0, "EUR", Decimal(1), status, lines)


def test_the_hour_and_weekday_are_those_at_which_most_emails_were_opened() -> None:
    opened = [
        interaction("email_opened", MONDAY + day * DAY + hour * HOUR) for day, hour in ((0, 7), (7, 7), (1, 20), (2, 7))
    ]
    result = engagement_of([], opened)
    assert (result.email_open_hour, result.email_open_weekday) == (7, 0)
    assert engagement_of([], []).email_open_hour is None


def test_the_time_to_purchase_is_from_the_first_view_to_the_order() -> None:
    views = [
        interaction("product_viewed", 100 * HOUR, sku="a"),
        interaction("product_added", 90 * HOUR, sku="a"),
        interaction("product_viewed", 85 * HOUR, sku="b"),
        interaction("product_viewed", 5 * HOUR, sku="a"),
    ]
    # the view at 5 h led to the order at 10 h, that at 90 h to the order at 110 h
    orders = [
        order(110 * HOUR, "a", "x"),
        order(10 * HOUR, "a"),
        order(95 * HOUR, "b", status=OrderStatus.CANCELLED),
    ]
    assert engagement_of(orders, views).average_hours_to_purchase == (20 + 5) / 2
    assert engagement_of(orders, []).average_hours_to_purchase is None
    assert engagement_of([order(200 * DAY, "a")], views).average_hours_to_purchase is None


def test_campaigns_are_sorted_by_clicks() -> None:
    emails = [interaction("email_sent", 1, campaign="sale"), interaction("email_opened", 2, campaign="sale")]
    emails += [
        interaction("email_sent", 3, campaign="news"),
        interaction("email_link_clicked", 4, campaign="news"),
        interaction("email_sent", 5),
    ]
    campaigns = engagement_of([], emails).campaigns
    counts = [(campaign.name, campaign.sent, campaign.opened, campaign.clicked) for campaign in campaigns]
    assert counts == [("news", 1, 0, 1), ("sale", 1, 1, 0)]


def test_offer_responses_are_sorted_by_click_rate() -> None:
    emails = [
        *(interaction("email_sent", n, offer_type="discount") for n in range(4)),
        interaction("email_link_clicked", 9, offer_type="discount"),
        interaction("banner_shown", 1, offer_type="new"),
        interaction("banner_clicked", 2, offer_type="new"),
        interaction("email_sent", 3),
        interaction("push_clicked", 4, offer_type="shoes"),
        interaction("email_opened", 5, offer_type="discount"),
    ]
    result = engagement_of([], emails)
    responses = result.offer_responses
    assert [(offer.offer_type, offer.impressions, offer.clicks, offer.click_rate) for offer in responses] == [
        ("new", 1, 1, 1.0),
        ("shoes", 0, 1, 1.0),
        ("discount", 4, 1, 0.25),
    ]
    assert list(result.interaction_counts.items())[:2] == [("email_sent", 5), ("banner_clicked", 1)]


@pytest.mark.parametrize(
    ("overdue_ratio", "last_order_at", "unsubscribed_at", "expected"),
    [
        (None, None, None, ChurnRisk.LOW),
        (1.4, 5, None, ChurnRisk.LOW),
        (1.5, 5, None, ChurnRisk.MEDIUM),
        (3.0, 5, None, ChurnRisk.HIGH),
        (0.5, 5, 4, ChurnRisk.LOW),
        (0.5, 5, 6, ChurnRisk.MEDIUM),
        (1.5, 5, 6, ChurnRisk.HIGH),
        (9.0, 5, 6, ChurnRisk.HIGH),
        (None, None, 6, ChurnRisk.MEDIUM),
    ],
)
def test_an_overdue_order_and_unsubscribing_increase_the_churn_risk(
    overdue_ratio: float | None, last_order_at: int | None, unsubscribed_at: int | None, expected: ChurnRisk
) -> None:
    assert churn_risk(overdue_ratio, last_order_at, unsubscribed_at) is expected
