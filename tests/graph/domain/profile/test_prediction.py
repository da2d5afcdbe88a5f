"""Predicted purchases: the closed formulas against what they stand for, simulated, and at their edges."""

import math
import random
from decimal import Decimal

import pytest

from graph.domain.model.dates import DAY
from graph.domain.model.order_totals import add, figures_of
from graph.domain.model.orders import Order, OrderStatus
from graph.domain.profile.prediction import Model, Purchases, alive, expected, predict, purchases, spent

MODEL = Model(7, 2357, 0.243, 4.414, 0.793, 2.426, {"USD": (6.25, 3.74, 15.44)})
"""The published estimates of CDNOW's sample."""


def ordered(day: float, total: str = "10", status: OrderStatus = OrderStatus.PAID, currency: str = "USD") -> Order:
    return Order(str(day), "shop", round(day * DAY), 0, currency, Decimal(total), status)


def simulated(model: Model, rng: random.Random, age: float, weeks: float) -> tuple[Purchases, int]:
    """A customer drawn from the model: the history up to `age`, and the purchases in the weeks after it."""
    rate = rng.gammavariate(model.r, 1 / model.alpha)
    quit_ = rng.betavariate(model.a, model.b)
    time, times = 0.0, []
    while True:
        time += rng.expovariate(rate) if rate else math.inf
        if time > age + weeks:
            break
        times.append(time)
        if rng.random() < quit_:
            break
    before = [time for time in times if time <= age]
    return Purchases(len(before), max(before, default=0.0), age), len(times) - len(before)


def test_what_is_expected_is_what_happens() -> None:
    # given
    rng = random.Random(7)
    model = Model(0, 0, 1.2, 6.0, 0.8, 2.5, {})
    drawn = [simulated(model, rng, 30, 26) for _ in range(20_000)]
    # then
    for some in (lambda x: x == 0, lambda x: 1 <= x <= 2, lambda x: x >= 3):
        mine = [(one, after) for one, after in drawn if some(one.repeated)]
        told = sum(expected(model, one, 26) for one, _ in mine)
        happened = sum(after for _, after in mine)
        assert told == pytest.approx(happened, rel=0.06)


def test_silence_speaks_against_being_alive_the_more_the_more_often_one_bought() -> None:
    assert alive(MODEL, Purchases(0, 0, 50)) == 1
    often, seldom = (alive(MODEL, Purchases(x, 10, 50)) for x in (20, 2))
    assert 0 < often < seldom < 1
    assert alive(MODEL, Purchases(20, 49, 50)) > 0.9
    assert alive(MODEL, Purchases(5_000, 10, 520)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("repeated", [0, 1, 10, 1_000, 9_999])
@pytest.mark.parametrize("weeks", [1, 52, 520])
def test_every_history_has_an_expectation(repeated: int, weeks: int) -> None:
    for model in (MODEL, Model(0, 0, 0.3, 5, 1.0, 2.0, {}), Model(0, 0, 2, 1, 0.3, 0.4, {})):
        for age in (0.0, 1.0, 500.0):
            found = expected(model, Purchases(repeated, age, age), weeks)
            assert math.isfinite(found)
            assert found >= 0


def test_orders_of_a_day_are_one_purchase_and_the_first_day_is_where_it_begins() -> None:
    # given
    orders = [ordered(10.1, "5"), ordered(10.9, "7"), ordered(24.5, "3"), ordered(24.6, "4"), ordered(31, "9")]
    orders.append(ordered(38, status=OrderStatus.CANCELLED))
    figures = add(map(figures_of, orders))
    # then
    assert purchases(figures, 45 * DAY) == Purchases(2, 3.0, 5.0)
    assert spent(figures["USD"]) == (2, 8.0)
    found = predict(MODEL, figures, 52, 45 * DAY)
    assert found.value == (found.purchase_value * Decimal(found.purchases)).quantize(Decimal("0.01")) or abs(
        found.value - found.purchase_value * Decimal(found.purchases)
    ) < Decimal("0.05")
    assert (found.currency, found.as_of, found.customers) == ("USD", 7, 2357)


def test_without_orders_or_a_model_of_the_currency_less_is_told() -> None:
    assert predict(MODEL, {}, 52, 0) is None
    found = predict(MODEL, add([figures_of(ordered(1, currency="EUR"))]), 52, 2 * DAY)
    assert (found.currency, found.purchase_value, found.value) == ("EUR", None, None)
    assert found.purchases > 0


def test_text_keeps_a_model() -> None:
    assert Model.from_text(MODEL.as_text()) == MODEL
