"""What customers will probably buy: BG/NBD for how often, Gamma-Gamma for how much.

Sources: P. Fader, B. Hardie, K. L. Lee, "Counting Your Customers" the Easy Way (2005), equations 7 and 10; P. Fader,
B. Hardie, "The Gamma-Gamma Model of Monetary Value" (2013), equation 5. Parameters are fitted over all customers in the
background; a customer's own history is scored with them as it is now. Orders of one day (UTC) are one purchase, and
time is in weeks, as in both sources.
"""

import json
import math
from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct, field

from graph.domain.model.dates import DAY
from graph.domain.model.order_totals import Figures, Sums, main_currency

WEEK = 7
"""Days."""
MOST_FITTED = 100_000
"""Customers that a model is fitted to; ids are random, so the first of them are a fair sample."""
FEWEST_REPEATING = 50
"""Customers with repeated purchases without which nothing can be told."""
_MOST_TERMS = 100_000
_SMALL = 1e-12


class Purchases(Struct, frozen=True, gc=False):
    """A history: purchases after the first, weeks from the first to the last, and weeks from the first to now."""

    repeated: int
    recency: float
    age: float


class Table(Struct, frozen=True, gc=False):
    """What models are fitted to: a history for each customer, and by currency repeated purchases and their mean.

    `as_of` (microseconds) is the now of these histories.
    """

    as_of: int
    purchases: list[Purchases] = field(default_factory=list)
    spend: dict[str, list[tuple[int, float]]] = field(default_factory=dict)

    def take(self, figures: Figures) -> None:
        """Take in a customer, unless there are enough."""
        if not figures or len(self.purchases) >= MOST_FITTED:
            return
        self.purchases.append(purchases(figures, self.as_of))
        for currency, sums in figures.items():
            if (one := spent(sums)) is not None:
                self.spend.setdefault(currency, []).append(one)

    @property
    def enough(self) -> bool:
        """Whether a model of purchases can be fitted."""
        return sum(one.repeated > 0 for one in self.purchases) >= FEWEST_REPEATING


class Model(Struct, frozen=True, gc=False):
    """Fitted parameters: BG/NBD's r, alpha (weeks), a and b, and by currency Gamma-Gamma's p, q and v.

    `as_of` (microseconds) is when they were fitted, to `customers` customers.
    """

    as_of: int
    customers: int
    r: float
    alpha: float
    a: float
    b: float
    spend: Mapping[str, tuple[float, float, float]]

    def as_text(self) -> str:
        """As JSON text, for a store."""
        return json.dumps([self.as_of, self.customers, self.r, self.alpha, self.a, self.b, dict(self.spend)])

    @classmethod
    def from_text(cls, text: str) -> "Model":
        """The reverse of `as_text`."""
        as_of, customers, r, alpha, a, b, spend = json.loads(text)
        return cls(as_of, customers, r, alpha, a, b, {currency: (p, q, v) for currency, (p, q, v) in spend.items()})


class Prediction(Struct, frozen=True, gc=False):
    """What a customer will probably buy within some weeks.

    `alive` is the probability that it has not left for good; `purchases` are days with orders; `purchase_value` is the
    mean that one of them will come to, and `value` the product of both, in `currency`, not discounted. The last two
    are `None` where the currency has no model.
    """

    weeks: int
    alive: float
    purchases: float
    currency: str
    purchase_value: Decimal | None
    value: Decimal | None
    as_of: int
    customers: int


def purchases(figures: Figures, now: int) -> Purchases:
    """The history in figures that hold orders; `now` in microseconds."""
    days = {day for sums in figures.values() for day in sums.days}
    first, last = min(days), max(days)
    return Purchases(len(days) - 1, (last - first) / WEEK, max(now // DAY - first, last - first) / WEEK)


def spent(sums: Sums) -> tuple[int, float] | None:
    """Repeated purchases in a currency and their mean; `None` without any that came to something."""
    repeated, revenue = len(sums.days) - 1, sums.revenue - sums.first_day
    return (repeated, float(revenue) / repeated) if repeated and revenue > 0 else None


def alive(model: Model, one: Purchases) -> float:
    """The probability that a customer has not left (equation 7's second factor); 1 before the first repetition."""
    if not one.repeated:
        return 1.0
    return 1 / (1 + _gone(model, one))


def _gone(model: Model, one: Purchases) -> float:
    """The odds of having left after the last purchase."""
    growth = (model.r + one.repeated) * math.log((model.alpha + one.age) / (model.alpha + one.recency))
    return model.a / (model.b + one.repeated - 1) * math.exp(min(growth, 700))


def expected(model: Model, one: Purchases, weeks: float) -> float:
    """The purchases to be expected within some weeks (equation 10).

    Written with Euler's transformation of the hypergeometric function, so that long histories do not overflow.
    """
    r, b, x = model.r, model.b, one.repeated
    a = model.a if abs(model.a - 1) > _SMALL else 1 + _SMALL
    z = weeks / (model.alpha + one.age + weeks)
    series = _hypergeometric(a + b - 1 - r, a - 1, a + b + x - 1, z)
    bracket = 1 - math.pow(1 - z, a - 1) * series
    found = (a + b + x - 1) / (a - 1) * bracket
    return max(0.0, found / (1 + (_gone(model, one) if x else 0)))


def _hypergeometric(a: float, b: float, c: float, z: float) -> float:
    """Gauss's series, for z from 0 to below 1."""
    total = term = 1.0
    for n in range(_MOST_TERMS):
        term *= (a + n) * (b + n) / ((c + n) * (n + 1)) * z
        total += term
        if abs(term) < _SMALL * abs(total):
            break
    return total


def purchase_value(parameters: tuple[float, float, float], own: tuple[int, float] | None) -> float:
    """The mean that purchases will come to (equation 5): between the customer's own and that of all."""
    p, q, v = parameters
    repeated, mean = own or (0, 0.0)
    return p * (v + repeated * mean) / (p * repeated + q - 1)


def predict(model: Model, figures: Figures, weeks: int, now: int) -> Prediction | None:
    """What a customer with these figures will probably buy; `None` without orders. `now` in microseconds."""
    if not figures:
        return None
    one = purchases(figures, now)
    currency = main_currency(figures)
    count = expected(model, one, weeks)
    parameters = model.spend.get(currency)
    each = None if parameters is None else purchase_value(parameters, spent(figures[currency]))
    return Prediction(
        weeks,
        alive(model, one),
        count,
        currency,
        None if each is None else _cents(each),
        None if each is None else _cents(each * count),
        model.as_of,
        model.customers,
    )


def _cents(amount: float) -> Decimal:
    return Decimal(repr(amount)).quantize(Decimal("0.01"))
