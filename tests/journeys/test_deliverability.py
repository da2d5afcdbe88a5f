"""Bounces over GraphQL: an address that refuses emails is not contacted until something newer shows that it works."""

from typing import Any

import pytest

from tests.builders.clients import Client, identifiers, seen
from tests.builders.operations import REVOKE, decide, interaction, record, remove_override, set_override
from tests.builders.runs import Run
from tests.builders.stores import Fresh

ANN, BOB = "email=ann@example.com", "email=bob@example.com"
JANUARY, FEBRUARY, MARCH, APRIL = (f"2026-0{month}-01T00:00:00Z" for month in range(1, 5))
ADDRESSES = """undeliverableAddresses { identifier { namespace value } since }
  contactableAddresses(purpose: "newsletter", channel: EMAIL) { value }"""
CREATE = """mutation($rule: SegmentRuleInput!) { createSegment(input: {name: "s", rule: $rule}) {
  segment { id } errors { code message path } } }"""


@pytest.fixture
def client(fresh: Fresh, run: Run) -> Client:
    return Client(fresh(), run)


def addresses(client: Client, key: str = ANN) -> tuple[dict[str, str], list[str]]:
    """The undeliverable addresses of a customer with their times, and those that may be contacted."""
    customer = client.customer(key, ADDRESSES)
    assert customer is not None
    undeliverable = {item["identifier"]["value"]: item["since"] for item in customer["undeliverableAddresses"]}
    return undeliverable, [item["value"] for item in customer["contactableAddresses"]]


def is_contactable(client: Client, key: str = ANN, channel: str = "EMAIL") -> bool:
    query = """query($i: IdentifierInput!, $c: ConsentChannel!) {
      contactable(identifier: $i, purpose: "newsletter", channel: $c) }"""
    answer: bool = client.ask(query, {"i": identifiers(key)[0], "c": channel})["contactable"]
    return answer


def email(type: str, *keys: str, at: str, id: str, **more: Any) -> dict[str, Any]:
    return interaction(type, *keys, at=at, source="esp", id=id, **more)


def test_a_bounced_address_is_not_contacted_and_the_consent_stays(client: Client) -> None:
    # given
    decide(client, ANN, BOB, "crm_id=C-1", decision="GIVEN", at=JANUARY)
    assert addresses(client) == ({}, ["ann@example.com", "bob@example.com"])
    # when: the bounce names a stronger identifier, too
    record(client, email("email_bounced", "crm_id=C-1", ANN, at=FEBRUARY, id="b-1", properties={"smtp": "5.1.1"}))
    # then
    assert addresses(client) == ({"ann@example.com": FEBRUARY}, ["bob@example.com"])
    assert (is_contactable(client, ANN), is_contactable(client, BOB)) == (False, True)
    assert is_contactable(client, ANN, "PUSH") is False
    customer = client.customer(ANN, 'consent(purpose: "newsletter", channel: EMAIL) { decision }')
    assert customer == {"consent": {"decision": "GIVEN"}}


@pytest.mark.parametrize("type", ["email_delivered", "email_opened", "email_link_clicked"])
@pytest.mark.parametrize("bounce_first", [True, False])
def test_what_arrives_later_shows_that_the_address_works(client: Client, type: str, bounce_first: bool) -> None:
    # given
    decide(client, ANN, decision="GIVEN", at=JANUARY, channel="EMAIL")
    bounce, arrival = (email("email_bounced", ANN, at=FEBRUARY, id="b-1"), email(type, ANN, at=MARCH, id="a-1"))
    # when
    for event in (bounce, arrival) if bounce_first else (arrival, bounce):
        record(client, event)
    # then
    assert addresses(client) == ({}, ["ann@example.com"])
    # when: it bounces again
    record(client, email("email_bounced", ANN, at=APRIL, id="b-2"))
    # then
    assert addresses(client) == ({"ann@example.com": APRIL}, [])


@pytest.mark.parametrize("type", ["email_soft_bounced", "email_deferred", "email_sent"])
def test_temporary_failures_mean_nothing(client: Client, type: str) -> None:
    # given
    decide(client, ANN, decision="GIVEN", at=JANUARY, channel="EMAIL")
    # when
    record(client, email(type, ANN, at=FEBRUARY, id="b-1"))
    # then
    assert addresses(client) == ({}, ["ann@example.com"])
    # and they do not show that it works
    record(client, email("email_bounced", ANN, at=JANUARY, id="b-2"))
    assert addresses(client) == ({"ann@example.com": JANUARY}, [])


def test_a_confirmed_double_opt_in_shows_that_the_address_works(client: Client) -> None:
    # given
    record(client, email("email_bounced", ANN, at=FEBRUARY, id="b-1"))
    # when: a form does not show it
    decide(client, ANN, decision="GIVEN", at=MARCH, channel="EMAIL", method="FORM")
    # then
    assert addresses(client) == ({"ann@example.com": FEBRUARY}, [])
    # when
    proof = {"method": "DOUBLE_OPT_IN", "confirmedAt": MARCH}
    decide(client, ANN, decision="GIVEN", at=MARCH, channel="EMAIL", **proof)
    # then
    assert addresses(client) == ({}, ["ann@example.com"])


