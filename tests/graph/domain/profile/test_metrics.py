"""Order totals can be added and subtracted; metrics are computed from them."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from graph.domain.model.dates import DAY
from graph.domain.model.order_totals import add, order_totals_from_json, order_totals_of, order_totals_to_json, subtract
from graph.domain.model.orders import Order, OrderStatus
from graph.domain.profile.metrics import metrics

ORDERS = st.builds(
    Order,
    st.just("1"),
    st.just("shop"),
    st.integers(0, 100),
    st.just(0),
    st.sampled_from(["EUR", "USD"]),
    st.decimals(0, 1000, places=2),
    st.sampled_from(OrderStatus),
)


@given(st.lists(ORDERS, min_size=1))
def test_subtracting_an_order_gives_the_totals_of_the_others(orders: list[Order]) -> None:
    # given
    totals = add(map(order_totals_of, orders))
    # when
    rest = subtract(totals, order_totals_of(orders[-1]))
    # then
    assert rest is None or rest == add(map(order_totals_of, orders[:-1]))
    assert order_totals_from_json(order_totals_to_json(totals)) == totals


def test_days_since_the_last_order_are_whole_days() -> None:
    order_totals = order_totals_of(Order("1", "shop", 0, 0, "EUR", Decimal("5")))
    assert metrics(order_totals, 3 * DAY - 1).days_since_last_order == 2
    assert metrics(order_totals, -DAY).days_since_last_order == 0
    assert metrics({}, 0).days_since_last_order is None
