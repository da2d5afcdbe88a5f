"""Percentiles and scores over all customers: defined for ties, equal to counting the plain way."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.domain.model.order_totals import Figures, Sums
from graph.domain.profile.rfm import Population, RfmSegment, percentile, population, score, standing


def sums_of(orders: int, revenue: int, first: int, last: int) -> Sums:
    return Sums(orders, Decimal(revenue), first, last, {0: orders}, Decimal(0))


sums = st.builds(
    lambda orders, revenue, first, span: sums_of(orders, revenue, first, first + span),
    st.integers(1, 5),
    st.integers(0, 20),
    st.integers(0, 10),
    st.integers(0, 10),
)
figures = st.dictionaries(st.sampled_from(["EUR", "USD"]), sums, max_size=2)


def nearest_rank(values: list[int], cut: int) -> int:
    """The smallest value that at least `cut` per cent of all do not exceed."""
    for value in sorted(values):
        if sum(other <= value for other in values) * 100 >= cut * len(values):
            return value
    raise AssertionError


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=60))
def test_percentiles_are_those_of_the_nearest_rank(values: list[int]) -> None:
    counted = population([{"EUR": sums_of(value + 6, 0, 0, 0)} for value in values], 0)
    assert list(counted.orders) == [nearest_rank(values, cut) + 6 for cut in range(1, 100)]
    for value in values:
        expected = 1 + sum(value > nearest_rank(values, cut) for cut in (20, 40, 60, 80))
        assert score(value + 6, counted.orders) == expected


@given(st.lists(figures, max_size=30))
def test_the_order_of_customers_does_not_matter_and_text_keeps_everything(everyone: list[Figures]) -> None:
    counted = population(everyone, 7)
    assert population(list(reversed(everyone)), 7) == counted
    assert Population.from_text(counted.as_text()) == counted
    for one in everyone:
        found = standing(one, counted)
        assert (found is None) == (not one)
        if found is not None:
            assert {found.recency, found.frequency, found.monetary} <= {1, 2, 3, 4, 5}
            others = [sum(other.orders for other in mine.values()) for mine in everyone if mine]
            mine = sum(other.orders for other in one.values())
            assert found.orders_percentile == sum(mine > nearest_rank(others, cut) for cut in range(1, 100))


def test_equal_customers_score_equal() -> None:
    same = [{"EUR": sums_of(1, 5, 0, 0)}] * 100
    found = standing(same[0], population(same, 0))
    assert (found.recency, found.frequency, found.monetary, found.orders_percentile) == (1, 1, 1, 0)


@pytest.mark.parametrize(
    ("last", "orders", "segment"),
    [(99, 99, RfmSegment.CHAMPIONS), (99, 0, RfmSegment.NEW), (0, 99, RfmSegment.CANNOT_LOSE), (0, 0, RfmSegment.LOST)],
)
def test_the_corners_have_names(last: int, orders: int, segment: RfmSegment) -> None:
    everyone = [{"EUR": sums_of(n + 1, n, 0, n)} for n in range(100)]
    found = standing({"EUR": sums_of(orders + 1, 1, 0, last)}, population(everyone, 0))
    assert found.segment is segment


def test_before_anything_is_counted_nothing_is_said() -> None:
    assert standing({"EUR": sums_of(1, 5, 0, 0)}, population([], 0)) is None
    assert percentile(3, ()) == 0
