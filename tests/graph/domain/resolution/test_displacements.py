"""Values over a limit that displace others; `test_bounded_steps` compares random ones with the whole region."""

import pytest

from graph.domain.model.changes import ChangeKind
from graph.domain.model.links import LinkReasonCode
from graph.domain.model.observations import Observation
from graph.domain.model.rules import NamespaceRule, Rules
from tests.builders.graph_checks import last_step
from tests.builders.graphs import seen

RULES = Rules((NamespaceRule("login", limit=1), NamespaceRule("mail", limit=2), NamespaceRule("cookie")))
ADDRESSES = [seen("login=a", "mail=A", id="1", at=1), seen("login=a", "mail=B", id="2", at=2)]


def test_a_newer_address_displaces_the_oldest_without_reading_the_customer() -> None:
    # when
    graph, regions = last_step(RULES, ADDRESSES, seen("login=a", "mail=C", id="3", at=3))
    # then
    assert regions == 0
    assert graph.customers() == [["login=a", "mail=B", "mail=C"], ["mail=A"]]
    assert graph.store.links["login=a", "mail=A"].reason.code is LinkReasonCode.LIMIT
    kinds = [change.kind for change in graph.store.changes[-3:]]
    assert kinds == [ChangeKind.IDENTIFIERS_MOVED, ChangeKind.CUSTOMER_SPLIT, ChangeKind.LINK_SUSPENDED]


def test_what_was_rejected_because_of_the_displaced_address_is_rejected_because_of_the_new_one() -> None:
    # given: an address that was displaced before, and another customer's addresses
    more = [
        seen("login=a", "mail=E", id="3", at=3),
        seen("mail=C", "mail=D", "cookie=y", id="4", at=8),
        seen("login=a", "cookie=y", id="5", at=1),
    ]
    # when
    graph, regions = last_step(RULES, [*ADDRESSES, *more], seen("login=a", "mail=F", id="6", at=4))
    # then
    assert regions == 0
    assert ["login=a", "mail=E", "mail=F"] in graph.customers()


@pytest.mark.parametrize(
    ("more", "at"),
    [
        # the address is linked with something else, which goes with it or holds it
        ([seen("mail=A", "cookie=x", id="4", at=9)], 3),
        # the new address itself is the last one
        ([], 0),
    ],
    ids=["a bridge", "an older one"],
)
def test_an_address_on_which_something_else_rests_is_resolved_with_its_customer(
    more: list[Observation], at: int
) -> None:
    # when
    _, regions = last_step(RULES, [*ADDRESSES, *more], seen("login=a", "mail=C", id="7", at=at))
    # then
    assert regions == 1
