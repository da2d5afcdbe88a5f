"""The rule of a segment as clients send it."""

from dataclasses import fields
from enum import Enum
from typing import Any

import strawberry
from strawberry.utils.str_converters import to_camel_case

from graph.domain.profile.consents import Decision
from graph.domain.profile.engagement import ChurnRisk
from graph.domain.profile.journey import JourneyStage
from graph.domain.profile.rfm import RfmGroup
from graph.domain.segments.metric_conditions import Metric
from schema.shared.channels import Channel
from schema.shared.enums import describe_enum
from schema.shared.property_condition import PropertyCondition

describe_enum(
    Metric,
    "SegmentMetric",
    "A metric of a customer that a segment's rule can use.",
    ORDER_COUNT="The number of orders, including returned orders.",
    REVENUE="The revenue in a currency: totals of orders less refunds, without returned orders.",
    AVERAGE_ORDER_VALUE="The average order value in a currency.",
    DAYS_SINCE_FIRST_ORDER="The number of full days since the first order.",
    DAYS_SINCE_LAST_ORDER="The number of full days since the last order.",
    AVERAGE_DAYS_BETWEEN_ORDERS="The average number of days from one order to the next.",
    OVERDUE_RATIO="The time since the last order, divided by the average time between orders. E.g. `2.0`.",
    RECENCY_SCORE="The RFM recency score, 1 to 5.",
    FREQUENCY_SCORE="The RFM frequency score, 1 to 5.",
    MONETARY_SCORE="The RFM monetary score, 1 to 5.",
    ORDERS_PERCENTILE="The percentage of customers with fewer orders, 0 to 99.",
    REVENUE_PERCENTILE="The percentage of customers with less revenue in the same currency, 0 to 99.",
    PROBABILITY_ALIVE="The predicted probability that the customer is still active, 0 to 1. Evaluated daily.",
    EXPECTED_PURCHASES="The predicted number of purchases in the next 52 weeks. Evaluated daily.",
    EXPECTED_VALUE="The predicted value of the purchases in the next 52 weeks, in the customer's main currency. "
    "Evaluated daily.",
)


@strawberry.input(
    description="A condition on an attribute of the profile. All fields that are set must match. Texts are compared "
    "without regard to case."
)
class AttributeCondition:
    """A condition on an attribute."""

    name: str = strawberry.field(
        description="The name of the attribute, or of a part of an address. E.g. `interests` or `address.city`."
    )
    exists: bool | None = strawberry.field(default=None, description="Whether the attribute has a value.")
    in_: list[str] | None = strawberry.field(default=None, name="in", description="The value is one of these.")
    contains: str | None = strawberry.field(default=None, description="The value contains this text.")
    min: str | None = strawberry.field(
        default=None, description="The value is at least this number or date. E.g. `1980-01-01`."
    )
    max: str | None = strawberry.field(
        default=None, description="The value is at most this number or date. E.g. `1989-12-31`."
    )
    min_years: int | None = strawberry.field(
        default=None, description="At least this number of full years have passed since the date. E.g. an age of `18`."
    )
    max_years: int | None = strawberry.field(
        default=None, description="At most this number of full years have passed since the date."
    )
    anniversary_within_days: int | None = strawberry.field(
        default=None,
        description="The next anniversary of the date is at most this number of days away; 0 means today (UTC). E.g. a "
        "birthday within `7` days.",
    )


@strawberry.input(
    description="A condition on a metric. The metric is between `min` and `max`, both inclusive. A customer without "
    "the metric does not match."
)
class MetricCondition:
    """A condition on a metric."""

    name: Metric = strawberry.field(description="The metric.")
    min: float | None = strawberry.field(default=None, description="The minimum value.")
    max: float | None = strawberry.field(default=None, description="The maximum value.")
    currency: str | None = strawberry.field(
        default=None,
        description="For amounts of money, the ISO 4217 code of the currency. Without it, the customer's main "
        "currency: the one of most of its orders.",
    )


@strawberry.input(description="A condition on interactions. All fields that are set must match.")
class InteractionCondition:
    """A condition on interactions."""

    types: list[str] | None = strawberry.field(
        default=None, description="The interaction has one of these types. E.g. `product_viewed`."
    )
    channels: list[str] | None = strawberry.field(
        default=None, description="The interaction has one of these channels. E.g. `email`."
    )
    campaign: str | None = strawberry.field(
        default=None, description="The interaction belongs to this campaign. E.g. `spring-sale`."
    )
    sku: str | None = strawberry.field(
        default=None, description="The interaction is about the product with this stock-keeping unit."
    )
    within_days: int | None = strawberry.field(
        default=None,
        description="The interaction occurred within this number of days, 1 to 3,650. Without it, at any time.",
    )
    min_count: int = strawberry.field(default=1, description="At least this number of interactions match, 1 to 100.")
    properties: list[PropertyCondition] | None = strawberry.field(
        default=None, description="The properties of the interaction meet all of these conditions, up to 10."
    )


@strawberry.input(description="A condition on an attribute of a product.")
class ProductAttributeCondition:
    """A condition on an attribute of a product."""

    name: str = strawberry.field(description="The name of the attribute, as it was sent. E.g. `size`.")
    values: list[str] = strawberry.field(
        description="The attribute is one of these, in any case, or one of its texts is. A number is its digits, and a "
        "truth value is `true` or `false`. E.g. `M`."
    )


