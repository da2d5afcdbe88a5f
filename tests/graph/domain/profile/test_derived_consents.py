"""Interactions that are consent decisions: for which addresses, on which purposes, and without a declaration."""

import pytest

from graph.domain.model.observations import Party
from graph.domain.profile.catalog import CHANNELS, Catalog
from graph.domain.profile.consents import EVERY_CHANNEL, ConsentMethod, ConsentStatement, Decision
from graph.domain.profile.derived_consents import (
    ConsentFromInteraction,
    addresses_by_channel,
    default_consents_from_interactions,
    derived_decisions,
)
from graph.domain.profile.interactions import Interaction, InteractionStatement

ADDRESSES = addresses_by_channel(CHANNELS)
ANN, HASHED, PHONE, CRM = ("email", "ann@example.com"), ("hashed_email", "ab12"), ("phone", "030 1"), ("crm_id", "C-1")


def unsubscribed(*identifiers: tuple[str, str]) -> InteractionStatement:
    return InteractionStatement(Interaction("esp", "unsubscribed", 7, "u-1"), identifiers, Party.SECOND_PARTY)


def test_a_decision_is_about_each_address_of_the_channel_and_each_purpose() -> None:
    # given
    rule = ConsentFromInteraction("unsubscribed", "EMAIL", Decision.WITHDRAWN, ("newsletter", "profiling"))
    # when
    derived = derived_decisions(unsubscribed(CRM, ANN, PHONE, HASHED), "u-1", [rule], ADDRESSES)
    # then
    assert derived == [
        ConsentStatement(
            "esp",
            (ANN, HASHED),
            purpose,
            Decision.WITHDRAWN,
            "EMAIL",
            id=f"u-1:consent:{purpose}",
            party=Party.SECOND_PARTY,
            decided_at=7,
            method=ConsentMethod.INTERACTION,
        )
        for purpose in ("newsletter", "profiling")
    ]


def test_an_interaction_without_an_address_of_the_channel_is_not_a_decision() -> None:
    rule = ConsentFromInteraction("unsubscribed", "EMAIL", Decision.WITHDRAWN, ("newsletter",))
    assert derived_decisions(unsubscribed(CRM, PHONE), "u-1", [rule], ADDRESSES) == []


def test_a_decision_for_every_channel_is_about_the_addresses_of_all_channels() -> None:
    # given
    rule = ConsentFromInteraction("unsubscribed", EVERY_CHANNEL, Decision.REFUSED, ("newsletter",))
    # when
    (decision,) = derived_decisions(unsubscribed(CRM, ANN, PHONE), "u-1", [rule], ADDRESSES)
    # then
    assert (decision.identifiers, decision.channel) == ((ANN, PHONE), EVERY_CHANNEL)


@pytest.mark.parametrize(
    ("purposes", "channels", "expected"),
    [
        (("profiling", "newsletter"), CHANNELS, ("newsletter",)),
        (("personalized_offers", "newsletter"), CHANNELS, ("newsletter", "personalized_offers")),
        # neither is declared: too much is withdrawn rather than too little
        (("club_mails", "surveys"), CHANNELS, ("club_mails", "surveys")),
        (("newsletter",), ("FAX",), None),
    ],
)
def test_without_a_declaration_unsubscribing_withdraws_consent_for_email(
    purposes: tuple[str, ...], channels: tuple[str, ...], expected: tuple[str, ...] | None
) -> None:
    # when
    rules = default_consents_from_interactions(purposes, channels)
    # then
    types = () if expected is None else ("unsubscribed", "email_complained")
    assert rules == tuple(ConsentFromInteraction(type, "EMAIL", Decision.WITHDRAWN, expected) for type in types)


def test_the_catalog_finds_the_decisions_by_the_type_of_the_interaction() -> None:
    by_type = Catalog().consents_by_interaction_type
    assert list(by_type) == ["unsubscribed", "email_complained"]
    assert [rule.purposes for rule in by_type["unsubscribed"]] == [("newsletter",)]
