"""How a customer typically engages: when email is opened, how long decisions take, which offers get a response."""

from collections.abc import Mapping, Sequence
from enum import Enum

from msgspec import Struct

from graph.domain.model.dates import DAY
from graph.domain.model.facts import InteractionSummary
from graph.domain.model.interaction_counts import HOUR, InteractionCounts, counts_by_name
from graph.domain.model.orders import Order, OrderStatus

MAX_TIME_TO_PURCHASE = 90 * DAY
"""A view of a product that is older than this did not lead to the order."""


class ChurnRisk(Enum):
    """How likely a customer is to be lost, measured by the time between the customer's own orders."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class CampaignEngagement(Struct, frozen=True, gc=False):
    """How many emails of a campaign were sent to the customer, opened and clicked."""

    name: str
    sent: int
    opened: int
    clicked: int


class OfferResponse(Struct, frozen=True, gc=False):
    """How often a type of offer (discount, new, a category) was sent or shown to the customer, and clicked."""

    offer_type: str
    impressions: int
    clicks: int

    @property
    def click_rate(self) -> float:
        """Clicks divided by impressions, at most 1; offers with clicks only have as many impressions as clicks."""
        return min(self.clicks / (self.impressions or self.clicks), 1.0)


class Engagement(Struct, frozen=True, gc=False):
    """How a customer typically engages; `None` without any data.

    Counted over all interactions: `interaction_counts` (by type, most frequent first), `offer_responses` (by click
    rate, highest first), `email_open_hour` (0 to 23 in UTC) and `email_open_weekday` (0 for Monday); of several hours
    or weekdays that are equally frequent, the smallest. Counted over the newest interactions and orders: `campaigns`
    and `average_hours_to_purchase`, the mean time from the first view of a product of an order, or adding it to a cart,
    to the order, at most 90 days each.
    """

    email_open_hour: int | None
    email_open_weekday: int | None
    average_hours_to_purchase: float | None
    campaigns: tuple[CampaignEngagement, ...]
    offer_responses: tuple[OfferResponse, ...]
    interaction_counts: Mapping[str, int]


def engagement(
    interaction_counts: InteractionCounts, orders: Sequence[Order], interactions: Sequence[InteractionSummary]
) -> Engagement:
    """The engagement by the counts of all interactions, and by the newest orders and interactions, newest first."""
    times = [time for order in orders if (time := _time_to_purchase(order, orders, interactions)) is not None]
    counts_by_type = counts_by_name(interaction_counts, "did")
    return Engagement(
        _most_frequent(counts_by_name(interaction_counts, "hour")),
        _most_frequent(counts_by_name(interaction_counts, "weekday")),
        round(sum(times) / len(times) / HOUR, 2) if times else None,
        _campaigns(interactions),
        _offer_responses(interaction_counts),
        dict(sorted(counts_by_type.items(), key=lambda item: (-item[1], item[0]))),
    )


def _most_frequent(counts: Mapping[str, int]) -> int | None:
    return min((int(name) for name in counts), key=lambda name: (-counts[str(name)], name), default=None)


def _offer_responses(interaction_counts: InteractionCounts) -> tuple[OfferResponse, ...]:
    shown, reacted = counts_by_name(interaction_counts, "shown"), counts_by_name(interaction_counts, "reacted")
    responses = [OfferResponse(name, shown.get(name, 0), reacted.get(name, 0)) for name in {**shown, **reacted}]
    return tuple(sorted(responses, key=lambda response: (-response.click_rate, -response.clicks, response.offer_type)))


def _time_to_purchase(order: Order, orders: Sequence[Order], interactions: Sequence[InteractionSummary]) -> int | None:
    """The time from the first view of a product of the order, after the previous order of the same, to the order."""
    if order.status is OrderStatus.CANCELLED:
        return None
    skus = order.purchased_skus
    previous = [
        earlier.placed_at for earlier in orders if earlier.placed_at < order.placed_at and skus & earlier.purchased_skus
    ]
    since = max([order.placed_at - MAX_TIME_TO_PURCHASE, *previous])
    views = [
        interaction.occurred_at
        for interaction in interactions
        if interaction.type in ("product_viewed", "product_added")
        and interaction.sku in skus
        and since < interaction.occurred_at <= order.placed_at
    ]
    return order.placed_at - min(views) if views else None


def _campaigns(interactions: Sequence[InteractionSummary]) -> tuple[CampaignEngagement, ...]:
    by_name: dict[str, dict[str, int]] = {}
    for interaction in interactions:
        if interaction.campaign and interaction.type in ("email_sent", "email_opened", "email_link_clicked"):
            counts = by_name.setdefault(interaction.campaign, {})
            counts[interaction.type] = counts.get(interaction.type, 0) + 1
    campaigns = [
        CampaignEngagement(
            name, counts.get("email_sent", 0), counts.get("email_opened", 0), counts.get("email_link_clicked", 0)
        )
        for name, counts in by_name.items()
    ]
    return tuple(sorted(campaigns, key=lambda campaign: (-campaign.clicked, -campaign.opened, campaign.name)))


OVERDUE_RATIOS = (1.5, 3.0)
"""The overdue ratios from which the churn risk is `MEDIUM` and `HIGH`."""


def churn_risk_moments(last_order_at: int | None, mean_order_interval: float | None) -> list[float]:
    """The moments at which time alone changes the churn risk (microseconds, as the mean time between orders)."""
    return (
        []
        if last_order_at is None or mean_order_interval is None
        else [last_order_at + ratio * mean_order_interval for ratio in OVERDUE_RATIOS]
    )


def churn_risk(overdue_ratio: float | None, last_order_at: int | None, unsubscribed_at: int | None) -> ChurnRisk:
    """The churn risk: `MEDIUM` from an overdue ratio of 1.5, `HIGH` from 3.

    A customer who has unsubscribed since the last order is one level higher.
    """
    level = 0 if overdue_ratio is None else sum(overdue_ratio >= ratio for ratio in OVERDUE_RATIOS)
    if unsubscribed_at is not None and (last_order_at is None or unsubscribed_at > last_order_at):
        level += 1
    return list(ChurnRisk)[min(level, 2)]
