"""Predicted purchases of a customer: BG/NBD for their number, Gamma-Gamma for their value.

Sources: P. Fader, B. Hardie, K. L. Lee, "Counting Your Customers" the Easy Way (2005), equations 7 and 10; P. Fader,
B. Hardie, "The Gamma-Gamma Model of Monetary Value" (2013), equation 5. The parameters are fitted to all customers in
the background; a prediction applies them to the customer's current history. Orders of one day (UTC) are one purchase,
and time is in weeks, as in both sources.
"""

import json
import math
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum

from msgspec import Struct, field

from graph.domain.model.dates import DAY
from graph.domain.model.order_totals import CurrencyTotals, OrderTotals, main_currency

WEEK = 7
"""Days."""
MAX_FITTED_CUSTOMERS = 100_000
"""The most customers that a model is fitted to; ids are random, so the first ones are a fair sample."""
MIN_REPEAT_CUSTOMERS = 50
"""The fewest customers with repeat purchases that a model can be fitted to."""
_MAX_TERMS = 100_000
_SMALL = 1e-12


class PredictionStatus(Enum):
    """Whether the purchases of a customer can be predicted, and if not, why."""

    AVAILABLE = "available"
    NO_ORDERS = "no orders"
    NOT_FITTED_YET = "not fitted yet"
    NOT_INSTALLED = "not installed"
    WITHHELD = "withheld"


class PurchaseHistory(Struct, frozen=True, gc=False):
    """The purchases after the first, the weeks from the first to the last, and the weeks from the first to now."""

    repeat_purchases: int
    recency: float
    age: float


class TrainingData(Struct, frozen=True, gc=False):
    """The data that models are fitted to: a history of each customer, and by currency its repeat spend.

    The histories are as of `as_of` (microseconds). The repeat spend is the repeat purchases and their mean value.
    """

    as_of: int
    histories: list[PurchaseHistory] = field(default_factory=list)
    spend: dict[str, list[tuple[int, float]]] = field(default_factory=dict)

    def add(self, order_totals: OrderTotals) -> None:
        """Add a customer, unless `MAX_FITTED_CUSTOMERS` is reached."""
        if not order_totals or len(self.histories) >= MAX_FITTED_CUSTOMERS:
            return
        self.histories.append(purchase_history(order_totals, self.as_of))
        for currency, totals in order_totals.items():
            if (spend := repeat_spend(totals)) is not None:
                self.spend.setdefault(currency, []).append(spend)

    @property
    def is_sufficient(self) -> bool:
        """Whether a model of purchases can be fitted."""
        return sum(history.repeat_purchases > 0 for history in self.histories) >= MIN_REPEAT_CUSTOMERS


class Model(Struct, frozen=True, gc=False):
    """Fitted parameters: BG/NBD's r, alpha (weeks), a and b, and by currency Gamma-Gamma's p, q and v.

    They were fitted at `fitted_at` (microseconds).
    """

    fitted_at: int
    fitted_to_customers: int
    r: float
    alpha: float
    a: float
    b: float
    spend: Mapping[str, tuple[float, float, float]]

    def as_text(self) -> str:
        """As JSON text, for a store."""
        return json.dumps(
            [self.fitted_at, self.fitted_to_customers, self.r, self.alpha, self.a, self.b, dict(self.spend)]
        )

    @classmethod
    def from_text(cls, text: str) -> "Model":
        """The reverse of `as_text`."""
        fitted_at, customers, r, alpha, a, b, spend = json.loads(text)
        by_currency = {currency: (p, q, v) for currency, (p, q, v) in spend.items()}
        return cls(fitted_at, customers, r, alpha, a, b, by_currency)


class Prediction(Struct, frozen=True, gc=False):
    """The purchases of a customer that are expected within a number of weeks.

    `probability_alive` is the probability that the customer has not left for good. `expected_purchases` is the number
    of days with orders, `expected_purchase_value` the mean value of a purchase, and `expected_value` the product of
    both, in `currency`, not discounted. The two values are `None` if the currency has no model.
    """

    weeks: int
    probability_alive: float
    expected_purchases: float
    currency: str
    expected_purchase_value: Decimal | None
    expected_value: Decimal | None
    fitted_at: int
    fitted_to_customers: int


