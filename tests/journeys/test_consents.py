"""Consent: channels, decisions on dropped addresses, and interactions that withdraw consent."""

import pytest

from tests.builders.clients import RESULT, Client, identifiers
from tests.builders.operations import CONSENTS, REVOKE, decide, interaction, record
from tests.builders.runs import Run
from tests.builders.stores import Fresh

ANN, BOB = "email=ann@example.com", "email=bob@example.com"
JANUARY, FEBRUARY, MARCH = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    return Client(fresh(), run)


def in_effect(client: Client, key: str, channel: str | None = "EMAIL", purpose: str = "newsletter") -> str:
    """The decision in effect for an address."""
    query = """query($i: IdentifierInput!, $p: String!, $c: ConsentChannel) {
      consent(identifier: $i, purpose: $p, channel: $c) { decision } }"""
    values = {"i": identifiers(key)[0], "p": purpose, "c": channel}
    return client.ask(query, values)["consent"]["decision"]


def test_a_withdrawal_holds_for_the_address_in_whatever_form_it_is_sent(client: Client) -> None:
    # given
    decide(client, ANN, decision="GIVEN", at=JANUARY, channel="EMAIL")
    decide(client, BOB, decision="GIVEN", at=JANUARY, channel="EMAIL")
    # when
    named = decide(
        client, "crm_id=C-1", "email=Ann Lee <ann@example.com>", decision="WITHDRAWN", at=FEBRUARY, channel="EMAIL"
    )
    invisible = decide(client, "email=bob@example.com\u200b", decision="WITHDRAWN", at=FEBRUARY, channel="EMAIL")
    # then
    assert [result["status"] for result in (named, invisible)] == ["VALID", "VALID"]
    assert [in_effect(client, key) for key in (ANN, BOB)] == ["WITHDRAWN", "WITHDRAWN"]


def test_a_decision_on_an_address_that_is_dropped_is_rejected_alone(client: Client) -> None:
    # given
    decide(client, "crm_id=C-1", ANN, decision="GIVEN", at=JANUARY, channel="EMAIL")
    common = {"source": "esp", "purpose": "newsletter", "decision": "WITHDRAWN", "decidedAt": FEBRUARY}
    wrong = common | {
        "identifiers": identifiers("crm_id=C-1", "email=ann(at)example.com"),
        "channel": "EMAIL",
        "id": "7",
    }
    # when
    rejected, accepted = client.ask(CONSENTS, {"input": {"consents": [wrong, wrong | {"channel": "SMS", "id": "8"}]}})[
        "recordConsents"
    ]["results"]
    # then: the decision on SMS, which has no email addresses, is recorded without the address
    assert (rejected["problem"]["code"], rejected["problem"]["path"]) == (
        "CONSENT_ADDRESS_DROPPED",
        ["identifiers", "1", "value"],
    )
    assert rejected["problem"]["message"].startswith("email 'ann(at)example.com' ")
    assert [dropped["namespace"] for dropped in accepted["droppedIdentifiers"]] == ["email"]
    assert in_effect(client, "crm_id=C-1") == "GIVEN"
    assert in_effect(client, "crm_id=C-1", "SMS") == "WITHDRAWN"
    # when: it is sent again with the right address
    client.ask(CONSENTS, {"input": {"consents": [wrong | {"identifiers": identifiers(ANN)}]}})
    # then
    assert in_effect(client, ANN) == "WITHDRAWN"


@pytest.mark.parametrize("type", ["unsubscribed", "email_complained"])
def test_unsubscribing_withdraws_consent_for_the_address_and_the_channel(client: Client, type: str) -> None:
    # given
    decide(client, ANN, decision="GIVEN", at=JANUARY)
    decide(client, ANN, decision="GIVEN", at=JANUARY, purpose="personalized_offers")
    # when
    event = interaction(type, "crm_id=C-1", ANN, at=FEBRUARY, source="esp", id="u-1")
    first, repeated = record(client, event, event)
    # then
    assert (first["duplicate"], repeated["duplicate"]) == (False, True)
    assert in_effect(client, ANN) == "WITHDRAWN"
    assert in_effect(client, ANN, purpose="personalized_offers") == "WITHDRAWN"
    # and neither for another channel, nor for an identifier that is not an address
    assert in_effect(client, ANN, "POSTAL_MAIL") == "GIVEN"
    assert in_effect(client, "crm_id=C-1") == "NONE"
    customer = client.customer(
        ANN,
        """consent(purpose: "newsletter", channel: EMAIL) { decision identifier { value } current { source decidedAt } }
        timeline(kinds: [INTERACTION]) { nodes { ... on Interaction { type } } } engagement { unsubscribedAt }""",
    )
    assert customer["consent"] == {
        "decision": "WITHDRAWN",
        "identifier": {"value": "ann@example.com"},
        "current": {"source": "esp", "decidedAt": FEBRUARY},
    }
    assert customer["timeline"]["nodes"] == [{"type": type}]
    assert customer["engagement"] == {"unsubscribedAt": FEBRUARY}
    # when: consent is given again later
    decide(client, ANN, decision="GIVEN", at=MARCH, channel="EMAIL")
    # then
    assert in_effect(client, ANN) == "GIVEN"


