"""Policies leave out what a purpose needs consent for, address by address."""

import json

import pytest
from msgspec.structs import replace

from graph.domain.access.policies import Policies, Policy
from graph.domain.model.customers import Anchor, Customer
from graph.domain.model.email_events import EmailEvent
from graph.domain.model.facts import Fact, FactKind, InteractionSummary
from graph.domain.model.identifiers import Identifier
from graph.domain.model.labels import Label
from graph.domain.model.observations import Party
from graph.domain.profile.catalog import Catalog
from graph.domain.profile.insights import CONSENTS, EXTERNAL_SEGMENTS, PROFILE, RECENT_INTERACTIONS
from graph.domain.profile.pages import (
    CustomerView,
    EmailEventPage,
    IdentifierPage,
    IdentifierView,
    Page,
    Selection,
    Withheld,
)

EMAILS = IdentifierPage(("email", "phone", "cookie"), 20)
WORK, HOME, PHONE, COOKIE = "email=work@example.com", "email=home@example.com", "phone=+491701", "cookie=ck-1"


def consent(key: str, purpose: str, decision: str, channel: str = "") -> Fact:
    return Fact(key, 1, "crm", f"{key} {purpose}", Party.FIRST_PARTY, json.dumps([purpose, channel, decision, ""]))


def view(*consents: Fact) -> CustomerView:
    profile = Fact(WORK, 1, "crm", "1", Party.FIRST_PARTY, '{"name": "Ann", "interests": "chess"}')
    identifiers = [IdentifierView(Identifier.from_key(key), None) for key in (WORK, HOME, PHONE, COOKIE)]
    return CustomerView(
        Customer("cus_1", "cus_1", 0, Anchor(WORK, 0)),
        pages={
            EMAILS: Page(identifiers, has_more=False),
            PROFILE: Page([profile], has_more=False),
            CONSENTS: Page(list(consents), has_more=False),
            EXTERNAL_SEGMENTS: Page([profile], has_more=False),
            RECENT_INTERACTIONS: Page([InteractionSummary(1, "page_viewed")], has_more=False),
        },
    )


def applied(shown: CustomerView, *policies: Policy, purpose: str = "marketing") -> CustomerView:
    chosen = Policies(policies).for_purpose(purpose)
    assert chosen is not None
    return chosen.apply(shown, Catalog())[0]


def keys(shown: CustomerView) -> list[str]:
    return [item.identifier.key for item in shown.pages[EMAILS].items]


def test_an_address_is_shown_with_its_own_consent_only() -> None:
    # given: one address said yes, another one no, the third nothing
    shown = view(consent(WORK, "newsletter", "given"), consent(HOME, "newsletter", "withdrawn"))
    # when
    result = applied(shown, Policy(Label.CONTACT, "marketing", "newsletter"))
    # then: cookies are no contact data
    assert keys(result) == [WORK, COOKIE]
    assert result.withheld == (Withheld(Label.CONTACT, "newsletter"),)


def test_what_became_of_emails_to_an_address_is_shown_with_its_consent_only() -> None:
    # given
    page = EmailEventPage(("email",))
    events = [EmailEvent(key, "esp", bounced=True, at=1) for key in (WORK, HOME)]
    shown = view(consent(WORK, "newsletter", "given"))
    shown = replace(shown, pages={**shown.pages, page: Page(events, has_more=False)})
    # when
    result = applied(shown, Policy(Label.CONTACT, "marketing", "newsletter"))
    # then
    assert result.pages[page].items == events[:1]


def test_a_consent_for_another_channel_shows_no_address() -> None:
    shown = view(consent(WORK, "newsletter", "given", "email"), consent(PHONE, "newsletter", "given", "email"))
    assert keys(applied(shown, Policy(Label.CONTACT, "marketing", "newsletter"))) == [WORK, COOKIE]


@pytest.mark.parametrize("decisions", [(), ("refused",), ("given", "refused")])
def test_profiling_needs_the_consent_of_the_whole_customer(decisions: tuple[str, ...]) -> None:
    # given
    shown = view(*(consent(key, "profiling", decision) for key, decision in zip((WORK, HOME), decisions, strict=False)))
    # when
    result = applied(shown, Policy(Label.PROFILING, "marketing", "profiling"))
    # then
    assert result.withheld == (Withheld(Label.PROFILING, "profiling"),)


def test_what_is_consented_to_is_shown_whole() -> None:
    # given
    shown = view(consent(WORK, "profiling", "given"))
    # when
    policies = [Policy(label, "marketing", "profiling") for label in Label if label is not Label.CONTACT]
    result = applied(shown, *policies)
    # then
    assert result == shown


def test_behavior_attributes_and_external_segments_are_left_out() -> None:
    # given
    policies = [
        Policy(label, "marketing", "profiling")
        for label in (Label.BEHAVIOR, Label.DIRECT_IDENTIFIER, Label.THIRD_PARTY)
    ]
    # when
    result = applied(view(), *policies)
    # then
    assert keys(result) == [WORK, HOME, PHONE]
    assert [json.loads(fact.facts) for fact in result.pages[PROFILE].items] == [{"interests": "chess"}]
    assert not result.pages[EXTERNAL_SEGMENTS].items
    assert not result.pages[RECENT_INTERACTIONS].items


def test_other_purposes_are_not_concerned() -> None:
    assert Policies((Policy(Label.CONTACT, "marketing", "newsletter"),)).for_purpose("service") is None


def test_the_consents_are_read_once() -> None:
    # given
    chosen = Policies((Policy(Label.CONTACT, "marketing", "newsletter"),)).for_purpose("marketing")
    assert chosen is not None
    # when, then
    assert chosen.selection(Selection((EMAILS,))) == Selection.of((EMAILS, CONSENTS))
    assert chosen.selection(Selection((CONSENTS,))) == Selection((CONSENTS,))
    assert FactKind.CONSENT is CONSENTS.kind
