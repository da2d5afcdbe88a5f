"""Order totals: sums over the orders of a customer, stored at the customer, so that no look-up scans orders."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct
from msgspec.json import Decoder

from graph.domain.model.dates import DAY
from graph.domain.model.json_text import compact
from graph.domain.model.orders import Order, OrderStatus, format_decimal


class CurrencyTotals(Struct, frozen=True, gc=False):
    """The totals of the orders in one currency. Canceled orders are left out, returned ones count except for revenue.

    Revenue is the total less refunds.

    `orders_by_day` counts orders by the day they were placed, in days since 1970 (UTC): the prediction of purchases
    treats the orders of one day as one purchase. `first_day_revenue` is the revenue of the first of these days. Times
    are in microseconds.
    """

    order_count: int
    revenue: Decimal
    first_order_at: int
    last_order_at: int
    orders_by_day: Mapping[int, int]
    first_day_revenue: Decimal

    @property
    def first_order_day(self) -> int:
        """The day of the first order."""
        return self.first_order_at // DAY


OrderTotals = Mapping[str, CurrencyTotals]
"""Totals by currency."""


def main_currency(order_totals: OrderTotals) -> str:
    """Return the currency of most orders; of several, the first by name."""
    return min(order_totals, key=lambda currency: (-order_totals[currency].order_count, currency))


def order_totals_of(order: Order | None) -> OrderTotals:
    """Return what one order adds to the totals of its customer."""
    if order is None or order.status is OrderStatus.CANCELLED:
        return {}
    at = order.placed_at
    return {order.currency: CurrencyTotals(1, order.revenue, at, at, {at // DAY: 1}, order.revenue)}


def add(summands: Iterable[OrderTotals]) -> OrderTotals:
    """Add order totals."""
    by_currency: dict[str, list[CurrencyTotals]] = {}
    for order_totals in summands:
        for currency, totals in order_totals.items():
            by_currency.setdefault(currency, []).append(totals)
    return {currency: parts[0] if len(parts) == 1 else _merged(parts) for currency, parts in by_currency.items()}


def _merged(parts: Sequence[CurrencyTotals]) -> CurrencyTotals:
    days: dict[int, int] = {}
    for part in parts:
        for day, count in part.orders_by_day.items():
            days[day] = days.get(day, 0) + count
    first_day = min(part.first_order_day for part in parts)
    return CurrencyTotals(
        sum(part.order_count for part in parts),
        sum((part.revenue for part in parts), Decimal(0)),
        min(part.first_order_at for part in parts),
        max(part.last_order_at for part in parts),
        days,
        sum((part.first_day_revenue for part in parts if part.first_order_day == first_day), Decimal(0)),
    )


def subtract(order_totals: OrderTotals, removed: OrderTotals) -> OrderTotals | None:
    """Subtract the totals of one order; `None` if it is the first or last, so that all orders must be added again."""
    rest = dict(order_totals)
    for currency, less in removed.items():
        totals = rest[currency]
        if totals.order_count == less.order_count:
            del rest[currency]
            continue
        if less.first_order_at == totals.first_order_at or less.last_order_at == totals.last_order_at:
            return None
        days = {day: count - less.orders_by_day.get(day, 0) for day, count in totals.orders_by_day.items()}
        rest[currency] = CurrencyTotals(
            totals.order_count - less.order_count,
            totals.revenue - less.revenue,
            totals.first_order_at,
            totals.last_order_at,
            {day: count for day, count in days.items() if count},
            totals.first_day_revenue
            - (less.first_day_revenue if less.first_order_day == totals.first_order_day else 0),
        )
    return rest


def order_totals_to_json(order_totals: OrderTotals) -> str:
    """Write order totals as JSON text for a store; days as gaps, each followed by its count unless that is 1."""
    return compact(
        {
            currency: [
                totals.order_count,
                format_decimal(totals.revenue),
                totals.first_order_at,
                totals.last_order_at,
                format_decimal(totals.first_day_revenue),
                _day_gaps_of(totals.orders_by_day),
            ]
            for currency, totals in sorted(order_totals.items())
        }
    )


def order_totals_from_json(text: str) -> OrderTotals:
    """Parse the text that `order_totals_to_json` wrote."""
    if text == "{}":
        return {}
    return {
        currency: CurrencyTotals(
            stored.order_count,
            stored.revenue,
            stored.first_order_at,
            stored.last_order_at,
            _days_from_gaps(stored.day_gaps),
            stored.first_day_revenue,
        )
        for currency, stored in _DECODER.decode(text).items()
    }


class _StoredTotals(Struct, frozen=True, gc=False, array_like=True):
    """Totals of one currency as they are stored."""

    order_count: int
    revenue: Decimal
    first_order_at: int
    last_order_at: int
    first_day_revenue: Decimal
    day_gaps: list[int | list[int]]


_DECODER = Decoder(dict[str, _StoredTotals])


def _day_gaps_of(days: Mapping[int, int]) -> list[int | list[int]]:
    gaps: list[int | list[int]] = []
    before = 0
    for day in sorted(days):
        gaps.append(day - before if days[day] == 1 else [day - before, days[day]])
        before = day
    return gaps


def _days_from_gaps(gaps: Iterable[int | list[int]]) -> dict[int, int]:
    days: dict[int, int] = {}
    day = 0
    for item in gaps:
        gap, count = (item, 1) if isinstance(item, int) else item
        day += gap
        days[day] = count
    return days
