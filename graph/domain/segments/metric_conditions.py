"""Conditions on figures of a customer: its own, those against all customers, and those that are predicted."""

import math
from collections.abc import Iterable
from enum import Enum

from graph.domain.model.dates import DAY
from graph.domain.profile.engagement import Churn, churn_moments
from graph.domain.profile.insights import LATELY, ORDERS, UNSUBSCRIBED, Known
from graph.domain.profile.journey import Phase, moments
from graph.domain.profile.pages import PageRequest
from graph.domain.profile.rfm import RfmSegment
from graph.domain.profile.timeline import NO_END
from graph.domain.segments.conditions import Criterion, Verdict, next_moment


class Metric(Enum):
    """A figure of a customer."""

    ORDERS = "orders"
    REVENUE = "revenue"
    AVERAGE_ORDER_VALUE = "average_order_value"
    DAYS_SINCE_FIRST_ORDER = "days_since_first_order"
    DAYS_SINCE_LAST_ORDER = "days_since_last_order"
    MEAN_DAYS_BETWEEN_ORDERS = "mean_days_between_orders"
    SILENCE = "silence"
    RECENCY_SCORE = "recency_score"
    FREQUENCY_SCORE = "frequency_score"
    MONETARY_SCORE = "monetary_score"
    ORDERS_PERCENTILE = "orders_percentile"
    REVENUE_PERCENTILE = "revenue_percentile"
    PROBABILITY_ALIVE = "probability_alive"
    EXPECTED_PURCHASES = "expected_purchases"
    EXPECTED_VALUE = "expected_value"


MONETARY = frozenset({Metric.REVENUE, Metric.AVERAGE_ORDER_VALUE})
"""Figures of one currency: the one that is asked for, else that of most orders."""


_OF_ALL = {
    Metric.RECENCY_SCORE: "recency",
    Metric.FREQUENCY_SCORE: "frequency",
    Metric.MONETARY_SCORE: "monetary",
    Metric.ORDERS_PERCENTILE: "orders_percentile",
    Metric.REVENUE_PERCENTILE: "revenue_percentile",
}


_PREDICTED = {
    Metric.PROBABILITY_ALIVE: "alive",
    Metric.EXPECTED_PURCHASES: "purchases",
    Metric.EXPECTED_VALUE: "value",
}


class MetricIs(Criterion, frozen=True):
    """A figure lies between two, both included; without the figure it does not."""

    metric: Metric
    at_least: float | None = None
    at_most: float | None = None
    currency: str = ""

    @property
    def relative(self) -> bool:  # type: ignore[override]
        return self.metric in _OF_ALL or self.metric in _PREDICTED

    def judge(self, known: Known) -> Verdict:
        value = self._value(known)
        if value is None:
            return Verdict(False)
        low = self.at_least is None or value >= self.at_least
        return Verdict(low and (self.at_most is None or value <= self.at_most), self._until(known))

    def _value(self, known: Known) -> float | None:
        figures, metric = known.metrics, self.metric
        if metric in _OF_ALL:
            return None if known.standing is None else float(getattr(known.standing, _OF_ALL[metric]))
        if metric in _PREDICTED:
            found = None if known.prediction is None else getattr(known.prediction, _PREDICTED[metric])
            return None if found is None else float(found)
        if metric is Metric.ORDERS:
            return figures.orders
        if metric in MONETARY:
            found = {money.currency: money.amount for money in getattr(figures, metric.value)}
            amount = found.get(self.currency or known.currency)
            return None if amount is None else float(amount)
        if metric is Metric.MEAN_DAYS_BETWEEN_ORDERS:
            return None if known.rhythm is None else known.rhythm / DAY
        since = figures.first_order_at if metric is Metric.DAYS_SINCE_FIRST_ORDER else figures.last_order_at
        if since is None:
            return None
        if metric is Metric.SILENCE:
            return None if known.rhythm is None else max(0, known.now - since) / known.rhythm
        return max(0, known.now - since) // DAY

    def _until(self, known: Known) -> int:
        figures, metric = known.metrics, self.metric
        if metric in _PREDICTED:
            return known.now + DAY
        since = figures.first_order_at if metric is Metric.DAYS_SINCE_FIRST_ORDER else figures.last_order_at
        if since is None or metric not in (
            Metric.SILENCE,
            Metric.DAYS_SINCE_FIRST_ORDER,
            Metric.DAYS_SINCE_LAST_ORDER,
        ):
            return NO_END
        unit = known.rhythm or DAY if metric is Metric.SILENCE else DAY
        steps: list[float] = []
        if self.at_least is not None:
            steps.append(self.at_least * unit if metric is Metric.SILENCE else math.ceil(self.at_least) * unit)
        if self.at_most is not None:
            steps.append(self.at_most * unit + 1 if metric is Metric.SILENCE else (int(self.at_most) + 1) * unit)
        return next_moment([since + step for step in steps], known.now)


class RfmIs(Criterion, frozen=True):
    """The named segment of recency and frequency is one of some."""

    segments: tuple[RfmSegment, ...]
    relative = True

    def judge(self, known: Known) -> Verdict:
        return Verdict(known.standing is not None and known.standing.segment in self.segments)


class PhaseIs(Criterion, frozen=True):
    """The phase of the journey is one of some."""

    phases: tuple[Phase, ...]

    def pages(self, now: int) -> Iterable[PageRequest]:
        return (ORDERS, LATELY)

    def judge(self, known: Known) -> Verdict:
        found = known.journey
        until = next_moment(moments(known.orders, known.interactions, known.catalogue.journey), known.now)
        return Verdict(found is not None and found.phase in self.phases, until)


class ChurnIs(Criterion, frozen=True):
    """The churn signal is one of some."""

    signals: tuple[Churn, ...]

    def pages(self, now: int) -> Iterable[PageRequest]:
        return (UNSUBSCRIBED,)

    def judge(self, known: Known) -> Verdict:
        until = next_moment(churn_moments(known.metrics.last_order_at, known.rhythm), known.now)
        return Verdict(known.churn in self.signals, until)
