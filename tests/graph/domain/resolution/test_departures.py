"""Identifiers that become shared; `test_bounded_steps` compares random ones with the whole region."""

import pytest

from graph.domain.model.changes import ChangeKind
from graph.domain.model.observations import Observation
from graph.domain.model.rules import NamespaceRule, Rules
from tests.builders.graph_checks import last_step
from tests.builders.graphs import seen

RULES = Rules(
    (
        NamespaceRule("crm", limit=1),
        NamespaceRule("card"),
        NamespaceRule("mail", limit=2, shared_above={"stronger": 3}),
        NamespaceRule("cookie", shared_above={"stronger": 3}),
    )
)
OFFICE = [seen("crm=a", "card=a", "mail=office", id="1", at=9), seen("crm=b", "mail=office", id="2", at=1)]


def test_an_address_that_becomes_shared_leaves_its_customer_without_reading_it() -> None:
    # when: two identifiers of the customer are linked with the address, and earlier with each other
    graph, regions = last_step(RULES, OFFICE, seen("crm=c", "mail=office", id="3", at=2))
    # then
    assert regions == 0
    assert graph.customers() == [["card=a", "crm=a"], ["crm=b"], ["crm=c"], ["mail=office"]]
    assert [change.kind for change in graph.store.changes[-2:]].count(ChangeKind.CUSTOMER_SPLIT) == 1
    assert all(customer.suspended == 0 for customer in graph.store.customers.values())


def test_an_id_that_has_the_identifier_as_its_anchor_comes_back() -> None:
    # given: the address had a customer of its own, which was merged
    before = [seen("crm=a", id="4", at=1), seen("mail=office", id="0", at=1), *OFFICE]
    # when
    graph, regions = last_step(RULES, before, seen("crm=c", "mail=office", id="3", at=2))
    # then
    assert regions == 0
    assert graph.id_at("mail=office") == next(
        change.other_customer for change in graph.store.changes if change.kind is ChangeKind.CUSTOMERS_MERGED
    )


@pytest.mark.parametrize(
    "more",
    [
        # what is connected through the address alone stays or goes with it
        [seen("cookie=x", "mail=office", id="4", at=8)],
        # a link was rejected because of the address: with it, the customer has two
        [
            seen("crm=a", "mail=A", id="4", at=9),
            seen("mail=C", "mail=D", "cookie=y", id="5", at=8),
            seen("crm=a", "cookie=y", id="6", at=1),
        ],
    ],
    ids=["a bridge", "a limit"],
)
def test_an_address_on_which_something_else_rests_is_resolved_with_its_customer(more: list[Observation]) -> None:
    # when
    _, regions = last_step(RULES, [*OFFICE, *more], seen("crm=c", "mail=office", id="3", at=2))
    # then
    assert regions == 1
