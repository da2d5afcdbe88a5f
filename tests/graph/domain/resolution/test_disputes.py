"""What a union changes of suspended links; `test_bounded_steps` compares random ones with the whole region."""

from graph.domain.model.customers import Anchor, Customer
from graph.domain.model.overrides import OverrideKind
from graph.domain.model.rules import Rules
from graph.domain.resolution.disputes import Growth
from tests.builders.graphs import Graph, observe, override, seen, small_rules

RULES = small_rules()


def customer(node: int, suspended: int = 0, overrides: int = 0, **counts: int) -> Customer:
    return Customer(node, f"cus_{node}", 0, Anchor("", 0), 1, counts, suspended, overrides)


def disputed(*customers: Customer, rules: Rules = RULES, **new: int) -> set[object]:
    return Growth(customers, new).disputed(rules)


def test_disputes_are_read_where_a_customer_with_suspended_links_gains_what_a_reason_depends_on() -> None:
    assert disputed(customer(1, suspended=1, crm=1), mail=1) == {1}
    assert disputed(customer(1, suspended=1, crm=1), cookie=1) == set()
    assert disputed(customer(1, suspended=1, cookie=1), customer(2, crm=1)) == {1}
    assert disputed(customer(1, suspended=1, crm=1), customer(2, cookie=1)) == set()


def test_overrides_of_several_customers_are_read_because_they_may_keep_them_apart() -> None:
    assert disputed(customer(1, overrides=1), mail=1) == set()
    assert disputed(customer(1, overrides=1), customer(2, cookie=1)) == set()
    assert disputed(customer(1, overrides=1), customer(2, overrides=1)) == {1, 2}


def test_the_count_in_a_reason_follows_a_new_value_without_reading_the_customer() -> None:
    # given: a customer with two addresses, of which another one claims a cookie with one address of its own
    graph = Graph(RULES)
    graph.see(seen("crm=a", "cookie=x", id="1", at=2), seen("mail=C", "cookie=x", "mail=D", id="2", at=1))
    graph.see(seen("crm=a", "mail=A", id="3", at=3))
    before = {pair: link.reason for pair, link in graph.store.links.items() if link.reason}
    # when
    regions = graph.store.regions_read
    graph.see(seen("crm=a", "mail=B", id="4", at=3))
    # then
    after = {pair: link.reason for pair, link in graph.store.links.items() if link.reason}
    assert before.keys() == after.keys()
    assert before != after
    assert graph.store.regions_read == regions


def test_customers_that_a_steward_keeps_apart_are_not_joined() -> None:
    # given
    graph = Graph(RULES)
    graph.do(observe(seen("crm=a", "mail=A", id="1"), RULES), observe(seen("phone=1", "cookie=x", id="2", at=5), RULES))
    graph.do(override(OverrideKind.APART, "mail=A", "phone=1"))
    # when
    graph.see(seen("mail=A", "cookie=x", id="3", at=1))
    # then
    assert graph.customers() == [["cookie=x", "phone=1"], ["crm=a", "mail=A"]]
