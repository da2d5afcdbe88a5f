"""Orders: the facts as they are stored, which of several reports are in effect, and amounts that are allowed."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.domain.model.errors import Problem
from graph.domain.model.observations import Observation
from graph.domain.model.orders import (
    Order,
    OrderLine,
    OrderStatus,
    check_amount,
    check_order,
    keeps_identifiers,
    reports_in_effect,
)

EUR = frozenset({"EUR"})
AT = 1_772_359_200_000_000
"""2026-03-01T10:00:00Z."""
LINES = (
    OrderLine("kettle", Decimal(1), Decimal(100)),
    OrderLine("voucher", Decimal(1), Decimal(-20)),
    OrderLine("cup", Decimal(-2), Decimal("-9.90")),
)
STORED = (
    '{"number":"7","placed_at":5,"reported_at":6,"currency":"EUR","total":"80.5","status":"paid",'
    '"lines":[["kettle","1","100","Kettle"]]}'
)
"""Facts as an older version stored them."""
EMAIL = ("email", "ann@example.com")


def order(total: str = "80", refunded: str = "0", **more: object) -> Order:
    return Order("7", "shop", AT, AT, "EUR", Decimal(total), refunded=Decimal(refunded), **more)


def test_stored_facts_are_read_and_written_unchanged() -> None:
    # when
    stored = Order.from_facts("shop", STORED)
    # then
    assert stored.facts() == STORED
    assert (stored.refunded, stored.revenue) == (0, Decimal("80.5"))


def test_refunds_are_part_of_the_facts() -> None:
    # given
    refunded = order(refunded="20.50", lines=LINES)
    # then
    assert Order.from_facts("shop", refunded.facts()) == refunded


@pytest.mark.parametrize(
    ("status", "revenue"),
    [
        (OrderStatus.PLACED, "59.5"),
        (OrderStatus.PAID, "59.5"),
        (OrderStatus.SHIPPED, "59.5"),
        (OrderStatus.RETURNED, "0"),
        (OrderStatus.CANCELLED, "0"),
    ],
)
def test_revenue_is_the_total_less_refunds(status: OrderStatus, revenue: str) -> None:
    assert order(refunded="20.5", status=status).revenue == Decimal(revenue)


def test_the_digest_of_an_order_does_not_depend_on_whether_identifiers_can_be_left_out() -> None:
    # given: observations as an older version made them
    with_identifiers = Observation(
        "shop", (("order", "7"), EMAIL), f"order:7:{AT}", seen_at=AT, facts=order().facts(), kind="order"
    )
    without = Observation("shop", (("order", "7"),), f"order:7:{AT}", seen_at=AT, facts=order().facts(), kind="order")
    # then
    assert order().observation((EMAIL,)) == with_identifiers
    assert order().observation(None) == without
    assert order().observation(()).digest != without.digest


def test_a_report_keeps_identifiers_unless_it_names_some_or_says_that_there_are_none() -> None:
    left_out, none = order().observation(None), order().observation(())
    assert keeps_identifiers(("order=7",), left_out.facts)
    assert not keeps_identifiers(("order=7",), none.facts)
    assert not keeps_identifiers(("email=ann@example.com", "order=7"), left_out.facts)
    # a name that looks like the mark is not the mark
    named = order(lines=(OrderLine("x", Decimal(1), Decimal(1), '"no_identifiers":true'),))
    assert keeps_identifiers(("order=7",), named.observation(None).facts)


@given(st.lists(st.booleans(), min_size=1, max_size=6))
def test_the_newest_report_and_the_newest_that_names_identifiers_are_in_effect(keeps: list[bool]) -> None:
    # when
    in_effect = reports_in_effect(range(len(keeps)), keeps.__getitem__)
    # then
    naming = [number for number, keeping in enumerate(keeps) if not keeping]
    assert in_effect[0] == len(keeps) - 1
    assert set(in_effect) == {len(keeps) - 1, *naming[-1:]}


def test_lines_may_be_negative_and_the_total_may_not() -> None:
    assert check_order(order(lines=LINES), EUR, AT) is None
    assert check_order(order("-0.01"), EUR, AT) == Problem(
        "NEGATIVE_AMOUNT", "total is -0.01; it must not be negative", ("total",)
    )
    assert check_amount("quantity", Decimal("-1e30"), may_be_negative=True) is not None


@pytest.mark.parametrize(
    ("refunded", "code", "message"),
    [
        ("80.01", "INVALID_AMOUNT", "refunded is 80.01; 0 to the total of the order, 80, is allowed"),
        ("-1", "NEGATIVE_AMOUNT", "refunded is -1; it must not be negative"),
    ],
)
def test_a_refund_is_at_most_the_total(refunded: str, code: str, message: str) -> None:
    assert check_order(order(refunded=refunded), EUR, AT) == Problem(code, message, ("refunded",))
    assert check_order(order(refunded="80"), EUR, AT) is None


def test_returned_items_and_discounts_are_not_purchased() -> None:
    assert order(lines=LINES).purchased_skus == {"kettle"}