def test_revoking_a_bounce_ends_it(client: Client) -> None:
    # given
    decide(client, ANN, decision="GIVEN", at=JANUARY)
    record(client, email("email_bounced", ANN, at=FEBRUARY, id="b-1"))
    # when
    client.ask(REVOKE, {"o": [{"source": "esp", "id": "b-1"}]})
    # then
    assert addresses(client) == ({}, ["ann@example.com"])


def test_a_bounce_stays_with_its_address_through_splits_and_merges(client: Client) -> None:
    # given: the bounce names the address and a stronger identifier
    decide(client, ANN, decision="GIVEN", at=JANUARY)
    record(client, email("email_bounced", "crm_id=C-1", ANN, at=FEBRUARY, id="b-1"))
    # when: a steward keeps the two apart
    override = set_override(client, "keepApart", "crm_id=C-1", ANN, actor="sue")["override"]
    # then
    assert addresses(client, ANN) == ({"ann@example.com": FEBRUARY}, [])
    assert addresses(client, "crm_id=C-1") == ({}, [])
    # when: they are together again, with another address
    remove_override(client, override["id"])
    client.link(seen("crm_id=C-1", BOB, at=MARCH))
    decide(client, BOB, decision="GIVEN", at=MARCH)
    # then
    assert addresses(client, BOB) == ({"ann@example.com": FEBRUARY}, ["bob@example.com"])


def test_a_restricted_customer_and_a_blocked_address_are_not_contacted(client: Client) -> None:
    # given
    decide(client, ANN, decision="GIVEN", at=JANUARY)
    decide(client, BOB, decision="GIVEN", at=JANUARY)
    # when
    restrict = """mutation($i: IdentifierInput!) { restrictSubject(input: {by: {identifier: $i}, reason: "letter"}) {
      errors { code message } } }"""
    assert client.ask(restrict, {"i": identifiers(ANN)[0]})["restrictSubject"]["errors"] == []
    set_override(client, "blockIdentifier", BOB, actor="sue")
    # then
    assert (addresses(client, ANN)[1], addresses(client, BOB)[1]) == ([], [])
    assert (is_contactable(client, ANN), is_contactable(client, BOB)) == (False, False)


def test_nobody_is_contacted_without_consent_or_without_being_known(client: Client) -> None:
    # given
    client.link(seen(ANN))
    # then
    assert addresses(client) == ({}, [])
    assert (is_contactable(client, ANN), is_contactable(client, BOB)) == (False, False)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ('purpose: "spying", channel: EMAIL', "UNKNOWN_PURPOSE", "purpose 'spying' is unknown; known are newsletter, "),
        ('purpose: "newsletter", channel: FAX', "UNKNOWN_CHANNEL", "channel 'FAX' is unknown; known are EMAIL, "),
        ('purpose: "newsletter", channel: ""', "UNKNOWN_CHANNEL", "channel '' is unknown; known are EMAIL, "),
    ],
)
def test_an_unknown_purpose_or_channel_is_an_error(client: Client, arguments: str, code: str, message: str) -> None:
    # given
    client.link(seen(ANN))
    identifier = 'identifier: {namespace: "email", value: "ann@example.com"}'
    for query in (
        f"{{ contactable({identifier}, {arguments}) }}",
        f"{{ customer(by: {{{identifier}}}) {{ contactableAddresses({arguments}) {{ value }} }} }}",
    ):
        # when
        (error,) = client.send(query).json()["errors"]
        # then
        assert error["extensions"]["code"] == code
        assert error["message"].startswith(message)


def test_a_segment_holds_who_can_be_contacted(client: Client, run: Run) -> None:
    # given
    decide(client, ANN, decision="GIVEN", at=JANUARY)
    decide(client, BOB, decision="GIVEN", at=JANUARY)
    rule = {"contactable": {"purpose": "newsletter", "channel": "EMAIL"}}
    created = client.ask(CREATE, {"rule": rule})["createSegment"]
    assert created["errors"] == []

    def members() -> list[str]:
        run(client.graph.segment_worker.catch_up())
        query = "query($id: ID!) { segment(id: $id) { members { nodes { emails { value } } } } }"
        nodes = client.ask(query, {"id": created["segment"]["id"]})["segment"]["members"]["nodes"]
        return sorted(node["emails"][0]["value"] for node in nodes)

    assert members() == ["ann@example.com", "bob@example.com"]
    # when
    record(client, email("email_bounced", ANN, at=FEBRUARY, id="b-1"))
    # then
    assert members() == ["bob@example.com"]
    # when
    record(client, email("email_opened", ANN, at=MARCH, id="o-1"))
    # then
    assert members() == ["ann@example.com", "bob@example.com"]


@pytest.mark.parametrize(
    ("condition", "code", "field"),
    [
        ({"purpose": "spying", "channel": "EMAIL"}, "UNKNOWN_PURPOSE", "purpose"),
        ({"purpose": "newsletter", "channel": "FAX"}, "UNKNOWN_CHANNEL", "channel"),
    ],
)
def test_a_rule_with_an_unknown_name_is_rejected(
    client: Client, condition: dict[str, str], code: str, field: str
) -> None:
    (error,) = client.ask(CREATE, {"rule": {"contactable": condition}})["createSegment"]["errors"]
    assert (error["code"], error["path"]) == (code, ["rule", "contactable", field])
