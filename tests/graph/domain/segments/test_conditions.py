"""Conditions on a customer: whether they hold, and until which moment the result is valid without new data."""

import json
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from graph.domain.model.customers import Anchor, Customer
from graph.domain.model.dates import DAY, day_of
from graph.domain.model.facts import Fact
from graph.domain.model.observations import Party
from graph.domain.model.order_totals import add, order_totals_of
from graph.domain.model.orders import Order, OrderLine, OrderStatus
from graph.domain.model.products import Product
from graph.domain.profile.catalog import Catalog
from graph.domain.profile.consents import ConsentStatement, Decision
from graph.domain.profile.external_segments import ExternalSegmentStatement
from graph.domain.profile.insights import CONSENTS, EXTERNAL_SEGMENTS, ORDERS, PROFILE, CustomerInsights
from graph.domain.profile.pages import CustomerView, OrderView, Page, PageRequest, TimelinePage
from graph.domain.profile.property_filters import PropertyFilter
from graph.domain.profile.timeline import NO_END, TimelineEntry, TimelineKind
from graph.domain.segments.conditions import (
    AttributeCondition,
    CombinedCondition,
    Condition,
    ConditionResult,
    ConsentCondition,
    ExternalSegmentCondition,
    InteractionCondition,
    KnownCondition,
    NamespaceCondition,
    NotCondition,
    OrderCondition,
    ProductAttributeCondition,
    holding_parts,
    leaf_conditions,
    next_moment,
)
from graph.domain.segments.metric_conditions import Metric, MetricCondition

NOW = day_of(2026, 6, 15) * DAY + DAY // 2
SHOE = Product(
    "s1", "Shoe", "pim", 0, "Walk", ("shoes > running",), attributes={"size": 42, "color": ("Red", "Blue"), "new": True}
)


def insights(items: dict[PageRequest, Sequence[Any]] | None = None, now: int = NOW) -> CustomerInsights:
    """A customer with a CRM number and two email addresses, and the items of its pages."""
    pages: dict[PageRequest, Page[Any]] = defaultdict(lambda: Page((), False))
    pages.update({page: Page(content, False) for page, content in (items or {}).items()})
    customer = Customer("node", "cus_1", 0, Anchor("crm=a", 0), counts={"crm": 1, "mail": 2})
    return CustomerInsights(
        now, CustomerView(customer, None, pages), Catalog(), frozenset({"crm"}), products={"s1": SHOE}
    )


def fact(facts: str, at: int = 0, source: str = "crm") -> Fact:
    return Fact("crm=a", at, source, f"{source}{at}", Party.FIRST_PARTY, facts)


def with_attributes(**values: object) -> CustomerInsights:
    """A customer with attributes."""
    return insights({PROFILE: [fact(json.dumps(values))]})


class FixedCondition(Condition, frozen=True):
    """A condition with a fixed result."""

    holds: bool
    until: int = NO_END

    def evaluate(self, insights: CustomerInsights) -> ConditionResult:
        return ConditionResult(self.holds, self.until)


def test_combined_conditions_are_valid_until_the_first_of_them_may_change() -> None:
    yes, no = FixedCondition(True, 5), FixedCondition(False, 3)
    assert CombinedCondition((yes, yes), 2).evaluate(insights()) == (True, 5)
    assert CombinedCondition((yes, no), 2).evaluate(insights()) == (False, 3)
    assert CombinedCondition((yes, no), 1).evaluate(insights()) == (True, 3)
    assert NotCondition(no).evaluate(insights()) == (True, 3)
    assert leaf_conditions(CombinedCondition((yes, NotCondition(CombinedCondition((no, yes), 1))), 2)) == [yes, no, yes]


def test_the_parts_of_a_condition_hold_by_themselves() -> None:
    # given a customer with a given name only
    given, family = AttributeCondition("given_name", exists=True), AttributeCondition("family_name", exists=True)
    customer = with_attributes(given_name="Ann")
    # then: the condition first, then its parts with their own
    both = CombinedCondition((given, family), 2)
    assert holding_parts(given, customer) == [True]
    assert holding_parts(NotCondition(both), customer) == [True, False, True, False]
    assert holding_parts(CombinedCondition((NotCondition(given), both), 1), customer) == [
        False, False, True, False, True, False,
    ]  # fmt: skip


def test_the_next_moment_is_the_first_after_now() -> None:
    assert next_moment([3, 7.2, 9, 5], 5) == 8
    assert next_moment([3, 5], 5) == NO_END


