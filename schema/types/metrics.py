"""A customer's order metrics in GraphQL."""

from typing import cast

import strawberry

from graph.domain.access.scopes import METRICS_READ, ORDER_COUNT
from graph.domain.profile.metrics import Metrics as DomainMetrics
from schema.shared.derived_fields import Derived
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp
from schema.types.money import Money

_of_metrics = Derived[DomainMetrics]()


@requires(METRICS_READ, order_count=ORDER_COUNT)
@strawberry.type(description="Metrics over all orders of a customer. Canceled orders are not counted.")
class Metrics:
    """Metrics; at run time the domain's value."""

    order_count: int = strawberry.field(description="The number of orders, including returned orders.")
    revenue: list[Money] = _of_metrics(
        lambda metrics: [Money.of(total) for total in metrics.revenue],
        "The total revenue per currency: totals of orders less refunds, without returned orders.",
    )
    average_order_value: list[Money] = _of_metrics(
        lambda metrics: [Money.of(average, rounded=True) for average in metrics.average_order_value],
        "The average order value per currency: revenue divided by the number of orders, rounded to the decimals of the "
        "currency.",
    )
    first_order_at: Timestamp | None = strawberry.field(
        description="When the first order was placed. Null without orders."
    )
    last_order_at: Timestamp | None = strawberry.field(
        description="When the last order was placed. Null without orders."
    )
    days_since_last_order: int | None = strawberry.field(
        description="The number of full days (24 hours) since the last order. Null without orders."
    )
    tenure_years: float | None = strawberry.field(
        description="The number of years (365.25 days) since the first order. E.g. `2.5`. Null without orders."
    )
    average_days_between_orders: float | None = strawberry.field(
        description="The average number of days from one order to the next. Null with fewer than two orders, "
        "or if all were placed at the same time."
    )
    overdue_ratio: float | None = _of_metrics(
        lambda metrics: None if metrics.overdue_ratio is None else round(metrics.overdue_ratio, 2),
        "Days since the last order, divided by `averageDaysBetweenOrders`. E.g. `2.0` if twice the usual time has "
        "passed. Null if `averageDaysBetweenOrders` is null.",
    )

    @classmethod
    def of(cls, metrics: DomainMetrics) -> "Metrics":
        """Return the domain's value as its GraphQL type."""
        return cast("Metrics", metrics)
