"""Predicted purchases: the closed formulas compared with simulated customers, and at their limits."""

import math
import random
from decimal import Decimal

import pytest

from graph.domain.model.dates import DAY
from graph.domain.model.order_totals import add, order_totals_of
from graph.domain.model.orders import Order, OrderStatus
from graph.domain.profile.prediction import (
    Model,
    PurchaseHistory,
    expected_purchases,
    predict,
    probability_alive,
    purchase_history,
    repeat_spend,
)

MODEL = Model(7, 2357, 0.243, 4.414, 0.793, 2.426, {"USD": (6.25, 3.74, 15.44)})
"""The published estimates of CDNOW's sample."""


def order(day: float, total: str = "10", status: OrderStatus = OrderStatus.PAID, currency: str = "USD") -> Order:
    return Order(str(day), "shop", round(day * DAY), 0, currency, Decimal(total), status)


def simulated(model: Model, rng: random.Random, age: float, weeks: float) -> tuple[PurchaseHistory, int]:
    """A customer drawn from the model: the history up to `age`, and the purchases in the weeks after it."""
    rate = rng.gammavariate(model.r, 1 / model.alpha)
    dropout = rng.betavariate(model.a, model.b)
    time, times = 0.0, []
    while True:
        time += rng.expovariate(rate) if rate else math.inf
        if time > age + weeks:
            break
        times.append(time)
        if rng.random() < dropout:
            break
    past = [time for time in times if time <= age]
    return PurchaseHistory(len(past), max(past, default=0.0), age), len(times) - len(past)


def test_expected_purchases_equal_those_of_simulated_customers() -> None:
    # given
    rng = random.Random(7)
    model = Model(0, 0, 1.2, 6.0, 0.8, 2.5, {})
    customers = [simulated(model, rng, 30, 26) for _ in range(20_000)]
    # then
    for in_group in (lambda x: x == 0, lambda x: 1 <= x <= 2, lambda x: x >= 3):
        group = [(history, purchases) for history, purchases in customers if in_group(history.repeat_purchases)]
        expected = sum(expected_purchases(model, history, 26) for history, _ in group)
        assert expected == pytest.approx(sum(purchases for _, purchases in group), rel=0.06)


def test_without_purchases_a_frequent_buyer_is_less_likely_alive_than_a_rare_one() -> None:
    assert probability_alive(MODEL, PurchaseHistory(0, 0, 50)) == 1
    frequent, rare = (probability_alive(MODEL, PurchaseHistory(x, 10, 50)) for x in (20, 2))
    assert 0 < frequent < rare < 1
    assert probability_alive(MODEL, PurchaseHistory(20, 49, 50)) > 0.9
    assert probability_alive(MODEL, PurchaseHistory(5_000, 10, 520)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("repeat_purchases", [0, 1, 10, 1_000, 9_999])
@pytest.mark.parametrize("weeks", [1, 52, 520])
def test_expected_purchases_are_finite_for_every_history(repeat_purchases: int, weeks: int) -> None:
    for model in (MODEL, Model(0, 0, 0.3, 5, 1.0, 2.0, {}), Model(0, 0, 2, 1, 0.3, 0.4, {})):
        for age in (0.0, 1.0, 500.0):
            purchases = expected_purchases(model, PurchaseHistory(repeat_purchases, age, age), weeks)
            assert math.isfinite(purchases)
            assert purchases >= 0


def test_orders_of_a_day_are_one_purchase_and_the_history_begins_with_the_first_day() -> None:
    # given
    orders = [order(10.1, "5"), order(10.9, "7"), order(24.5, "3"), order(24.6, "4"), order(31, "9")]
    orders.append(order(38, status=OrderStatus.CANCELLED))
    order_totals = add(map(order_totals_of, orders))
    # then
    assert purchase_history(order_totals, 45 * DAY) == PurchaseHistory(2, 3.0, 5.0)
    assert repeat_spend(order_totals["USD"]) == (2, 8.0)
    prediction = predict(MODEL, order_totals, 52, 45 * DAY)
    product = prediction.expected_purchase_value * Decimal(prediction.expected_purchases)
    assert abs(prediction.expected_value - product) < Decimal("0.05")
    assert (prediction.currency, prediction.fitted_at, prediction.fitted_to_customers) == ("USD", 7, 2357)


def test_there_is_no_prediction_without_orders_and_no_value_without_a_model_of_the_currency() -> None:
    assert predict(MODEL, {}, 52, 0) is None
    prediction = predict(MODEL, add([order_totals_of(order(1, currency="EUR"))]), 52, 2 * DAY)
    assert (prediction.currency, prediction.expected_purchase_value, prediction.expected_value) == ("EUR", None, None)
    assert prediction.expected_purchases > 0


def test_of_two_currencies_with_equal_counts_the_first_by_name_is_predicted() -> None:
    # given
    orders = [order(day, currency=currency) for currency in ("USD", "EUR") for day in (1, 20)]
    # when
    prediction = predict(MODEL, add(map(order_totals_of, orders)), 52, 45 * DAY)
    # then: the model has no mean value in euros
    assert (prediction.currency, prediction.expected_purchase_value, prediction.expected_value) == ("EUR", None, None)


def test_a_model_is_restored_from_its_text() -> None:
    assert Model.from_text(MODEL.as_text()) == MODEL
