"""The decision in effect: for an address the newest that names it, for a customer the most restrictive one."""

import pytest

from graph.domain.model.facts import Fact
from graph.domain.model.observations import Party
from graph.domain.profile.catalog import Catalog
from graph.domain.profile.consents import (
    EVERY_CHANNEL,
    ConsentStatement,
    Decision,
    RecordedDecision,
    check_consent,
    decision_of_address,
    decision_of_customer,
    decisions,
)

ANN, WORK = "email=ann@example.com", "email=ann@work.example"


def fact(decision: Decision, at: int, key: str = ANN, channel: str = EVERY_CHANNEL, source: str = "shop") -> Fact:
    """A decision on the purpose `newsletter`."""
    statement = ConsentStatement(source, (), "newsletter", decision, channel, "v1", decided_at=at)
    return Fact(key, at, source, f"{source}{at}", Party.FIRST_PARTY, statement.observation().facts)


def test_a_recorded_decision_equals_the_statement() -> None:
    # when
    for_sms = RecordedDecision.of(fact(Decision.REFUSED, 7, channel="SMS"))
    for_every_channel = RecordedDecision.of(fact(Decision.GIVEN, 7))
    # then
    assert for_sms == RecordedDecision(
        ANN, "newsletter", "SMS", Decision.REFUSED, 7, "shop", Party.FIRST_PARTY, "v1", "shop7"
    )
    assert for_every_channel.channel == EVERY_CHANNEL


def test_a_stored_channel_is_in_lower_case_and_need_not_be_declared() -> None:
    # given
    stored = fact(Decision.GIVEN, 7, channel="FAX_2")
    # then
    assert '"fax_2"' in stored.facts
    assert RecordedDecision.of(stored).channel == "FAX_2"


def test_the_newest_decision_is_first_and_at_the_same_time_the_most_restrictive() -> None:
    # given
    facts = [
        fact(Decision.GIVEN, 5, source="a"),
        fact(Decision.WITHDRAWN, 5, source="b"),
        fact(Decision.GIVEN, 9),
        fact(Decision.REFUSED, 5, source="c"),
    ]
    # when, then
    expected = [(9, Decision.GIVEN), (5, Decision.WITHDRAWN), (5, Decision.REFUSED), (5, Decision.GIVEN)]
    for permutation in (facts, facts[::-1]):
        assert [(recorded.decided_at, recorded.decision) for recorded in decisions(permutation)] == expected


@pytest.mark.parametrize(
    ("channel", "expected"),
    [
        # without a channel: only decisions for every channel
        (EVERY_CHANNEL, Decision.GIVEN),
        ("EMAIL", Decision.WITHDRAWN),
        ("PHONE", Decision.GIVEN),
        # a later decision for every channel replaces that for a single channel
        ("POSTAL_MAIL", Decision.GIVEN),
    ],
)
def test_the_newest_decision_for_the_channel_or_every_channel_is_in_effect_for_an_address(
    channel: str, expected: Decision
) -> None:
    # given
    newest_first = decisions(
        [
            fact(Decision.REFUSED, 1, channel="POSTAL_MAIL"),
            fact(Decision.GIVEN, 2),
            fact(Decision.WITHDRAWN, 3, channel="EMAIL"),
        ]
    )
    # when
    recorded = decision_of_address(newest_first, ANN, "newsletter", channel)
    # then
    assert recorded is not None
    assert recorded.decision is expected


def test_another_address_or_purpose_has_no_decision() -> None:
    newest_first = decisions([fact(Decision.GIVEN, 1)])
    assert decision_of_address(newest_first, WORK, "newsletter") is None
    assert decision_of_address(newest_first, ANN, "profiling") is None
    assert decision_of_customer(newest_first, "profiling") is None
    assert decision_of_customer([], "newsletter") is None


def test_the_most_restrictive_decision_is_in_effect_for_a_customer_and_addresses_without_one_are_ignored() -> None:
    # given: withdrawn at work, given at home later, and for the phone number only a decision on a channel
    newest_first = decisions(
        [
            fact(Decision.GIVEN, 1, WORK),
            fact(Decision.WITHDRAWN, 2, WORK),
            fact(Decision.GIVEN, 3, ANN),
            fact(Decision.WITHDRAWN, 4, "phone=1", "PHONE"),
        ]
    )
    # when
    recorded = decision_of_customer(newest_first, "newsletter")
    # then
    assert recorded is not None
    assert (recorded.key, recorded.decision, recorded.decided_at) == (WORK, Decision.WITHDRAWN, 2)
    # when: consent is given again for the same address
    newest_first = decisions([fact(Decision.WITHDRAWN, 2, WORK), fact(Decision.GIVEN, 5, WORK)])
    recorded = decision_of_customer(newest_first, "newsletter")
    # then
    assert recorded is not None
    assert recorded.decision is Decision.GIVEN


@pytest.mark.parametrize(
    ("purpose", "decision", "channel", "version", "expected"),
    [
        ("newsletter", Decision.GIVEN, EVERY_CHANNEL, "v" * 100, None),
        ("newsletter", Decision.GIVEN, "SOCIAL", "", None),
        ("spam", Decision.GIVEN, EVERY_CHANNEL, "", ("UNKNOWN_PURPOSE", ("purpose",))),
        ("newsletter", Decision.NONE, EVERY_CHANNEL, "", ("INVALID_VALUE", ("decision",))),
        ("newsletter", Decision.GIVEN, "FAX", "", ("UNKNOWN_CHANNEL", ("channel",))),
        ("newsletter", Decision.GIVEN, EVERY_CHANNEL, "v" * 101, ("INVALID_LENGTH", ("policyVersion",))),
    ],
)
def test_an_invalid_decision_is_a_problem(
    purpose: str, decision: Decision, channel: str, version: str, expected: tuple[str, tuple[str, ...]] | None
) -> None:
    statement = ConsentStatement("shop", (), purpose, decision, channel, version)
    problem = check_consent(statement, Catalog().purposes, Catalog().channels, 0)
    assert (None if problem is None else (problem.code, problem.path)) == expected


def test_consent_for_a_claimed_address_does_not_count_and_a_refusal_does() -> None:
    # given
    claimed = [
        fact(decision, at, source="web:claimed") for at, decision in ((5, Decision.GIVEN), (3, Decision.REFUSED))
    ]
    confirmed = fact(Decision.GIVEN, 9, source="mailer")
    # when, then
    assert decision_of_address(decisions(claimed[:1]), ANN, "newsletter") is None
    assert [recorded.decision for recorded in decisions(claimed)] == [Decision.REFUSED]
    assert [recorded.source for recorded in decisions([*claimed, confirmed])] == ["mailer", "web:claimed"]
