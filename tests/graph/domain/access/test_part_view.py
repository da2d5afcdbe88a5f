"""A part of a customer is cut out of what was read of the whole."""

from hypothesis import given
from hypothesis import strategies as st

from graph.domain.access.part_view import (
    ALL_INTERACTIONS,
    ALL_ORDERS,
    EVERYTHING,
    Part,
    all_identifiers,
    one_identifier,
    view_of_part,
    wide,
)
from graph.domain.model.customers import Anchor, Customer
from graph.domain.model.facts import FactKind
from graph.domain.model.identifiers import Identifier
from graph.domain.model.links import LinkState
from graph.domain.model.observations import Evidence
from graph.domain.profile.pages import (
    CustomerView,
    FactPage,
    HistoryPage,
    IdentifierPage,
    IdentifierView,
    InteractionCountsPage,
    LinkPage,
    MatchPage,
    OrderPage,
    Page,
    Selection,
    TimelinePage,
)
from graph.domain.profile.timeline import TimelineKind
from service.config.rules_file import default_text, parse

RULES = parse(default_text())
COOKIE = "cookie=ck-1"
CUSTOMER = Customer(7, "cus_whole", 1, Anchor("login=ann", 1), 12, {"login": 1, "cookie": 1}, suspended=2)


def identifier(key: str, first: int, *sources: str, shared: bool = False) -> IdentifierView:
    return IdentifierView(Identifier.from_key(key), Evidence(first, first + 5, sources, 3), shared)


def test_wide_reads_each_kind_once_and_nothing_that_a_part_never_shows() -> None:
    # given
    changes, behind = TimelinePage(5, kinds=(TimelineKind.CHANGE,)), TimelinePage(5, (9, 1, "b"))
    lists = OrderPage(5), OrderPage(5, (1, "a")), LinkPage(5), MatchPage(5), HistoryPage(5)
    asked = Selection.of([*lists, FactPage(FactKind.CONSENT, 5), InteractionCountsPage(), changes, behind])
    kinds = (TimelineKind.INTERACTION, TimelineKind.ORDER)
    # then
    assert set(wide(asked, all_identifiers(RULES)).pages) == {
        all_identifiers(RULES),
        ALL_ORDERS,
        FactPage(FactKind.CONSENT, EVERYTHING),
        ALL_INTERACTIONS,
        TimelinePage(EVERYTHING, (9, 1, "b"), kinds),
    }


def test_nothing_of_the_whole_customer_is_left() -> None:
    # given
    page, links, history = all_identifiers(RULES), LinkPage(5, states=(LinkState.ACTIVE,)), HistoryPage(5)
    items = [identifier("login=ann", 10, "crm"), identifier(COOKIE, 30, "web", shared=True)]
    view = CustomerView(CUSTOMER, "cus_old", {page: Page(items, False), ALL_ORDERS: Page((), False)})
    # when
    shown = view_of_part(
        view, items, Selection.of([page, links, history]), Part(frozenset((COOKIE,)), "cus_derived"), RULES
    )
    # then
    assert shown is not None
    assert shown.requested_id is None
    assert shown.customer == Customer("cus_derived", "cus_derived", 30, Anchor(COOKIE, 30), counts={"cookie": 1})
    assert shown.pages == {
        page: Page([identifier(COOKIE, 30, "web")], has_more=False),
        links: Page((), has_more=False),
        history: Page((), has_more=False),
    }


def test_evidence_of_others_is_replaced_by_that_of_the_sources() -> None:
    # given
    page = all_identifiers(RULES)
    items = [identifier("login=ann", 10, "club", "crm"), identifier(COOKIE, 30, "club")]
    view = CustomerView(CUSTOMER, None, {page: Page(items, False)})
    own = {"login=ann": Evidence(20, 20, ("club",), 1)}
    part = Part(frozenset(("login=ann", COOKIE)), "cus_whole", frozenset({"club"}), own)
    # when
    shown = view_of_part(view, items, Selection.of([page]), part, RULES)
    # then
    assert shown is not None
    assert [item.evidence for item in shown.pages[page].items] == [own["login=ann"], items[1].evidence]
    assert shown.customer.created_at == 20


def test_a_part_that_no_source_named_is_none() -> None:
    items = [IdentifierView(Identifier.from_key(COOKIE), None)]
    view = CustomerView(CUSTOMER, None, {})
    assert view_of_part(view, items, Selection(), Part(frozenset((COOKIE,)), "x"), RULES) is None


@given(key=st.text(min_size=1, alphabet=st.characters(exclude_categories=["Cs"])), other=st.text(min_size=1))
def test_a_page_of_one_identifier_begins_with_it(key: str, other: str) -> None:
    # given
    page = one_identifier(f"cookie={key}")
    assert isinstance(page, IdentifierPage)
    assert page.after is not None
    # then
    assert page.after[1] < f"cookie={key}"
    # Other identifiers in between are longer than any that is stored or have a character that no identifier has.
    between = f"cookie={other}"
    assert not page.after[1] < between < f"cookie={key}" or "\U0010ffff" in between
