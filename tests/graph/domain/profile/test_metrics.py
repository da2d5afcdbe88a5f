"""Order totals can be added and subtracted; metrics are computed from them."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from graph.domain.model.dates import DAY
from graph.domain.model.order_totals import (
    add,
    main_currency,
    order_totals_from_json,
    order_totals_of,
    order_totals_to_json,
    subtract,
)
from graph.domain.model.orders import Order, OrderStatus
from graph.domain.profile.metrics import metrics

ORDERS = st.builds(
    lambda placed_at, currency, amounts, status: Order(
        "1", "shop", placed_at, 0, currency, max(amounts), status, refunded=min(amounts)
    ),
    st.integers(0, 100),
    st.sampled_from(["EUR", "USD"]),
    st.tuples(st.decimals(0, 1000, places=2), st.decimals(0, 1000, places=2)),
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


def test_refunds_are_no_revenue() -> None:
    # given
    refunded = Order("1", "shop", 0, 0, "EUR", Decimal("100"), refunded=Decimal("30.50"))
    fine = Order("2", "shop", DAY, 0, "EUR", Decimal("20"))
    # when
    totals = add([order_totals_of(refunded), order_totals_of(fine)])["EUR"]
    # then
    assert (totals.order_count, totals.revenue, totals.first_day_revenue) == (2, Decimal("89.50"), Decimal("69.50"))


def test_stored_totals_are_read_and_written_unchanged() -> None:
    stored = '{"EUR":[2,"120",0,86400000000,"100",[0,1]]}'
    assert order_totals_to_json(order_totals_from_json(stored)) == stored


def test_the_main_currency_is_that_of_most_orders_and_of_equal_counts_the_first_by_name() -> None:
    # given
    orders = [Order(str(n), "shop", 0, 0, currency, Decimal(5)) for n, currency in enumerate(["USD", "EUR"])]
    both = add(map(order_totals_of, orders))
    # then
    assert main_currency(both) == "EUR"
    assert main_currency(add([both, order_totals_of(orders[0])])) == "USD"
    assert [money.currency for money in metrics(both, DAY).revenue] == ["EUR", "USD"]


def test_days_since_the_last_order_are_whole_days() -> None:
    order_totals = order_totals_of(Order("1", "shop", 0, 0, "EUR", Decimal("5")))
    assert metrics(order_totals, 3 * DAY - 1).days_since_last_order == 2
    assert metrics(order_totals, -DAY).days_since_last_order == 0
    assert metrics({}, 0).days_since_last_order is None
