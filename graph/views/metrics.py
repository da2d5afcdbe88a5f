"""The figures of a customer's orders."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from graph.domain.observations import DAY
from graph.domain.orders import Figures


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in a currency (ISO 4217)."""

    currency: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Metrics:
    """Figures over all orders that are not cancelled; money leaves returned orders out and is by currency.

    `average_order_value` is revenue divided by orders, of one currency. Times in microseconds.
    """

    orders: int
    revenue: Sequence[Money]
    average_order_value: Sequence[Money]
    first_order_at: int | None
    last_order_at: int | None
    days_since_last_order: int | None


def metrics(figures: Figures, now: int) -> Metrics:
    """The figures as of `now` (microseconds)."""
    by_currency = sorted(figures.items())
    last = max((sums.last_order for sums in figures.values()), default=None)
    return Metrics(
        sum(sums.orders for sums in figures.values()),
        [Money(currency, sums.revenue) for currency, sums in by_currency],
        [Money(currency, sums.revenue / sums.orders) for currency, sums in by_currency],
        min((sums.first_order for sums in figures.values()), default=None),
        last,
        None if last is None else max(0, (now - last) // DAY),
    )
