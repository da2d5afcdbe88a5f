"""The rule of a segment on the way in."""

from dataclasses import fields
from enum import Enum
from typing import Any

import strawberry
from strawberry.utils.str_converters import to_camel_case

from graph.domain.profile.consents import Channel, Decision
from graph.domain.profile.engagement import Churn
from graph.domain.profile.journey import Phase
from graph.domain.profile.rfm import RfmSegment
from graph.domain.segments.metric_conditions import Metric
from schema.shared.enums import described

described(
    Metric,
    "SegmentMetric",
    "A figure of a customer that a segment can ask for.",
    ORDERS="How many orders, returned ones included.",
    REVENUE="Revenue in a currency, returned orders left out.",
    AVERAGE_ORDER_VALUE="Revenue divided by orders, in a currency.",
    DAYS_SINCE_FIRST_ORDER="Whole days since the first order.",
    DAYS_SINCE_LAST_ORDER="Whole days since the last order.",
    MEAN_DAYS_BETWEEN_ORDERS="From the first order to the last, divided by the orders after the first.",
    SILENCE="The time since the last order, in means of the customer's own time between orders.",
    RECENCY_SCORE="1 to 5, against all customers as they were counted last.",
    FREQUENCY_SCORE="1 to 5, against all customers as they were counted last.",
    MONETARY_SCORE="1 to 5, against all customers as they were counted last.",
    ORDERS_PERCENTILE="How many per cent have fewer orders, 0 to 99.",
    REVENUE_PERCENTILE="How many per cent brought less in its currency, 0 to 99.",
    PROBABILITY_ALIVE="The probability that it has not left for good, 0 to 1; looked at daily.",
    EXPECTED_PURCHASES="Purchases to be expected within 52 weeks; looked at daily.",
    EXPECTED_VALUE="Their value, in the currency it orders in most often; looked at daily.",
)


@strawberry.input(description="What the profile shows of an attribute; all that is asked must hold.")
class AttributeCondition:
    """A condition on an attribute."""

    name: str = strawberry.field(description="The attribute; of an address a part, such as `address.city`.")
    present: bool | None = strawberry.field(default=None, description="Whether there is a value at all.")
    in_: list[str] | None = strawberry.field(
        default=None, name="in", description="It is one of these, upper or lower case."
    )
    contains: str | None = strawberry.field(default=None, description="It holds this, upper or lower case.")
    at_least: str | None = strawberry.field(default=None, description="A number or date it does not lie below.")
    at_most: str | None = strawberry.field(default=None, description="A number or date it does not lie above.")
    years_at_least: int | None = strawberry.field(default=None, description="Full years since the date, at least.")
    years_at_most: int | None = strawberry.field(default=None, description="Full years since the date, at most.")
    anniversary_within: int | None = strawberry.field(
        default=None, description="The date comes round within so many days; 0 on the day itself (UTC)."
    )


@strawberry.input(description="A figure lies between two, both included. Without the figure it does not.")
class MetricCondition:
    """A condition on a figure."""

    name: Metric = strawberry.field(description="Which figure.")
    at_least: float | None = strawberry.field(default=None, description="Not below this.")
    at_most: float | None = strawberry.field(default=None, description="Not above this.")
    currency: str | None = strawberry.field(
        default=None, description="Of which currency, where it is money; else that of most orders."
    )


@strawberry.input(description="Interactions of some kind.")
class InteractionCondition:
    """A condition on interactions."""

    types: list[str] | None = strawberry.field(default=None, description="Of one of these types; else of any.")
    channels: list[str] | None = strawberry.field(default=None, description="Through one of these channels.")
    campaign: str | None = strawberry.field(default=None, description="Of this campaign.")
    sku: str | None = strawberry.field(default=None, description="About this article.")
    days: int | None = strawberry.field(default=None, description="Within so many days up to now, 1 to 3,650; or ever.")
    at_least: int = strawberry.field(default=1, description="At least so many, 1 to 100.")


@strawberry.input(
    description="Orders that hold one of some articles, of the newest 100 that were neither cancelled nor returned."
)
class OrderCondition:
    """A condition on orders."""

    skus: list[str] | None = strawberry.field(default=None, description="One of these articles.")
    categories: list[str] | None = strawberry.field(default=None, description="An article of one of these categories.")
    brands: list[str] | None = strawberry.field(default=None, description="An article of one of these brands.")
    days: int | None = strawberry.field(default=None, description="Within so many days up to now, 1 to 3,650; or ever.")
    at_least: int = strawberry.field(default=1, description="At least so many, 1 to 100.")


@strawberry.input(description="The customer's answer for a purpose, as `Customer.consent` gives it.")
class ConsentCondition:
    """A condition on consent."""

    purpose: str = strawberry.field(description="What for.")
    channel: Channel | None = strawberry.field(default=None, description="Through which channel.")
    decisions: list[Decision] = strawberry.field(description="It is one of these.")


@strawberry.input(description="A segment that somebody else says the customer belongs to.")
class OutsideCondition:
    """A condition on segments of others."""

    segment: str = strawberry.field(description="Their name for it.")
    source: str | None = strawberry.field(default=None, description="By whose word; else by anybody's.")


@strawberry.input(one_of=True, description="What a segment asks: exactly one of these.")
class SegmentRuleInput:
    """A rule."""

    all: list["SegmentRuleInput"] | None = strawberry.field(
        default=strawberry.UNSET, description="All of these hold; up to 8 levels, 50 conditions."
    )
    any: list["SegmentRuleInput"] | None = strawberry.field(
        default=strawberry.UNSET, description="At least one of these holds."
    )
    not_: "SegmentRuleInput | None" = strawberry.field(
        default=strawberry.UNSET, name="not", description="This does not hold."
    )
    attribute: AttributeCondition | None = strawberry.field(
        default=strawberry.UNSET, description="What the profile shows of an attribute."
    )
    metric: MetricCondition | None = strawberry.field(
        default=strawberry.UNSET, description="A figure lies between two."
    )
    rfm: list[RfmSegment] | None = strawberry.field(
        default=strawberry.UNSET, description="The group of recency and frequency is one of these."
    )
    phase: list[Phase] | None = strawberry.field(
        default=strawberry.UNSET, description="The phase of the journey is one of these."
    )
    churn: list[Churn] | None = strawberry.field(
        default=strawberry.UNSET, description="The churn signal is one of these."
    )
    interaction: InteractionCondition | None = strawberry.field(
        default=strawberry.UNSET, description="There are interactions of some kind."
    )
    order: OrderCondition | None = strawberry.field(default=strawberry.UNSET, description="There are such orders.")
    consent: ConsentCondition | None = strawberry.field(
        default=strawberry.UNSET, description="Consent is as it is asked for."
    )
    outside_segment: OutsideCondition | None = strawberry.field(
        default=strawberry.UNSET, description="Somebody else counts it to a segment."
    )
    namespace: str | None = strawberry.field(
        default=strawberry.UNSET, description="It holds an identifier of this namespace."
    )
    known: bool | None = strawberry.field(
        default=strawberry.UNSET, description="It is known (true) or anonymous (false)."
    )


def plain(value: Any) -> Any:
    """A rule as it was sent: names as GraphQL spells them, and nothing that was left out."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, list):
        return [plain(one) for one in value]
    if not hasattr(value, "__dataclass_fields__"):
        return value
    found = {to_camel_case(field.name.rstrip("_")): getattr(value, field.name) for field in fields(value)}
    return {name: plain(one) for name, one in found.items() if one is not None and one is not strawberry.UNSET}
