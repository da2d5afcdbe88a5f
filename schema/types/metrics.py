"""A customer's figures over its orders, in GraphQL."""

from typing import cast

import strawberry

from graph.domain.profile.metrics import Metrics as DomainMetrics
from schema.shared.derived_fields import Derived
from schema.shared.scalars import Timestamp
from schema.types.money import Money

_of_metrics = Derived[DomainMetrics]()


@strawberry.type(description="Figures over all orders of a customer that are not cancelled.")
class Metrics:
    """Metrics in GraphQL, over the domain's value."""

    orders: int = strawberry.field(description="How many orders, returned ones included.")
    revenue: list[Money] = _of_metrics(
        lambda one: [Money.of(sum) for sum in one.revenue], "By currency, returned orders left out."
    )
    average_order_value: list[Money] = _of_metrics(
        lambda one: [Money.of(mean, rounded=True) for mean in one.average_order_value],
        "By currency: revenue divided by orders, rounded to the decimals of the currency.",
    )
    first_order_at: Timestamp | None = strawberry.field(description="When the first was placed.")
    last_order_at: Timestamp | None = strawberry.field(description="When the last was placed.")
    days_since_last_order: int | None = strawberry.field(description="Whole days of 24 hours from then to now.")
    years_as_customer: float | None = strawberry.field(description="Years of 365.25 days from the first order to now.")
    mean_days_between_orders: float | None = strawberry.field(
        description="Days from the first order to the last, divided by the orders after the first; null below two."
    )
    silence: float | None = _of_metrics(
        lambda one: None if one.silence is None else round(one.silence, 2),
        "Days since the last order, in means of its own days between orders: above 1 it is late.",
    )

    @classmethod
    def of(cls, metrics: DomainMetrics) -> "Metrics":
        """The domain's value in GraphQL."""
        return cast("Metrics", metrics)
