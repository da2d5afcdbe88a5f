"""The figures of a customer's orders."""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from graph.domain.model.dates import DAY
from graph.domain.model.order_totals import Figures

YEAR = 365.25 * DAY


class Money(Struct, frozen=True, gc=False):
    """An amount in a currency (ISO 4217)."""

    currency: str
    amount: Decimal


class Metrics(Struct, frozen=True, gc=False):
    """Figures over all orders that are not cancelled; money leaves returned orders out and is by currency.

    `average_order_value` is revenue divided by orders, of one currency. Times in microseconds.
    """

    orders: int
    revenue: Sequence[Money]
    average_order_value: Sequence[Money]
    first_order_at: int | None
    last_order_at: int | None
    days_since_last_order: int | None
    years_as_customer: float | None = None
    """From the first order to now, in years of 365.25 days."""
    mean_days_between_orders: float | None = None
    """From the first order to the last, divided by the orders after the first; `None` with fewer than two."""
    silence: float | None = None
    """Days since the last order, in means of the customer's own days between orders: above 1 it is late."""


def rhythm(figures: Figures) -> float | None:
    """The mean time between orders, in microseconds: from the first to the last, by the orders after the first.

    `None` with fewer than two orders, or where all were placed at one moment.
    """
    first = min((sums.first_order for sums in figures.values()), default=0)
    last = max((sums.last_order for sums in figures.values()), default=0)
    orders = sum(sums.orders for sums in figures.values())
    return None if orders < 2 or last == first else (last - first) / (orders - 1)


def metrics(figures: Figures, now: int) -> Metrics:
    """The figures as of `now` (microseconds)."""
    by_currency = sorted(figures.items())
    first = min((sums.first_order for sums in figures.values()), default=None)
    orders = sum(sums.orders for sums in figures.values())
    last = max((sums.last_order for sums in figures.values()), default=None)
    mean = rhythm(figures)
    return Metrics(
        orders,
        [Money(currency, sums.revenue) for currency, sums in by_currency],
        [Money(currency, sums.revenue / sums.orders) for currency, sums in by_currency],
        first,
        last,
        None if last is None else max(0, (now - last) // DAY),
        None if first is None else round(max(0, now - first) / YEAR, 2),
        None if mean is None else round(mean / DAY, 2),
        None if mean is None or last is None else max(0, now - last) / mean,
    )
