"""RFM percentiles and scores: equal to those of a direct calculation, also with equal values."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.domain.model.order_totals import CurrencyTotals, OrderTotals
from graph.domain.profile.rfm import RfmGroup, RfmPopulation, percentile, population, rfm_scores, score


def totals_of(orders: int, revenue: int, first: int, last: int) -> CurrencyTotals:
    return CurrencyTotals(orders, Decimal(revenue), first, last, {0: orders}, Decimal(0))


TOTALS = st.builds(
    lambda orders, revenue, first, span: totals_of(orders, revenue, first, first + span),
    st.integers(1, 5),
    st.integers(0, 20),
    st.integers(0, 10),
    st.integers(0, 10),
)
ORDER_TOTALS = st.dictionaries(st.sampled_from(["EUR", "USD"]), TOTALS, max_size=2)


def nearest_rank(values: list[int], percent: int) -> int:
    """The smallest value that at least `percent` percent of all do not exceed."""
    for candidate in sorted(values):
        if sum(value <= candidate for value in values) * 100 >= percent * len(values):
            return candidate
    raise AssertionError


@given(st.lists(st.integers(1, 11), min_size=1, max_size=60))
def test_percentiles_are_those_of_the_nearest_rank(order_counts: list[int]) -> None:
    all_customers = population([{"EUR": totals_of(order_count, 0, 0, 0)} for order_count in order_counts], 0)
    assert list(all_customers.orders) == [nearest_rank(order_counts, percent) for percent in range(1, 100)]
    for order_count in order_counts:
        expected = 1 + sum(order_count > nearest_rank(order_counts, percent) for percent in (20, 40, 60, 80))
        assert score(order_count, all_customers.orders) == expected


@given(st.lists(ORDER_TOTALS, max_size=30))
def test_percentiles_do_not_depend_on_the_order_of_customers(customers: list[OrderTotals]) -> None:
    all_customers = population(customers, 7)
    assert population(list(reversed(customers)), 7) == all_customers
    assert RfmPopulation.from_text(all_customers.as_text()) == all_customers
    order_counts = [sum(totals.order_count for totals in customer.values()) for customer in customers if customer]
    for customer in customers:
        scores = rfm_scores(customer, all_customers)
        assert (scores is None) == (not customer)
        if scores is not None:
            assert {scores.recency, scores.frequency, scores.monetary} <= {1, 2, 3, 4, 5}
            order_count = sum(totals.order_count for totals in customer.values())
            expected = sum(order_count > nearest_rank(order_counts, percent) for percent in range(1, 100))
            assert scores.orders_percentile == expected


def test_equal_customers_have_equal_scores() -> None:
    customers = [{"EUR": totals_of(1, 5, 0, 0)}] * 100
    scores = rfm_scores(customers[0], population(customers, 0))
    assert (scores.recency, scores.frequency, scores.monetary, scores.orders_percentile) == (1, 1, 1, 0)


@pytest.mark.parametrize(
    ("last", "orders", "group"),
    [(99, 99, RfmGroup.CHAMPIONS), (99, 0, RfmGroup.NEW), (0, 99, RfmGroup.CANNOT_LOSE), (0, 0, RfmGroup.LOST)],
)
def test_groups_at_the_corners_of_the_grid(last: int, orders: int, group: RfmGroup) -> None:
    customers = [{"EUR": totals_of(n + 1, n, 0, n)} for n in range(100)]
    scores = rfm_scores({"EUR": totals_of(orders + 1, 1, 0, last)}, population(customers, 0))
    assert scores.group is group


def test_without_customers_there_are_no_scores() -> None:
    assert rfm_scores({"EUR": totals_of(1, 5, 0, 0)}, population([], 0)) is None
    assert percentile(3, ()) == 0
