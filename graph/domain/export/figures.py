"""The figures of an export: what was calculated about the person, each with the rule behind it."""

from decimal import Decimal
from enum import Enum
from typing import Any

from msgspec import Struct

from graph.domain.export.document import ExportedFigure
from graph.domain.model.interaction_counts import add
from graph.domain.model.times import iso
from graph.domain.profile.engagement import engagement
from graph.domain.profile.favorites import favorites
from graph.domain.profile.insights import PREDICTION_WEEKS, UNSUBSCRIBED, CustomerInsights
from graph.domain.profile.pages import InteractionCountsPage

INTERACTION_COUNTS = InteractionCountsPage()
_METRICS = (
    "Counted over all orders that are not canceled. Revenue is the total of orders less refunds, without returned "
    "orders, and the average divides it by the number of orders."
)
_RFM = (
    "The recency, number and revenue of the orders, compared with those of all customers with orders at the last "
    "calculation: 5 is the highest fifth. The group follows from the scores of recency and frequency."
)
_PREDICTION = (
    "The BG/NBD and Gamma-Gamma models, fitted to the orders of all customers and applied to those of the person. All "
    "orders of one day are one purchase."
)
_CHURN_RISK = (
    "By the time since the last order, divided by the mean time between the person's own orders, and higher if the "
    "person unsubscribed from emails since then."
)
_ENGAGEMENT = (
    "Counted over all interactions; campaigns and the hours to a purchase over the newest 500 interactions and 100 "
    "orders."
)
_UNDELIVERABLE = (
    "The email addresses that refused an email for good, unless an email arrived later, or the person confirmed a "
    "double opt-in later."
)
_FAVORITES = "The categories and brands of the products in the newest 100 orders, those of most orders first."


def figures(insights: CustomerInsights) -> tuple[ExportedFigure, ...]:
    """Return what was calculated about a person."""
    rules = insights.catalog.journey
    journey = (
        f"Purchase: an open order is not older than {rules.purchase_days} days. Consideration: a product was added to "
        f"a cart, or a checkout started, in the last {rules.consideration_days} days and since the last order. Post "
        f"purchase: an order is not older than {rules.post_purchase_days} days. Discovery: another interaction is not "
        f"older than {rules.discovery_days} days. Lapsed: none of these."
    )
    unsubscribed = [entry.position[0] for entry in insights.page(UNSUBSCRIBED)]
    engaged = engagement(add(insights.page(INTERACTION_COUNTS)), insights.orders, insights.interactions)
    categories, brands = favorites(insights.orders, insights.products)
    return (
        ExportedFigure("metrics", plain(insights.metrics), _METRICS),
        ExportedFigure("rfm", plain(insights.rfm), _RFM),
        ExportedFigure("prediction", plain(insights.prediction), f"{_PREDICTION} Over {PREDICTION_WEEKS} weeks."),
        ExportedFigure("journey", plain(insights.journey), journey),
        ExportedFigure("churnRisk", plain(insights.churn_risk), _CHURN_RISK),
        ExportedFigure(
            "engagement",
            plain(engaged) | {"unsubscribedAt": iso(max(unsubscribed)) if unsubscribed else None},
            _ENGAGEMENT,
        ),
        ExportedFigure("undeliverableAddresses", _addresses(insights), _UNDELIVERABLE),
        ExportedFigure("favorites", {"categories": plain(categories), "brands": plain(brands)}, _FAVORITES),
    )


def _addresses(insights: CustomerInsights) -> list[dict[str, str]]:
    parts = ((address.key.partition("="), address.since) for address in insights.undeliverable.values())
    return [{"namespace": namespace, "value": value, "since": iso(since)} for (namespace, _, value), since in parts]


def plain(value: Any, name: str = "") -> Any:
    """Return a value of the domain as JSON; `name` is the name of the field that has it, which says if it is a time."""
    match value:
        case Struct():
            return {_camel(field): plain(getattr(value, field), field) for field in value.__struct_fields__}
        case Enum():
            return value.name
        case Decimal():
            return format(value, "f")
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case int() if name == "since" or name.endswith("_at"):
            return iso(value)
        case _:
            return value


def _camel(name: str) -> str:
    first, *more = name.split("_")
    return first + "".join(word.capitalize() for word in more)