def test_unsubscribing_with_an_address_that_is_dropped_is_rejected(client: Client) -> None:
    # when
    rejected, opened = record(
        client,
        interaction("unsubscribed", "crm_id=C-1", "email=nobody", at=JANUARY),
        interaction("email_opened", "crm_id=C-1", "email=nobody", at=JANUARY),
    )
    # then
    assert rejected["problem"]["code"] == "CONSENT_ADDRESS_DROPPED"
    assert [dropped["value"] for dropped in opened["droppedIdentifiers"]] == ["nobody"]


def test_unsubscribing_without_an_address_is_only_an_interaction(client: Client) -> None:
    # when
    (result,) = record(client, interaction("unsubscribed", "crm_id=C-1", at=JANUARY))
    # then
    assert result["status"] == "VALID"
    assert client.customer("crm_id=C-1", "consents { decision }")["consents"] == []


@pytest.mark.parametrize("revoked_first", [False, True])
def test_revoking_the_interaction_revokes_the_withdrawal(client: Client, revoked_first: bool) -> None:
    # given
    decide(client, ANN, decision="GIVEN", at=JANUARY)
    event = interaction("unsubscribed", ANN, at=FEBRUARY, source="esp", id="u-1")
    # when
    steps = [
        lambda: record(client, event),
        lambda: client.ask(REVOKE, {"o": [{"source": "esp", "id": "u-1"}]}),
    ]
    for step in reversed(steps) if revoked_first else steps:
        step()
    # then
    assert in_effect(client, ANN) == "GIVEN"


def test_a_channel_is_a_name_or_a_string_in_any_case(client: Client) -> None:
    # given
    mutation = f"""mutation {{ recordConsents(input: {{consents: [%s]}}) {{ {RESULT} }} }}"""
    item = """{source: "s", purpose: "newsletter", decision: WITHDRAWN, channel: %s,
      identifiers: [{namespace: "email", value: "%s@example.com"}]}"""
    # when
    literals = {"a": "EMAIL", "b": "email", "c": '"Email"'}
    client.ask(mutation % ", ".join(item % (literal, name) for name, literal in literals.items()))
    decide(client, "email=d@example.com", decision="WITHDRAWN", at=JANUARY, channel="email")
    # then
    for name in ("a", "b", "c", "d"):
        assert in_effect(client, f"email={name}@example.com", "EMAIL") == "WITHDRAWN"
        assert in_effect(client, f"email={name}@example.com", "email") == "WITHDRAWN"
        (consent,) = client.customer(f"email={name}@example.com", "consents(channel: Email) { channel }")["consents"]
        assert consent == {"channel": "EMAIL"}


@pytest.mark.parametrize("channel", ["FAX", "", 7])
def test_an_unknown_channel_rejects_its_item_alone(client: Client, channel: object) -> None:
    # given
    valid = {"source": "s", "identifiers": identifiers(ANN), "purpose": "newsletter", "decision": "GIVEN"}
    # when
    rejected, accepted = client.ask(CONSENTS, {"input": {"consents": [valid | {"channel": channel}, valid]}})[
        "recordConsents"
    ]["results"]
    # then
    assert (rejected["problem"]["code"], rejected["problem"]["path"]) == ("UNKNOWN_CHANNEL", ["channel"])
    assert accepted["status"] == "VALID"


@pytest.mark.parametrize(
    "query",
    [
        '{ consent(identifier: {namespace: "email", value: "a@example.com"}, purpose: "newsletter", channel: FAX) '
        "{ decision } }",
        '{ customer(by: {identifier: {namespace: "email", value: "ann@example.com"}}) '
        '{ consent(purpose: "newsletter", channel: "") { decision } } }',
        '{ customer(by: {identifier: {namespace: "email", value: "ann@example.com"}}) '
        "{ consents(channel: FAX) { decision } } }",
    ],
)
def test_an_unknown_channel_in_a_query_is_an_error_that_lists_the_known_ones(client: Client, query: str) -> None:
    # given
    decide(client, ANN, decision="GIVEN", at=JANUARY)
    # when
    (error,) = client.send(query).json()["errors"]
    # then
    assert error["extensions"]["code"] == "UNKNOWN_CHANNEL"
    assert "known are EMAIL, PHONE, SMS, POSTAL_MAIL, PUSH, WEB, SOCIAL" in error["message"]


def test_the_channels_are_listed_and_a_declared_channel_is_like_any_other(client: Client) -> None:
    assert client.ask("{ consentChannels }")["consentChannels"][-1] == "SOCIAL"
    decide(client, ANN, decision="REFUSED", at=JANUARY, channel="SOCIAL")
    assert in_effect(client, ANN, "SOCIAL") == "REFUSED"
    assert in_effect(client, ANN, "EMAIL") == "NONE"


def test_a_segment_can_have_a_condition_on_a_channel(client: Client) -> None:
    # given
    mutation = """mutation($rule: SegmentRuleInput!) { createSegment(input: {name: "s", rule: $rule}) {
      segment { rule } errors { code path } } }"""
    # when
    created = {
        channel: client.ask(
            mutation, {"rule": {"consent": {"purpose": "newsletter", "decisions": ["GIVEN"], "channel": channel}}}
        )["createSegment"]
        for channel in ("social", "FAX", "")
    }
    # then
    assert created["social"]["segment"]["rule"]["consent"]["channel"] == "SOCIAL"
    for channel in ("FAX", ""):
        assert [error["code"] for error in created[channel]["errors"]] == ["UNKNOWN_CHANNEL"]