@strawberry.input(
    description="A condition on orders. An order matches if one of its lines is of one of the products, categories or "
    "brands, and of a product with all of the attributes; if none are given, any order matches. The newest 100 orders "
    "are considered, without canceled and returned ones."
)
class OrderCondition:
    """A condition on orders."""

    skus: list[str] | None = strawberry.field(
        default=None, description="The stock-keeping units of products. E.g. `SHIRT-M-BLUE`."
    )
    categories: list[str] | None = strawberry.field(
        default=None,
        description="The paths of product categories, from the highest level on. A product is in each level of its "
        "path. E.g. `shirts`, or `Clothing > Women` for `Clothing > Women > Dresses` too.",
    )
    brands: list[str] | None = strawberry.field(default=None, description="The names of brands.")
    within_days: int | None = strawberry.field(
        default=None,
        description="The order was placed within this number of days, 1 to 3,650. Without it, at any time.",
    )
    min_count: int = strawberry.field(default=1, description="At least this number of orders match, 1 to 100.")
    product_attributes: list[ProductAttributeCondition] | None = strawberry.field(
        default=None, description="The product of the line has all of these attributes."
    )


@strawberry.input(description="A condition on the customer's consent, as returned by `Customer.consent`.")
class ConsentCondition:
    """A condition on consent."""

    purpose: str = strawberry.field(description="The purpose of the data use. E.g. `newsletter`.")
    channel: Channel | None = strawberry.field(
        default=None, description="The channel. Without it, only decisions for all channels apply."
    )
    decisions: list[Decision] = strawberry.field(description="The decision in effect is one of these.")


@strawberry.input(
    description="A condition on addresses: at least one may be contacted now, as `Customer.contactableAddresses` says."
)
class ContactableCondition:
    """A condition on addresses that may be contacted."""

    purpose: str = strawberry.field(description="The purpose of the message. E.g. `newsletter`.")
    channel: Channel = strawberry.field(description="The channel of the message. E.g. `EMAIL`.")


@strawberry.input(description="A condition on membership in an external segment.")
class ExternalSegmentCondition:
    """A condition on external segments."""

    segment: str = strawberry.field(description="The name of the segment at its source. E.g. `likely-movers`.")
    source: str | None = strawberry.field(
        default=None, description="The source that reported the membership. Without it, any source."
    )


@strawberry.input(
    one_of=True,
    description="The rule of a segment: exactly one of these fields. Combine conditions by `all`, `any` and `not`; up "
    "to 8 levels and 50 conditions.",
)
class SegmentRuleInput:
    """A rule."""

    all: list["SegmentRuleInput"] | None = strawberry.field(
        default=strawberry.UNSET, description="All of these rules match."
    )
    any: list["SegmentRuleInput"] | None = strawberry.field(
        default=strawberry.UNSET, description="At least one of these rules matches."
    )
    not_: "SegmentRuleInput | None" = strawberry.field(
        default=strawberry.UNSET, name="not", description="This rule does not match."
    )
    attribute: AttributeCondition | None = strawberry.field(
        default=strawberry.UNSET, description="An attribute of the profile matches this condition."
    )
    metric: MetricCondition | None = strawberry.field(
        default=strawberry.UNSET, description="A metric matches this condition."
    )
    rfm_group: list[RfmGroup] | None = strawberry.field(
        default=strawberry.UNSET, description="The RFM group is one of these."
    )
    journey_stage: list[JourneyStage] | None = strawberry.field(
        default=strawberry.UNSET, description="The journey stage is one of these."
    )
    churn_risk: list[ChurnRisk] | None = strawberry.field(
        default=strawberry.UNSET, description="The churn risk is one of these."
    )
    interaction: InteractionCondition | None = strawberry.field(
        default=strawberry.UNSET, description="There are interactions that match this condition."
    )
    order: OrderCondition | None = strawberry.field(
        default=strawberry.UNSET, description="There are orders that match this condition."
    )
    consent: ConsentCondition | None = strawberry.field(
        default=strawberry.UNSET, description="The consent matches this condition."
    )
    contactable: ContactableCondition | None = strawberry.field(
        default=strawberry.UNSET, description="An address may be contacted for a purpose through a channel."
    )
    external_segment: ExternalSegmentCondition | None = strawberry.field(
        default=strawberry.UNSET, description="The customer is a member of this external segment."
    )
    has_namespace: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The customer has an identifier of this namespace. E.g. `loyalty_card`.",
    )
    known: bool | None = strawberry.field(
        default=strawberry.UNSET, description="The customer is known (true) or anonymous (false)."
    )


def rule_values(value: Any) -> Any:
    """Return a rule as plain JSON values, as it was sent: GraphQL names, without fields that were omitted."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, list):
        return [rule_values(item) for item in value]
    if not hasattr(value, "__dataclass_fields__"):
        return value
    values = {to_camel_case(field.name.rstrip("_")): getattr(value, field.name) for field in fields(value)}
    return {
        name: rule_values(item) for name, item in values.items() if item is not None and item is not strawberry.UNSET
    }
