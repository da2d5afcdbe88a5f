"""RFM: a customer's recency, frequency and monetary value, compared with those of all customers.

As in J. R. Bult and T. Wansbeek, "Optimal Selection for Direct Mail" (1995): the time of the last order, the number of
orders and the revenue are each scored 1 to 5 by the quintiles of all customers with orders.
"""

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import Enum

from msgspec import Struct

from graph.domain.model.order_totals import OrderTotals, main_currency

PERCENTILES = range(1, 100)


class RfmPopulation(Struct, frozen=True, gc=False):
    """The percentiles 1 to 99 of all customers with orders, by nearest rank. Times in microseconds.

    Revenue is by currency, of the customers with orders in it. `calculated_at` is the time of the calculation.
    """

    calculated_at: int
    customer_count: int
    last_order: tuple[int, ...]
    orders: tuple[int, ...]
    revenue: dict[str, tuple[Decimal, ...]]

    def as_text(self) -> str:
        """As JSON text, for a store."""
        revenue = {currency: list(map(str, cut_points)) for currency, cut_points in self.revenue.items()}
        return json.dumps([self.calculated_at, self.customer_count, self.last_order, self.orders, revenue])

    @classmethod
    def from_text(cls, text: str) -> "RfmPopulation":
        """The reverse of `as_text`."""
        calculated_at, customer_count, last_order, orders, revenue = json.loads(text)
        by_currency = {currency: tuple(map(Decimal, cut_points)) for currency, cut_points in revenue.items()}
        return cls(calculated_at, customer_count, tuple(last_order), tuple(orders), by_currency)


class RfmCounter:
    """Collects the values of customers that percentiles are calculated from."""

    def __init__(self) -> None:
        self._last_order: list[int] = []
        self._orders: list[int] = []
        self._revenue: dict[str, list[Decimal]] = {}

    def add(self, order_totals: OrderTotals) -> None:
        """Add a customer; without orders it is ignored."""
        if order_totals:
            self._last_order.append(max(totals.last_order_at for totals in order_totals.values()))
            self._orders.append(sum(totals.order_count for totals in order_totals.values()))
            for currency, totals in order_totals.items():
                self._revenue.setdefault(currency, []).append(totals.revenue)

    def result(self, now: int) -> RfmPopulation:
        """The percentiles of all added customers; `now` in microseconds."""
        revenue = {currency: _percentiles(values) for currency, values in sorted(self._revenue.items())}
        last_order, orders = _percentiles(self._last_order), _percentiles(self._orders)
        return RfmPopulation(now, len(self._orders), last_order, orders, revenue)


def population(customers: Iterable[OrderTotals], now: int) -> RfmPopulation:
    """The percentiles of customers, each given by its order totals; `now` in microseconds."""
    counter = RfmCounter()
    for order_totals in customers:
        counter.add(order_totals)
    return counter.result(now)


def _percentiles(values: list[Decimal] | list[int]) -> tuple:  # type: ignore[type-arg]
    """The values at the ranks of 1 to 99 percent, rounded up; empty without values."""
    ordered = sorted(values)
    return tuple(ordered[-(-percent * len(ordered) // 100) - 1] for percent in PERCENTILES) if ordered else ()


def percentile(value: Decimal | int, cut_points: Sequence[Decimal] | Sequence[int]) -> int:
    """The percentage of customers that a value is above, 0 to 99; equal values have equal percentiles."""
    return sum(value > cut_point for cut_point in cut_points)


def score(value: Decimal | int, cut_points: Sequence[Decimal] | Sequence[int]) -> int:
    """1 to 5: 1 plus the number of quintiles that a value is above. Equal values have equal scores."""
    return 1 + sum(value > cut_points[quintile - 1] for quintile in (20, 40, 60, 80)) if cut_points else 1


class RfmGroup(Enum):
    """The groups of the common grid of recency and frequency scores."""

    CHAMPIONS = "champions"
    LOYAL = "loyal"
    POTENTIAL_LOYALIST = "potential_loyalist"
    NEW = "new"
    PROMISING = "promising"
    NEEDS_ATTENTION = "needs_attention"
    ABOUT_TO_SLEEP = "about_to_sleep"
    AT_RISK = "at_risk"
    CANNOT_LOSE = "cannot_lose"
    LOST = "lost"


_RFM_GRID = {
    5: ("NEW", "POTENTIAL_LOYALIST", "POTENTIAL_LOYALIST", "CHAMPIONS", "CHAMPIONS"),
    4: ("PROMISING", "POTENTIAL_LOYALIST", "POTENTIAL_LOYALIST", "LOYAL", "CHAMPIONS"),
    3: ("ABOUT_TO_SLEEP", "ABOUT_TO_SLEEP", "NEEDS_ATTENTION", "LOYAL", "LOYAL"),
    2: ("LOST", "ABOUT_TO_SLEEP", "AT_RISK", "AT_RISK", "CANNOT_LOSE"),
    1: ("LOST", "LOST", "AT_RISK", "AT_RISK", "CANNOT_LOSE"),
}
"""By recency score, the groups of the frequency scores 1 to 5."""


class RfmScores(Struct, frozen=True, gc=False):
    """A customer's scores of 1 to 5, the group of recency and frequency, and percentiles of 0 to 99."""

    recency: int
    frequency: int
    monetary: int
    group: RfmGroup
    recency_percentile: int
    orders_percentile: int
    revenue_percentile: int
    currency: str
    calculated_at: int


def rfm_scores(order_totals: OrderTotals, all_customers: RfmPopulation) -> RfmScores | None:
    """The scores of a customer's order totals; `None` without orders, or if no customer was counted.

    The monetary value is the revenue in the currency of most orders (of several, the first by name).
    """
    if not order_totals or not all_customers.customer_count:
        return None
    last = max(totals.last_order_at for totals in order_totals.values())
    orders = sum(totals.order_count for totals in order_totals.values())
    currency = main_currency(order_totals)
    revenue, cut_points = order_totals[currency].revenue, all_customers.revenue.get(currency, ())
    recency, frequency = score(last, all_customers.last_order), score(orders, all_customers.orders)
    return RfmScores(
        recency,
        frequency,
        score(revenue, cut_points),
        RfmGroup[_RFM_GRID[recency][frequency - 1]],
        percentile(last, all_customers.last_order),
        percentile(orders, all_customers.orders),
        percentile(revenue, cut_points),
        currency,
        all_customers.calculated_at,
    )
