"""A customer objects to profiling if the strictest decision of its addresses on a profiling purpose is no."""

import pytest

from graph.domain.model.customers import Anchor, Customer
from graph.domain.model.facts import Fact
from graph.domain.model.observations import Party
from graph.domain.profile.catalog import Catalog
from graph.domain.profile.consents import ConsentStatement, Decision
from graph.domain.profile.insights import CONSENTS
from graph.domain.profile.objections import purpose_objected_to, with_objections
from graph.domain.profile.pages import CustomerView, Page, Selection


def consent(key: str, decision: str, at: int, purpose: str) -> Fact:
    """A decision on a purpose."""
    statement = ConsentStatement("shop", (), purpose, Decision(decision), decided_at=at)
    return Fact(key, at, "shop", f"shop{at}", Party.FIRST_PARTY, statement.observation().facts)


@pytest.mark.parametrize(
    ("decisions", "expected"),
    [
        ([], ""),
        ([("mail=a", "given", 1)], ""),
        ([("mail=a", "withdrawn", 1)], "profiling"),
        ([("mail=a", "refused", 1), ("mail=b", "given", 2)], "profiling"),
        ([("mail=a", "refused", 1), ("mail=a", "given", 2)], ""),
    ],
)
def test_the_strictest_decision_in_effect_decides(decisions: list[tuple[str, str, int]], expected: str) -> None:
    facts = [consent(key, decision, at, purpose="profiling") for key, decision, at in decisions]
    assert purpose_objected_to(facts, ("profiling",)) == expected


def test_only_purposes_of_profiling_count() -> None:
    # given
    facts = [consent("mail=a", "withdrawn", 1, purpose="newsletter")]
    # then
    assert purpose_objected_to(facts, ("profiling",)) == ""
    assert purpose_objected_to(facts, ("profiling", "newsletter")) == "newsletter"


def test_a_view_without_consents_and_a_catalog_without_profiling_say_nothing() -> None:
    # given
    facts = [consent("mail=a", "withdrawn", 1, purpose="profiling")]
    view = CustomerView(Customer(1, "cus_1", 0, Anchor("mail=a", 0)), pages={CONSENTS: Page(facts, has_more=False)})
    selection = Selection.of([CONSENTS])
    # when, then
    assert with_objections([view, None], Selection(), Catalog()) == [view, None]
    assert with_objections([view], selection, Catalog(profiling_purposes=())) == [view]
    (shown,) = with_objections([view], selection, Catalog())
    assert shown is not None
    assert shown.objected_to == "profiling"
    assert not shown.may_be_profiled