def purchase_history(order_totals: OrderTotals, now: int) -> PurchaseHistory:
    """The purchase history in order totals that are not empty; `now` in microseconds."""
    days = {day for totals in order_totals.values() for day in totals.orders_by_day}
    first, last = min(days), max(days)
    return PurchaseHistory(len(days) - 1, (last - first) / WEEK, max(now // DAY - first, last - first) / WEEK)


def repeat_spend(totals: CurrencyTotals) -> tuple[int, float] | None:
    """The repeat purchases in a currency and their mean value; `None` without any revenue from them."""
    repeat_purchases, revenue = len(totals.orders_by_day) - 1, totals.revenue - totals.first_day_revenue
    return (repeat_purchases, float(revenue) / repeat_purchases) if repeat_purchases and revenue > 0 else None


def probability_alive(model: Model, history: PurchaseHistory) -> float:
    """The probability that a customer has not left (equation 7's second factor); 1 before the first repeat purchase."""
    if not history.repeat_purchases:
        return 1.0
    return 1 / (1 + _churn_odds(model, history))


def _churn_odds(model: Model, history: PurchaseHistory) -> float:
    """The odds of having left after the last purchase."""
    growth = (model.r + history.repeat_purchases) * math.log(
        (model.alpha + history.age) / (model.alpha + history.recency)
    )
    return model.a / (model.b + history.repeat_purchases - 1) * math.exp(min(growth, 700))


def expected_purchases(model: Model, history: PurchaseHistory, weeks: float) -> float:
    """The expected number of purchases within `weeks` (equation 10).

    Written with Euler's transformation of the hypergeometric function, so that long histories do not overflow.
    """
    r, b, x = model.r, model.b, history.repeat_purchases
    a = model.a if abs(model.a - 1) > _SMALL else 1 + _SMALL
    z = weeks / (model.alpha + history.age + weeks)
    series = _hypergeometric(a + b - 1 - r, a - 1, a + b + x - 1, z)
    bracket = 1 - math.pow(1 - z, a - 1) * series
    purchases_if_alive = (a + b + x - 1) / (a - 1) * bracket
    return max(0.0, purchases_if_alive / (1 + (_churn_odds(model, history) if x else 0)))


def _hypergeometric(a: float, b: float, c: float, z: float) -> float:
    """Gauss's series of the hypergeometric function, for z from 0 to below 1."""
    total = term = 1.0
    for n in range(_MAX_TERMS):
        term *= (a + n) * (b + n) / ((c + n) * (n + 1)) * z
        total += term
        if abs(term) < _SMALL * abs(total):
            break
    return total


def expected_purchase_value(parameters: tuple[float, float, float], spend: tuple[int, float] | None) -> float:
    """The expected mean value of purchases (equation 5): between the customer's own mean and that of all customers."""
    p, q, v = parameters
    repeat_purchases, mean = spend or (0, 0.0)
    return p * (v + repeat_purchases * mean) / (p * repeat_purchases + q - 1)


def predict(model: Model, order_totals: OrderTotals, weeks: int, now: int) -> Prediction | None:
    """The prediction for a customer with these order totals; `None` without orders. `now` in microseconds."""
    if not order_totals:
        return None
    history = purchase_history(order_totals, now)
    currency = main_currency(order_totals)
    purchases = expected_purchases(model, history, weeks)
    parameters = model.spend.get(currency)
    value = None if parameters is None else expected_purchase_value(parameters, repeat_spend(order_totals[currency]))
    return Prediction(
        weeks,
        probability_alive(model, history),
        purchases,
        currency,
        None if value is None else _cents(value),
        None if value is None else _cents(value * purchases),
        model.fitted_at,
        model.fitted_to_customers,
    )


def _cents(amount: float) -> Decimal:
    return Decimal(repr(amount)).quantize(Decimal("0.01"))
