"""Figures folded from orders, kept at the customer (design.md §3): they follow memberships, and no look-up scans."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct
from msgspec.json import Decoder

from graph.domain.model.dates import DAY
from graph.domain.model.json_text import compact
from graph.domain.model.orders import Order, OrderStatus, plain


class Sums(Struct, frozen=True, gc=False):
    """Figures of the orders in one currency; cancelled orders count nowhere, returned ones not in revenue.

    `days` counts orders by the day they were placed, in days since 1970 (UTC): orders of one day are one purchase
    where purchases are predicted. `first_day` is the revenue of the first of these days. Times in microseconds.
    """

    orders: int
    revenue: Decimal
    first_order: int
    last_order: int
    days: Mapping[int, int]
    first_day: Decimal

    @property
    def first_day_no(self) -> int:
        """The day of the first order."""
        return self.first_order // DAY


Figures = Mapping[str, Sums]
"""Currency to the sums in it."""


def main_currency(figures: Figures) -> str:
    """The currency of most orders; of several the first by name."""
    return min(figures, key=lambda one: (-figures[one].orders, one))


def figures_of(order: Order | None) -> Figures:
    """What one order adds to the figures of its customer."""
    if order is None or order.status is OrderStatus.CANCELLED:
        return {}
    revenue = Decimal(0) if order.status is OrderStatus.RETURNED else order.total
    at = order.placed_at
    return {order.currency: Sums(1, revenue, at, at, {at // DAY: 1}, revenue)}


def add(figures: Iterable[Figures]) -> Figures:
    """The sum of figures."""
    parts: dict[str, list[Sums]] = {}
    for one in figures:
        for currency, sums in one.items():
            parts.setdefault(currency, []).append(sums)
    return {currency: mine[0] if len(mine) == 1 else _joined(mine) for currency, mine in parts.items()}


def _joined(parts: Sequence[Sums]) -> Sums:
    days: dict[int, int] = {}
    for part in parts:
        for day, count in part.days.items():
            days[day] = days.get(day, 0) + count
    first_day = min(part.first_day_no for part in parts)
    return Sums(
        sum(part.orders for part in parts),
        sum((part.revenue for part in parts), Decimal(0)),
        min(part.first_order for part in parts),
        max(part.last_order for part in parts),
        days,
        sum((part.first_day for part in parts if part.first_day_no == first_day), Decimal(0)),
    )


def subtract(figures: Figures, gone: Figures) -> Figures | None:
    """Figures without one order; `None` where first or last order can only be found by folding all orders anew."""
    rest = dict(figures)
    for currency, sums in gone.items():
        mine = rest[currency]
        if mine.orders == sums.orders:
            del rest[currency]
            continue
        if sums.first_order == mine.first_order or sums.last_order == mine.last_order:
            return None
        days = {day: count - sums.days.get(day, 0) for day, count in mine.days.items()}
        rest[currency] = Sums(
            mine.orders - sums.orders,
            mine.revenue - sums.revenue,
            mine.first_order,
            mine.last_order,
            {day: count for day, count in days.items() if count},
            mine.first_day - (sums.first_day if sums.first_day_no == mine.first_day_no else 0),
        )
    return rest


def figures_to_json(figures: Figures) -> str:
    """Figures as JSON text for a store; days as gaps, each followed by its count where that is not 1."""
    return compact(
        {
            c: [s.orders, plain(s.revenue), s.first_order, s.last_order, plain(s.first_day), _gaps(s.days)]
            for c, s in sorted(figures.items())
        }
    )


def figures_from_json(text: str) -> Figures:
    """The figures that `figures_to_json` wrote down."""
    if text == "{}":
        return {}
    return {
        c: Sums(s.orders, s.revenue, s.first_order, s.last_order, _days(s.gaps), s.first_day)
        for c, s in _KEPT.decode(text).items()
    }


class _Kept(Struct, frozen=True, gc=False, array_like=True):
    """Sums as they are written down."""

    orders: int
    revenue: Decimal
    first_order: int
    last_order: int
    first_day: Decimal
    gaps: list[int | list[int]]


_KEPT = Decoder(dict[str, _Kept])


def _gaps(days: Mapping[int, int]) -> list[int | list[int]]:
    gaps: list[int | list[int]] = []
    before = 0
    for day in sorted(days):
        gaps.append(day - before if days[day] == 1 else [day - before, days[day]])
        before = day
    return gaps


def _days(gaps: Iterable[int | list[int]]) -> dict[int, int]:
    days: dict[int, int] = {}
    day = 0
    for one in gaps:
        gap, count = (one, 1) if isinstance(one, int) else one
        day += gap
        days[day] = count
    return days