@pytest.mark.parametrize(
    ("criteria", "holds"),
    [
        ({"exists": True}, True),
        ({"exists": False}, False),
        ({"values": ("ann", "eve")}, True),
        ({"values": ("anna",)}, False),
        ({"contains": "nn"}, True),
        ({"contains": "x"}, False),
        ({"min": "Ann"}, True),
        ({"min": "ben"}, False),
        ({"max": "Ann", "min": "a"}, True),
        ({"max": "Al"}, False),
    ],
)
def test_criteria_of_a_text(criteria: dict[str, Any], holds: bool) -> None:
    customer = with_attributes(given_name="ANN")
    assert AttributeCondition("given_name", **criteria).evaluate(customer) == (holds, NO_END)


def test_criteria_of_a_part_of_an_address_and_of_a_missing_value() -> None:
    customer = with_attributes(address={"city": "Bonn"})
    assert AttributeCondition("address", "city", values=("bonn",)).evaluate(customer).holds
    assert not AttributeCondition("address", "street", exists=True).evaluate(customer).holds
    assert not AttributeCondition("given_name", contains="").evaluate(customer).holds
    assert AttributeCondition("given_name", exists=False).evaluate(customer).holds


@pytest.mark.parametrize(
    ("criteria", "birth_date", "holds", "until"),
    [
        # 18 tomorrow, 18 today, 30 until the next birthday, 31 today
        ({"min_years": 18}, "2008-06-16", False, (2026, 6, 16)),
        ({"min_years": 18}, "2008-06-15", True, None),
        ({"max_years": 30}, "1996-06-15", True, (2027, 6, 15)),
        ({"max_years": 30}, "1995-06-15", False, None),
        # the condition holds from three days before the birthday to its end
        ({"anniversary_within_days": 3}, "1990-06-20", False, (2026, 6, 17)),
        ({"anniversary_within_days": 3}, "1990-06-18", True, (2026, 6, 19)),
        ({"anniversary_within_days": 3}, "1990-06-15", True, (2026, 6, 16)),
        ({"anniversary_within_days": 3}, "1990-06-14", False, (2027, 6, 11)),
    ],
)
def test_criteria_of_a_date_change_at_the_start_of_a_day(
    criteria: dict[str, Any], birth_date: str, holds: bool, until: tuple[int, int, int] | None
) -> None:
    expected = ConditionResult(holds, NO_END if until is None else day_of(*until) * DAY)
    customer = with_attributes(birth_date=birth_date)
    assert AttributeCondition("birth_date", **criteria).evaluate(customer) == expected


def test_an_interaction_condition_holds_until_the_oldest_interaction_needed_leaves_the_window() -> None:
    # given
    condition = InteractionCondition(types=("product_added",), within_days=3, min_count=2)
    page = TimelinePage(2, None, (TimelineKind.INTERACTION,), None, ("product_added",), since=NOW - 3 * DAY)
    entries = [TimelineEntry.interaction(fact('{"type":"product_added"}', NOW - days * DAY)) for days in (1, 2)]
    # when, then
    assert list(condition.pages(NOW)) == [page]
    assert condition.evaluate(insights({page: entries})) == (True, NOW + DAY + 1)
    assert condition.evaluate(insights({page: entries[:1]})) == (False, NO_END)
    page = TimelinePage(1, None, (TimelineKind.INTERACTION,))
    assert InteractionCondition().evaluate(insights({page: entries[:1]})) == (True, NO_END)


def test_an_interaction_condition_asks_for_the_properties_that_it_needs() -> None:
    # given
    rated = (PropertyFilter("rating", min=4),)
    page = TimelinePage(1, None, (TimelineKind.INTERACTION,), types=("review",), properties=rated)
    # then
    assert list(InteractionCondition(types=("review",), properties=rated).pages(NOW)) == [page]


def attributes(**values: str) -> tuple[ProductAttributeCondition, ...]:
    return tuple(ProductAttributeCondition(name, frozenset({value})) for name, value in values.items())


def order_view(days_ago: int, sku: str = "s1", status: OrderStatus = OrderStatus.PAID) -> OrderView:
    lines = (OrderLine(sku, Decimal(1), Decimal(5)),)
    placed_at = NOW - days_ago * DAY
    order = Order(str(days_ago), "shop", placed_at, 0, "EUR", Decimal(5), status, lines)
    return OrderView(f"order={days_ago}", order)


