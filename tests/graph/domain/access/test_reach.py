"""By what a viewer may look up a customer, and which identifiers of one are its own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.domain.access.reach import (
    MAX_HELD_ORDERS,
    derived_id,
    may_ask_by,
    narrowed,
    narrows,
    opens_itself,
    self_part,
)
from graph.domain.access.viewer import Reach, Viewer
from graph.domain.model.customers import Anchor, Customer
from graph.domain.model.identifiers import Pair, namespace_of, pair
from graph.domain.model.links import Link, LinkState
from graph.domain.model.observations import EvidenceTier
from graph.domain.profile.pages import ById, ByKey, IdentifierPage, OrderPage, TimelinePage
from graph.domain.profile.property_filters import PropertyFilter
from graph.domain.profile.timeline import TimelineKind
from service.config.rules_file import default_text, parse
from tests.builders.viewers import viewer

RULES = parse(default_text())
EMAIL, CARD, LOGIN, COOKIE = "email=a@example.com", "loyalty_card=KC1", "login=ann", "cookie=ck-1"


def link(
    a: str,
    b: str,
    *sources: str,
    state: LinkState = LinkState.ACTIVE,
    tier: EvidenceTier = EvidenceTier.FIRST_PARTY,
) -> Link:
    return Link(*pair(a, b), tier, 1, 1, 1, sources or ("web",), state=state)


def part(subject: str, keys: list[str], *links: Link, together: tuple[Pair, ...] = ()) -> tuple[set[str], bool]:
    counts: dict[str, int] = {}
    for key in keys:
        counts[namespace_of(key)] = counts.get(namespace_of(key), 0) + 1
    customer = Customer("node", "cus_1", 1, Anchor(keys[0], 1), counts=counts)
    found = self_part(subject, customer, keys, links, together, RULES)
    return set(found.keys), found.whole


@pytest.mark.parametrize(
    ("reach", "by_id", "by_email", "by_cookie", "by_order"),
    [
        (Reach.NONE, False, False, False, False),
        (Reach.COUNT, False, False, False, False),
        (Reach.IDS, True, False, False, False),
        (Reach.HELD, False, True, False, False),
        (Reach.FOUND, True, True, False, True),
        (Reach.ANY, True, True, True, True),
        # These see parts of customers.
        (Reach.SELF, False, False, False, False),
        (Reach.OWN, False, False, False, False),
    ],
)
def test_what_a_reach_may_ask_by(reach: Reach, by_id: bool, by_email: bool, by_cookie: bool, by_order: bool) -> None:
    asked = Viewer("c", "r", frozenset(), reach)
    refs = (ById("cus_1"), ByKey(EMAIL), ByKey(COOKIE), ByKey("order=W-1"))
    assert [may_ask_by(asked, ref, RULES) for ref in refs] == [by_id, by_email, by_cookie, by_order]


def test_what_can_be_guessed_or_proves_something_does_not_open_itself() -> None:
    keys = (COOKIE, "device=abcd", "payment_token=123456", "order=W-1", "ip=192.0.2.1", EMAIL, LOGIN, "gone=1")
    assert [opens_itself(key, RULES) for key in keys] == [True, True, True] + [False] * 5


def test_a_derived_id_is_stable_and_names_nobody() -> None:
    assert derived_id(COOKIE) == derived_id(COOKIE) != derived_id("cookie=ck-2")
    assert derived_id(COOKIE).startswith("cus_")
    assert len(derived_id(COOKIE)) == len("cus_") + 26
    assert derived_id("cookie=\ud800") != derived_id(COOKIE)


def test_links_lead_a_subject_to_what_is_its_own() -> None:
    # given
    keys = [LOGIN, EMAIL, CARD, COOKIE]
    links = [link(LOGIN, EMAIL), link(EMAIL, CARD), link(LOGIN, COOKIE)]
    # then
    assert part(LOGIN, keys, *links) == (set(keys), True)
    # A customer with more identifiers than were read is not whole.
    customer = Customer("node", "cus_1", 1, Anchor(LOGIN, 1), counts={"login": 1, "email": 2, "loyalty_card": 1})
    assert not self_part(LOGIN, customer, keys[:3], links, (), RULES).whole


def test_a_claim_leads_nowhere_unless_somebody_else_says_so() -> None:
    keys = [LOGIN, EMAIL]
    assert part(LOGIN, keys, link(LOGIN, EMAIL, "web:claimed")) == ({LOGIN}, False)
    assert part(LOGIN, keys, link(LOGIN, EMAIL, "app:claimed", "web:claimed")) == ({LOGIN}, False)
    assert part(LOGIN, keys, link(LOGIN, EMAIL, "crm", "web:claimed")) == ({LOGIN, EMAIL}, True)
    # A claim that the rules suspend shows as one that they do not.
    assert part(LOGIN, [LOGIN], link(LOGIN, EMAIL, "web:claimed", state=LinkState.SUSPENDED)) == ({LOGIN}, False)


@pytest.mark.parametrize("tier", [tier for tier in EvidenceTier if tier is not EvidenceTier.FIRST_PARTY])
def test_the_word_of_others_leads_nowhere(tier: EvidenceTier) -> None:
    assert part(LOGIN, [LOGIN, EMAIL], link(LOGIN, EMAIL, "club2", tier=tier)) == ({LOGIN}, False)
    # Whether the address is known shows in neither way.
    suspended = link(LOGIN, EMAIL, "club2", tier=tier, state=LinkState.SUSPENDED)
    assert part(LOGIN, [LOGIN], suspended) == ({LOGIN}, False)


def test_a_match_below_the_threshold_changes_nothing() -> None:
    below = Link(*pair(LOGIN, EMAIL), EvidenceTier.PROBABILISTIC, confidence=0.5, state=LinkState.EXCLUDED)
    assert part(LOGIN, [LOGIN], below) == ({LOGIN}, True)


def test_a_cookie_leads_no_further_and_a_suspended_link_nowhere() -> None:
    assert part(LOGIN, [LOGIN, COOKIE, EMAIL], link(LOGIN, COOKIE), link(COOKIE, EMAIL)) == ({LOGIN, COOKIE}, False)
    assert part(LOGIN, [LOGIN, EMAIL], link(LOGIN, EMAIL, state=LinkState.SUSPENDED)) == ({LOGIN}, False)


def test_a_subject_that_proves_nothing_has_nothing_but_itself() -> None:
    # A token may name the cookie of a guest; whose browser that is remains unknown.
    assert part(COOKIE, [COOKIE, EMAIL], link(COOKIE, EMAIL)) == ({COOKIE}, False)
    assert part(COOKIE, [COOKIE, EMAIL], together=(pair(COOKIE, EMAIL),)) == ({COOKIE}, False)


def test_what_stewards_keep_together_is_the_subjects_own() -> None:
    assert part(LOGIN, [LOGIN, EMAIL], together=(pair(LOGIN, EMAIL),)) == ({LOGIN, EMAIL}, True)


def test_a_subject_in_a_customer_of_two_people_has_nothing_but_itself() -> None:
    keys = [LOGIN, "login=ben", EMAIL]
    links = [link(LOGIN, EMAIL), link("login=ben", EMAIL)]
    assert part(LOGIN, keys, *links) == ({LOGIN}, False)
    # Two cards are one person.
    cards = [LOGIN, CARD, "loyalty_card=KC2"]
    assert part(LOGIN, cards, link(LOGIN, CARD), link(LOGIN, "loyalty_card=KC2")) == (set(cards), True)


held = st.sampled_from([LOGIN, EMAIL, CARD, COOKIE, "phone=+491711234567", "device=abcd", "crm_id=1"])
keys = st.lists(held, min_size=2, unique=True)
sources = st.lists(st.sampled_from(["web", "crm", "web:claimed"]), min_size=1, unique=True)


@given(data=st.data(), keys=keys)
def test_claims_never_widen(data: st.DataObject, keys: list[str]) -> None:
    # given
    pairs = st.lists(st.sampled_from(keys), min_size=2, max_size=2, unique=True)
    links = [link(*pair, *data.draw(sources)) for pair in data.draw(st.lists(pairs, max_size=8))]
    claims = [link(*pair, "web:claimed") for pair in data.draw(st.lists(pairs, max_size=4))]
    # when
    without, _ = part(keys[0], keys, *links)
    with_claims, whole = part(keys[0], keys, *links, *claims)
    # then
    assert with_claims == without
    assert keys[0] in with_claims <= set(keys)
    assert not whole or with_claims == set(keys)


def test_a_page_is_narrowed_to_what_the_viewer_may_see() -> None:
    # given
    till, desk, developer = viewer("till"), viewer("desk"), viewer("developer")
    properties = (PropertyFilter("rating", min=4),)
    timeline = TimelinePage(20, (5, 1, "a"), types=("call",), properties=properties)
    names = IdentifierPage(("email", "order", "cookie"), 20, (2, "cookie=a"))
    # then
    assert not narrows(developer)
    assert narrowed(timeline, developer) is timeline
    assert narrowed(timeline, desk) == TimelinePage(
        20, (5, 1, "a"), (TimelineKind.INTERACTION, TimelineKind.ORDER), types=("call",), properties=properties
    )
    assert narrowed(timeline, till) is None
    assert narrowed(OrderPage(100), till) == OrderPage(MAX_HELD_ORDERS)
    assert narrowed(OrderPage(3), till) == OrderPage(3)
    assert narrowed(OrderPage(100, (1, "order=A")), till) is None
    assert narrowed(names, till) == IdentifierPage(("email", "", "cookie"), 20, (2, "cookie=a"))
    assert narrowed(names, desk) is names
