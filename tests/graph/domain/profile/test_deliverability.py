"""Which addresses refuse emails, and which may be contacted: from what became of emails, in any order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.domain.model.claims import claimed_source
from graph.domain.model.email_events import EmailEvent
from graph.domain.model.facts import Fact
from graph.domain.model.identifiers import Identifier
from graph.domain.profile.catalog import Catalog
from graph.domain.profile.consents import ConsentMethod, ConsentStatement, Decision, RecordedDecision, decisions
from graph.domain.profile.deliverability import (
    UndeliverableAddress,
    address_page,
    contactable_addresses,
    email_event_page,
    undeliverable_addresses,
)
from graph.domain.profile.pages import IdentifierView

ANN, BOB = "email=ann@example.com", "email=bob@example.com"


def bounced(at: int, key: str = ANN, source: str = "esp") -> EmailEvent:
    return EmailEvent(key, source, bounced=True, at=at)


def arrived(at: int, key: str = ANN, source: str = "esp") -> EmailEvent:
    return EmailEvent(key, source, bounced=False, at=at)


def consent(
    at: int,
    key: str = ANN,
    decision: Decision = Decision.GIVEN,
    method: ConsentMethod | None = ConsentMethod.DOUBLE_OPT_IN,
    channel: str = "EMAIL",
    source: str = "shop",
) -> Fact:
    """A decision on the newsletter, confirmed at the time of the decision if it is a double opt-in."""
    confirmed_at = at if method is ConsentMethod.DOUBLE_OPT_IN else None
    statement = ConsentStatement(
        source, (), "newsletter", decision, channel, decided_at=at, method=method, confirmed_at=confirmed_at
    )
    return Fact(key, at, source, "c-1", statement.party, statement.observation().facts)


def since(*events: EmailEvent, consents: tuple[Fact, ...] = ()) -> dict[str, int]:
    """Since when addresses are undeliverable, by key."""
    return {key: address.since for key, address in undeliverable_addresses(events, consents).items()}


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ((), {}),
        ((arrived(1),), {}),
        ((bounced(1),), {ANN: 1}),
        ((bounced(1), bounced(2)), {ANN: 1}),
        ((bounced(1), arrived(2)), {}),
        ((arrived(1), bounced(2)), {ANN: 2}),
        ((bounced(1), arrived(2), bounced(3), bounced(4)), {ANN: 3}),
        # the server accepted it, and returned it within the same second
        ((arrived(1), bounced(1)), {ANN: 1}),
        # what arrives at one address says nothing of another
        ((bounced(1), arrived(2, BOB), bounced(3, BOB)), {ANN: 1, BOB: 3}),
        # any source's news counts
        ((bounced(1, source="esp"), arrived(2, source="shop-mailer")), {}),
    ],
)
def test_the_newest_event_decides(events: tuple[EmailEvent, ...], expected: dict[str, int]) -> None:
    assert since(*events) == expected


@given(
    events=st.lists(
        st.builds(
            EmailEvent,
            st.sampled_from([ANN, BOB]),
            st.sampled_from(["esp", "shop-mailer"]),
            st.booleans(),
            st.integers(0, 6),
        ),
        max_size=8,
    ),
    data=st.data(),
)
def test_the_order_of_events_does_not_matter(events: list[EmailEvent], data: st.DataObject) -> None:
    # given
    shuffled = data.draw(st.permutations(events))
    # when
    found = undeliverable_addresses(shuffled, ())
    # then: by a direct search
    assert found == undeliverable_addresses(events, ())
    for key in (ANN, BOB):
        own = [event for event in events if event.key == key]
        last = max((event.at for event in own), default=None)
        refuses = any(event.bounced for event in own if event.at == last)
        assert (key in found) == refuses
        if refuses:
            newest_arrival = max((event.at for event in own if not event.bounced), default=-1)
            first = min(event.at for event in own if event.bounced and event.at >= newest_arrival)
            assert found[key] == UndeliverableAddress(key, first)


def test_claims_prove_nothing() -> None:
    claims = claimed_source("web")
    assert since(bounced(1, source=claims)) == {}
    assert since(bounced(1), arrived(2, source=claims)) == {ANN: 1}
    assert since(bounced(1), consents=(consent(2, source=claims),)) == {ANN: 1}


@pytest.mark.parametrize(
    ("decision", "works"),
    [
        (consent(2), True),
        (consent(2, channel=""), True),
        (consent(0), False),
        (consent(2, key=BOB), False),
        (consent(2, channel="SMS"), False),
        (consent(2, method=ConsentMethod.FORM), False),
        (consent(2, method=None), False),
        (consent(2, decision=Decision.WITHDRAWN), False),
    ],
)
def test_a_confirmed_double_opt_in_shows_that_an_address_works(decision: Fact, works: bool) -> None:
    assert since(bounced(1), consents=(decision,)) == ({} if works else {ANN: 1})


def view(key: str, blocked: bool = False) -> IdentifierView:
    return IdentifierView(Identifier.from_key(key), None, blocked=blocked)


def given_for(*keys: str) -> list[RecordedDecision]:
    return decisions([consent(1, key, method=None) for key in keys])


def test_an_address_is_contactable_with_consent_of_its_own_unless_it_is_blocked_or_undeliverable() -> None:
    # given
    addresses = [
        view(ANN),
        view(BOB),
        view("email=blocked@example.com", blocked=True),
        view("email=silent@example.com"),
    ]
    recorded = given_for(ANN, BOB, "email=blocked@example.com")
    # when
    found = contactable_addresses(addresses, recorded, {BOB}, "newsletter", "EMAIL")
    # then
    assert [address.identifier.key for address in found] == [ANN]
    assert contactable_addresses(addresses, recorded, set(), "profiling", "EMAIL") == []


def test_a_bounce_of_emails_says_nothing_of_other_channels() -> None:
    # given
    recorded = decisions([consent(1, ANN, method=None, channel="")])
    # when
    found = contactable_addresses([view(ANN)], recorded, {ANN}, "newsletter", "PUSH")
    # then
    assert [address.identifier.key for address in found] == [ANN]


def test_a_withdrawal_is_stronger_than_an_address_that_works() -> None:
    recorded = decisions([consent(1), consent(2, decision=Decision.WITHDRAWN, method=None)])
    assert contactable_addresses([view(ANN)], recorded, set(), "newsletter", "EMAIL") == []


def test_the_pages_are_those_of_the_declared_channels() -> None:
    # given
    catalog = Catalog(channels={"EMAIL": ("mail",), "POSTAL_MAIL": ()})
    # then
    assert email_event_page(catalog).namespaces == ("mail",)
    assert address_page(catalog, "EMAIL").namespaces == ("mail",)
    assert address_page(catalog, "POSTAL_MAIL").namespaces == ()
    assert email_event_page(Catalog(channels={"SMS": ("phone",)})).namespaces == ()