@pytest.mark.parametrize(
    ("condition", "holds", "until"),
    [
        (OrderCondition(), True, NO_END),
        (OrderCondition(min_count=3), False, NO_END),
        (OrderCondition(within_days=5), True, NOW + 3 * DAY + 1),
        (OrderCondition(within_days=5, min_count=2), False, NO_END),
        (OrderCondition(within_days=9, min_count=2), True, NOW + DAY + 1),
        (OrderCondition(skus=frozenset({"s1"})), True, NO_END),
        (OrderCondition(skus=frozenset({"s3"})), False, NO_END),
        (OrderCondition(categories=frozenset({"shoes"}), min_count=2), False, NO_END),
        (OrderCondition(brands=frozenset({"Walk"}), within_days=3), True, NOW + DAY + 1),
        (OrderCondition(categories=frozenset({"hats"}), brands=frozenset({"Run"})), False, NO_END),
        (OrderCondition(categories=frozenset({"shoes > running"})), True, NO_END),
        (OrderCondition(categories=frozenset({"shoes > walking", "running"})), False, NO_END),
        (OrderCondition(product_attributes=attributes(size="42", color="blue", new="true")), True, NO_END),
        (OrderCondition(product_attributes=attributes(size="42", color="green")), False, NO_END),
        (OrderCondition(product_attributes=attributes(weight="1")), False, NO_END),
        (OrderCondition(brands=frozenset({"Walk"}), product_attributes=attributes(size="42")), True, NO_END),
        (OrderCondition(brands=frozenset({"Run"}), product_attributes=attributes(size="42")), False, NO_END),
        (OrderCondition(skus=frozenset({"s2"}), product_attributes=attributes(size="42")), False, NO_END),
    ],
)
def test_an_order_condition_counts_matching_orders_that_are_not_canceled(
    condition: OrderCondition, holds: bool, until: int
) -> None:
    # given: a shoe two days ago, another product eight days ago, and a canceled order of s3
    orders = [order_view(1, "s3", OrderStatus.CANCELLED), order_view(2), order_view(8, "s2")]
    # when, then
    assert condition.evaluate(insights({ORDERS: orders})) == (holds, until)
    assert condition.needs_products == bool(condition.categories or condition.brands or condition.product_attributes)


def test_an_order_of_which_the_product_was_returned_does_not_match_the_product() -> None:
    # given
    view = order_view(2)
    returned = replace(
        view.order, lines=(OrderLine("s1", Decimal(-1), Decimal(-5)), OrderLine("s2", Decimal(1), Decimal(9)))
    )
    customer = insights({ORDERS: [OrderView(view.key, returned)]})
    # then
    assert not OrderCondition(skus=frozenset({"s1"})).evaluate(customer).holds
    assert OrderCondition(skus=frozenset({"s2"})).evaluate(customer).holds


def test_revenue_is_compared_in_one_currency_of_several() -> None:
    # given: as many orders in francs as in euros, of which one was given back in part
    orders = [
        Order("1", "shop", 0, 0, "EUR", Decimal(50), refunded=Decimal(20)),
        Order("2", "shop", 0, 0, "CHF", Decimal(40)),
    ]
    customer = Customer("node", "cus_1", 0, Anchor("crm=a", 0), order_totals=add(map(order_totals_of, orders)))
    view = CustomerView(customer, None, defaultdict(lambda: Page((), False)))
    both = CustomerInsights(NOW, view, Catalog(), frozenset())
    # then: of equal counts, the first by name is the main currency
    assert both.currency == "CHF"
    assert MetricCondition(Metric.REVENUE, min=40, max=40).evaluate(both).holds
    assert MetricCondition(Metric.REVENUE, min=30, max=30, currency="EUR").evaluate(both).holds
    assert not MetricCondition(Metric.REVENUE, min=0, currency="USD").evaluate(both).holds


def test_a_consent_condition_compares_the_decision_in_effect_which_is_none_without_any() -> None:
    # given
    statement = ConsentStatement("shop", (), "newsletter", Decision.GIVEN, "EMAIL")
    customer = insights({CONSENTS: [fact(statement.observation().facts)]})
    # when, then
    assert ConsentCondition("newsletter", "EMAIL", (Decision.GIVEN,)).evaluate(customer).holds
    assert not ConsentCondition("newsletter", None, (Decision.GIVEN,)).evaluate(customer).holds
    assert ConsentCondition("newsletter", None, (Decision.NONE, Decision.REFUSED)).evaluate(customer).holds


def test_an_external_segment_condition_holds_until_the_first_statement_expires() -> None:
    # given
    facts = [
        fact(ExternalSegmentStatement(source, (), "gamers", expires_at).observation().facts, source=source)
        for source, expires_at in (("dmp", NOW + 5), ("ads", NOW + 9), ("old", NOW))
    ]
    customer = insights({EXTERNAL_SEGMENTS: facts})
    # when, then
    assert ExternalSegmentCondition("gamers").evaluate(customer) == (True, NOW + 5)
    assert ExternalSegmentCondition("gamers", "ads").evaluate(customer) == (True, NOW + 9)
    assert ExternalSegmentCondition("gamers", "old").evaluate(customer) == (False, NO_END)
    assert ExternalSegmentCondition("parents").evaluate(customer) == (False, NO_END)


def test_conditions_on_the_identifiers_of_a_customer() -> None:
    assert NamespaceCondition("mail").evaluate(insights()).holds
    assert not NamespaceCondition("cookie").evaluate(insights()).holds
    assert KnownCondition(True).evaluate(insights()).holds
    assert not KnownCondition(False).evaluate(insights()).holds
