"""The metrics of a customer's orders."""

from collections.abc import Sequence

from msgspec import Struct

from graph.domain.model.dates import DAY
from graph.domain.model.money import Money
from graph.domain.model.order_totals import OrderTotals

YEAR = 365.25 * DAY


class Metrics(Struct, frozen=True, gc=False):
    """Metrics of all orders that are not canceled. Money is by currency, less refunds and without returned orders.

    `average_order_value` is the revenue of a currency divided by its orders. Times in microseconds.
    """

    order_count: int
    revenue: Sequence[Money]
    average_order_value: Sequence[Money]
    first_order_at: int | None
    last_order_at: int | None
    days_since_last_order: int | None
    tenure_years: float | None = None
    """From the first order to now, in years of 365.25 days."""
    average_days_between_orders: float | None = None
    """From the first order to the last, divided by the orders after the first; `None` with fewer than two."""
    overdue_ratio: float | None = None
    """The time since the last order, divided by the mean time between the customer's orders: above 1 it is overdue."""


def mean_order_interval(order_totals: OrderTotals) -> float | None:
    """The mean time between orders, in microseconds: from the first to the last, divided by the orders after the first.

    `None` with fewer than two orders, or if all were placed at the same moment.
    """
    first = min((totals.first_order_at for totals in order_totals.values()), default=0)
    last = max((totals.last_order_at for totals in order_totals.values()), default=0)
    order_count = sum(totals.order_count for totals in order_totals.values())
    return None if order_count < 2 or last == first else (last - first) / (order_count - 1)


def metrics(order_totals: OrderTotals, now: int) -> Metrics:
    """The metrics as of `now` (microseconds)."""
    by_currency = sorted(order_totals.items())
    first = min((totals.first_order_at for totals in order_totals.values()), default=None)
    order_count = sum(totals.order_count for totals in order_totals.values())
    last = max((totals.last_order_at for totals in order_totals.values()), default=None)
    mean = mean_order_interval(order_totals)
    return Metrics(
        order_count,
        [Money(currency, totals.revenue) for currency, totals in by_currency],
        [Money(currency, totals.revenue / totals.order_count) for currency, totals in by_currency],
        first,
        last,
        None if last is None else max(0, (now - last) // DAY),
        None if first is None else round(max(0, now - first) / YEAR, 2),
        None if mean is None else round(mean / DAY, 2),
        None if mean is None or last is None else max(0, now - last) / mean,
    )
