"""All customers together: what a customer's figures are held against, and the scores that come of it (RFM).

Recency, frequency and monetary value as in J. R. Bult and T. Wansbeek, "Optimal Selection for Direct Mail" (1995): the
last order's time, the number of orders, and the revenue, each scored 1 to 5 by quintiles of all customers with orders.
"""

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import Enum

from msgspec import Struct

from graph.domain.model.order_totals import Figures, main_currency

CUTS = range(1, 100)


class Population(Struct, frozen=True, gc=False):
    """The percentiles 1 to 99 of all customers with orders, by nearest rank. Times in microseconds.

    Revenue is by currency, of the customers that have any in it. `as_of` is when it was counted.
    """

    as_of: int
    customers: int
    last_order: tuple[int, ...]
    orders: tuple[int, ...]
    revenue: dict[str, tuple[Decimal, ...]]

    def as_text(self) -> str:
        """As JSON text, for a store."""
        revenue = {currency: [str(cut) for cut in cuts] for currency, cuts in self.revenue.items()}
        return json.dumps([self.as_of, self.customers, self.last_order, self.orders, revenue])

    @classmethod
    def from_text(cls, text: str) -> "Population":
        """The reverse of `as_text`."""
        as_of, customers, last_order, orders, revenue = json.loads(text)
        money = {currency: tuple(Decimal(cut) for cut in cuts) for currency, cuts in revenue.items()}
        return cls(as_of, customers, tuple(last_order), tuple(orders), money)


class Count:
    """Customers as they are counted: of each no more than what percentiles need."""

    def __init__(self) -> None:
        self._last_order: list[int] = []
        self._orders: list[int] = []
        self._revenue: dict[str, list[Decimal]] = {}

    def take(self, figures: Figures) -> None:
        """Count a customer."""
        if figures:
            self._last_order.append(max(sums.last_order for sums in figures.values()))
            self._orders.append(sum(sums.orders for sums in figures.values()))
            for currency, sums in figures.items():
                self._revenue.setdefault(currency, []).append(sums.revenue)

    def result(self, now: int) -> Population:
        """The percentiles over all that were counted; `now` in microseconds."""
        money = {currency: _percentiles(values) for currency, values in sorted(self._revenue.items())}
        return Population(now, len(self._orders), _percentiles(self._last_order), _percentiles(self._orders), money)


def population(figures: Iterable[Figures], now: int) -> Population:
    """The percentiles over the figures of customers; `now` in microseconds."""
    count = Count()
    for one in figures:
        count.take(one)
    return count.result(now)


def _percentiles(values: list[Decimal] | list[int]) -> tuple:  # type: ignore[type-arg]
    """The values at the ranks of 1 to 99 per cent, rounded up; empty where there are none."""
    ordered = sorted(values)
    return tuple(ordered[-(-cut * len(ordered) // 100) - 1] for cut in CUTS) if ordered else ()


def percentile(value: Decimal | int, cuts: Sequence[Decimal] | Sequence[int]) -> int:
    """How many per cent of all a value lies above, 0 to 99; equal values are equal."""
    return sum(value > cut for cut in cuts)


def score(value: Decimal | int, cuts: Sequence[Decimal] | Sequence[int]) -> int:
    """1 to 5: one more than the quintiles that a value lies above. Equal values score equal, whatever their number."""
    return 1 + sum(value > cuts[quintile - 1] for quintile in (20, 40, 60, 80)) if cuts else 1


class RfmSegment(Enum):
    """Named groups of recency and frequency, after the grid that is common in the field."""

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


_GRID = {
    5: ("NEW", "POTENTIAL_LOYALIST", "POTENTIAL_LOYALIST", "CHAMPIONS", "CHAMPIONS"),
    4: ("PROMISING", "POTENTIAL_LOYALIST", "POTENTIAL_LOYALIST", "LOYAL", "CHAMPIONS"),
    3: ("ABOUT_TO_SLEEP", "ABOUT_TO_SLEEP", "NEEDS_ATTENTION", "LOYAL", "LOYAL"),
    2: ("LOST", "ABOUT_TO_SLEEP", "AT_RISK", "AT_RISK", "CANNOT_LOSE"),
    1: ("LOST", "LOST", "AT_RISK", "AT_RISK", "CANNOT_LOSE"),
}
"""Recency to the segments of frequency 1 to 5."""


class Standing(Struct, frozen=True, gc=False):
    """How a customer compares with all: scores of 1 to 5, the segment they name, and percentiles of 0 to 99."""

    recency: int
    frequency: int
    monetary: int
    segment: RfmSegment
    recency_percentile: int
    orders_percentile: int
    revenue_percentile: int
    currency: str
    as_of: int


def standing(figures: Figures, all_: Population) -> Standing | None:
    """How a customer's own figures compare; `None` without orders, or before anything was counted.

    Monetary value is that of the currency in which the customer spent most often (of the same, the first by name).
    """
    if not figures or not all_.customers:
        return None
    last = max(sums.last_order for sums in figures.values())
    orders = sum(sums.orders for sums in figures.values())
    currency = main_currency(figures)
    revenue, cuts = figures[currency].revenue, all_.revenue.get(currency, ())
    recency, frequency = score(last, all_.last_order), score(orders, all_.orders)
    return Standing(
        recency,
        frequency,
        score(revenue, cuts),
        RfmSegment[_GRID[recency][frequency - 1]],
        percentile(last, all_.last_order),
        percentile(orders, all_.orders),
        percentile(revenue, cuts),
        currency,
        all_.as_of,
    )
