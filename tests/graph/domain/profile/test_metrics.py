"""Figures: folding, adding and taking away agree."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from graph.domain.model.order_totals import add, figures_from_json, figures_of, figures_to_json, subtract
from graph.domain.model.orders import Order, OrderStatus
from graph.domain.profile.metrics import metrics

orders = st.builds(
    Order,
    st.just("1"),
    st.just("shop"),
    st.integers(0, 100),
    st.just(0),
    st.sampled_from(["EUR", "USD"]),
    st.decimals(0, 1000, places=2),
    st.sampled_from(OrderStatus),
)


@given(st.lists(orders, min_size=1))
def test_taking_one_away_equals_folding_the_rest(mine: list[Order]) -> None:
    # given
    whole = add(map(figures_of, mine))
    # when
    rest = subtract(whole, figures_of(mine[-1]))
    # then
    assert rest is None or rest == add(map(figures_of, mine[:-1]))
    assert figures_from_json(figures_to_json(whole)) == whole


def test_days_are_whole_days_since_the_last_order() -> None:
    day = 24 * 3600 * 1_000_000
    figures = figures_of(Order("1", "shop", 0, 0, "EUR", Decimal("5")))
    assert metrics(figures, 3 * day - 1).days_since_last_order == 2
    assert metrics(figures, -day).days_since_last_order == 0
    assert metrics({}, 0).days_since_last_order is None
