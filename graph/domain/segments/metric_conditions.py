"""Conditions on metrics of a customer: of its orders, compared with all customers, and predicted."""

import math
from collections.abc import Iterable
from enum import Enum

from graph.domain.model.dates import DAY
from graph.domain.profile.engagement import ChurnRisk, churn_risk_moments
from graph.domain.profile.insights import ORDERS, RECENT_INTERACTIONS, UNSUBSCRIBED, CustomerInsights
from graph.domain.profile.journey import JourneyStage, journey_moments
from graph.domain.profile.pages import PageRequest
from graph.domain.profile.rfm import RfmGroup
from graph.domain.profile.timeline import NO_END
from graph.domain.segments.conditions import Condition, ConditionResult, next_moment


class Metric(Enum):
    """A metric of a customer."""

    ORDER_COUNT = "order_count"
    REVENUE = "revenue"
    AVERAGE_ORDER_VALUE = "average_order_value"
    DAYS_SINCE_FIRST_ORDER = "days_since_first_order"
    DAYS_SINCE_LAST_ORDER = "days_since_last_order"
    AVERAGE_DAYS_BETWEEN_ORDERS = "average_days_between_orders"
    OVERDUE_RATIO = "overdue_ratio"
    RECENCY_SCORE = "recency_score"
    FREQUENCY_SCORE = "frequency_score"
    MONETARY_SCORE = "monetary_score"
    ORDERS_PERCENTILE = "orders_percentile"
    REVENUE_PERCENTILE = "revenue_percentile"
    PROBABILITY_ALIVE = "probability_alive"
    EXPECTED_PURCHASES = "expected_purchases"
    EXPECTED_VALUE = "expected_value"


MONEY_METRICS = frozenset({Metric.REVENUE, Metric.AVERAGE_ORDER_VALUE})
"""Metrics in a currency: that of the condition, else that of the customer's most orders."""

_RFM_FIELDS = {
    Metric.RECENCY_SCORE: "recency",
    Metric.FREQUENCY_SCORE: "frequency",
    Metric.MONETARY_SCORE: "monetary",
    Metric.ORDERS_PERCENTILE: "orders_percentile",
    Metric.REVENUE_PERCENTILE: "revenue_percentile",
}

_PREDICTION_FIELDS = {
    Metric.PROBABILITY_ALIVE: "probability_alive",
    Metric.EXPECTED_PURCHASES: "expected_purchases",
    Metric.EXPECTED_VALUE: "expected_value",
}


class MetricCondition(Condition, frozen=True):
    """A metric is between `min` and `max`, both inclusive; false if the customer does not have the metric."""

    metric: Metric
    min: float | None = None
    max: float | None = None
    currency: str = ""

    @property
    def needs_statistics(self) -> bool:  # type: ignore[override]
        return self.metric in _RFM_FIELDS or self.metric in _PREDICTION_FIELDS

    def evaluate(self, insights: CustomerInsights) -> ConditionResult:
        value = self._value(insights)
        if value is None:
            return ConditionResult(False)
        is_above_min = self.min is None or value >= self.min
        return ConditionResult(is_above_min and (self.max is None or value <= self.max), self._valid_until(insights))

    def _value(self, insights: CustomerInsights) -> float | None:
        metrics, metric = insights.metrics, self.metric
        if metric in _RFM_FIELDS:
            return None if insights.rfm is None else float(getattr(insights.rfm, _RFM_FIELDS[metric]))
        if metric in _PREDICTION_FIELDS:
            value = None if insights.prediction is None else getattr(insights.prediction, _PREDICTION_FIELDS[metric])
            return None if value is None else float(value)
        if metric is Metric.ORDER_COUNT:
            return metrics.order_count
        if metric in MONEY_METRICS:
            by_currency = {money.currency: money.amount for money in getattr(metrics, metric.value)}
            amount = by_currency.get(self.currency or insights.currency)
            return None if amount is None else float(amount)
        if metric is Metric.AVERAGE_DAYS_BETWEEN_ORDERS:
            interval = insights.mean_order_interval
            return None if interval is None else interval / DAY
        since = metrics.first_order_at if metric is Metric.DAYS_SINCE_FIRST_ORDER else metrics.last_order_at
        if since is None:
            return None
        if metric is Metric.OVERDUE_RATIO:
            interval = insights.mean_order_interval
            return None if interval is None else max(0, insights.now - since) / interval
        return max(0, insights.now - since) // DAY

    def _valid_until(self, insights: CustomerInsights) -> int:
        metrics, metric = insights.metrics, self.metric
        if metric in _PREDICTION_FIELDS:
            return insights.now + DAY
        since = metrics.first_order_at if metric is Metric.DAYS_SINCE_FIRST_ORDER else metrics.last_order_at
        if since is None or metric not in (
            Metric.OVERDUE_RATIO,
            Metric.DAYS_SINCE_FIRST_ORDER,
            Metric.DAYS_SINCE_LAST_ORDER,
        ):
            return NO_END
        unit = insights.mean_order_interval or DAY if metric is Metric.OVERDUE_RATIO else DAY
        steps: list[float] = []
        if self.min is not None:
            steps.append(self.min * unit if metric is Metric.OVERDUE_RATIO else math.ceil(self.min) * unit)
        if self.max is not None:
            steps.append(self.max * unit + 1 if metric is Metric.OVERDUE_RATIO else (int(self.max) + 1) * unit)
        return next_moment([since + step for step in steps], insights.now)


class RfmGroupCondition(Condition, frozen=True):
    """The RFM group is one of `groups`."""

    groups: tuple[RfmGroup, ...]
    needs_statistics = True

    def evaluate(self, insights: CustomerInsights) -> ConditionResult:
        return ConditionResult(insights.rfm is not None and insights.rfm.group in self.groups)


class JourneyStageCondition(Condition, frozen=True):
    """The stage of the journey is one of `stages`."""

    stages: tuple[JourneyStage, ...]

    def pages(self, now: int) -> Iterable[PageRequest]:
        return (ORDERS, RECENT_INTERACTIONS)

    def evaluate(self, insights: CustomerInsights) -> ConditionResult:
        journey = insights.journey
        moments = journey_moments(insights.orders, insights.interactions, insights.catalog.journey)
        until = next_moment(moments, insights.now)
        return ConditionResult(journey is not None and journey.stage in self.stages, until)


class ChurnRiskCondition(Condition, frozen=True):
    """The churn risk is one of `risks`."""

    risks: tuple[ChurnRisk, ...]

    def pages(self, now: int) -> Iterable[PageRequest]:
        return (UNSUBSCRIBED,)

    def evaluate(self, insights: CustomerInsights) -> ConditionResult:
        moments = churn_risk_moments(insights.metrics.last_order_at, insights.mean_order_interval)
        return ConditionResult(insights.churn_risk in self.risks, next_moment(moments, insights.now))
