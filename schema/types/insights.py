"""How a customer compares with all customers."""

import strawberry

from graph.domain.profile.prediction import Prediction as DomainPrediction
from graph.domain.profile.rfm import Population as DomainPopulation
from graph.domain.profile.rfm import RfmSegment
from graph.domain.profile.rfm import Standing as DomainStanding
from schema.shared.enums import described
from schema.shared.scalars import Timestamp
from schema.types.money import Money, money

described(
    RfmSegment,
    "RfmSegment",
    "Groups of customers by how lately and how often they buy.",
    CHAMPIONS="They buy often, and bought lately.",
    LOYAL="They buy often.",
    POTENTIAL_LOYALIST="They bought lately, and more than once.",
    NEW="They bought for the first time, just now.",
    PROMISING="They bought for the first time, lately.",
    NEEDS_ATTENTION="Neither lately nor long ago, neither often nor seldom.",
    ABOUT_TO_SLEEP="They bought seldom, and not for a while.",
    AT_RISK="They bought often enough, but long ago.",
    CANNOT_LOSE="They bought most often, but long ago.",
    LOST="They bought seldom, and long ago.",
)


@strawberry.type(
    description="How a customer's own figures, as they are now, compare with all customers as they were counted last. "
    "Equal figures score equal."
)
class Comparison:
    """A comparison in GraphQL."""

    recency: int = strawberry.field(description="1 to 5: the later its last order, the more.")
    frequency: int = strawberry.field(description="1 to 5: the more orders, the more.")
    monetary: int = strawberry.field(description="1 to 5: the more revenue in its currency, the more.")
    segment: RfmSegment = strawberry.field(description="The group that recency and frequency name.")
    recency_percentile: int = strawberry.field(
        description="How many per cent of customers ordered before it did, 0 to 99."
    )
    orders_percentile: int = strawberry.field(description="How many per cent have fewer orders, 0 to 99.")
    revenue_percentile: int = strawberry.field(description="How many per cent brought less in its currency, 0 to 99.")
    currency: str = strawberry.field(description="The currency it orders in most often; the others are left out.")
    as_of: Timestamp = strawberry.field(description="When all customers were counted.")

    @classmethod
    def of(cls, one: DomainStanding) -> "Comparison":
        """From the domain's value."""
        return cls(
            recency=one.recency,
            frequency=one.frequency,
            monetary=one.monetary,
            segment=one.segment,
            recency_percentile=one.recency_percentile,
            orders_percentile=one.orders_percentile,
            revenue_percentile=one.revenue_percentile,
            currency=one.currency,
            as_of=Timestamp(one.as_of),
        )


@strawberry.type(
    description="What a customer will probably buy within some weeks, by BG/NBD and Gamma-Gamma. Orders of one day "
    "(UTC) are one purchase."
)
class Prediction:
    """A prediction in GraphQL."""

    weeks: int = strawberry.field(description="Over how many weeks from now.")
    alive: float = strawberry.field(description="The probability that it has not left for good, 0 to 1.")
    purchases: float = strawberry.field(description="How many purchases are to be expected.")
    purchase_value: Money | None = strawberry.field(
        description="What one of them will come to, in the currency it orders in most often; null where too few "
        "customers order in that to tell."
    )
    value: Money | None = strawberry.field(
        description="The value to come: purchases times their value, not discounted. The value so far is "
        "`metrics.revenue`."
    )
    as_of: Timestamp = strawberry.field(description="When the models were fitted.")
    customers: int = strawberry.field(description="To how many customers they were fitted.")

    @classmethod
    def of(cls, one: DomainPrediction) -> "Prediction":
        """From the domain's value."""
        each, value = (
            None if amount is None else Money(amount=money(amount, one.currency, rounded=True), currency=one.currency)
            for amount in (one.purchase_value, one.value)
        )
        return cls(
            weeks=one.weeks,
            alive=round(one.alive, 4),
            purchases=round(one.purchases, 4),
            purchase_value=each,
            value=value,
            as_of=Timestamp(one.as_of),
            customers=one.customers,
        )


@strawberry.type(description="All customers with orders, as they were counted.")
class Population:
    """A count in GraphQL."""

    customers: int = strawberry.field(description="How many customers have orders.")
    as_of: Timestamp = strawberry.field(description="When they were counted.")

    @classmethod
    def of(cls, one: DomainPopulation) -> "Population":
        """From the domain's value."""
        return cls(customers=one.customers, as_of=Timestamp(one.as_of))
