"""What a storefront may state: what its token proves. Everything else links as a claim, and opens nothing."""

from pathlib import Path
from typing import Any

import pytest

from tests.builders.clients import identifiers, order, seen
from tests.builders.operations import interaction
from tests.builders.runs import Run
from tests.builders.stores import Fresh
from tests.builders.viewers import ViewerClient, shop, viewer

ANNA = "email=anna.berg@example.com"
WEB = frozenset({"web"})
# They read identifiers unmasked, so that a mask hides nothing that they must not be shown.
NOBODY = viewer("storefront", "contact:read", caller="web-app", sources=WEB)
MALLORY = viewer("storefront", "contact:read", caller="web-app|mallory", sources=WEB, subject="login=mallory")
ANN = viewer("storefront", caller="web-app|anna", sources=WEB, subject="login=anna.b")
OWN_COOKIE = "cookie=ck-attacker"
RESULTS = """results { __typename ... on ObservationAccepted { source id status droppedIdentifiers { value } }
  ... on Rejected { problem { code message path } } } errors { code message path }"""
VIEW = """id identifiers(first: 100) { nodes { namespace value } } emails { value }
  orders(first: 100) { nodes { number } }
  profile { name { value } givenName { value } } consents { purpose decision } timeline { nodes { __typename } }"""
CUSTOMER = f"query($i: IdentifierInput!) {{ customer(by: {{identifier: $i}}) {{ {VIEW} }} }}"
CANARIES = ("anna.berg", "KC100001", "W-5001", "S1/2026", "Anna")
MUTATIONS = {
    "linkIdentifiers": ("LinkIdentifiersInput", "observations"),
    "recordOrders": ("RecordOrdersInput", "orders"),
    "recordAttributes": ("RecordAttributesInput", "attributes"),
    "recordConsents": ("RecordConsentsInput", "consents"),
    "recordInteractions": ("RecordInteractionsInput", "interactions"),
    "recordExternalSegments": ("RecordExternalSegmentsInput", "segments"),
}


@pytest.fixture
def client(fresh: Fresh, run: Run, tmp_path: Path) -> ViewerClient:
    return shop(fresh(), run, tmp_path)


def recorded(client: ViewerClient, caller: Any, name: str, *items: dict[str, Any]) -> list[dict[str, Any]]:
    """The results of a mutation that records items."""
    input_type, field = MUTATIONS[name]
    document = f"mutation($i: {input_type}!) {{ {name}(input: $i) {{ {RESULTS} }} }}"
    payload = client.seen_by(caller, document, {"i": {field: items}})[name]
    assert payload["errors"] == []
    return payload["results"]


def consent(client: ViewerClient, caller: Any, *keys: str, decision: str = "GIVEN", **more: Any) -> dict[str, Any]:
    item = {"source": "web", "identifiers": identifiers(*keys), "purpose": "newsletter", "decision": decision}
    (result,) = recorded(client, caller, "recordConsents", item | more)
    return result


def consent_of(client: ViewerClient, key: str) -> tuple[str, str | None]:
    """The decision in effect of an address, and its source."""
    query = """query($i: IdentifierInput!) { consent(identifier: $i, purpose: "newsletter", channel: EMAIL) {
      decision current { source } } }"""
    status = client.ask(query, {"i": identifiers(key)[0]})["consent"]
    return status["decision"], None if status["current"] is None else status["current"]["source"]


def of_person(*keys: str, **more: Any) -> dict[str, Any]:
    return {"source": "web", "identifiers": identifiers(*keys), **more}


AT = "2026-03-01T12:00:00Z"


def one_of_each(*keys: str) -> dict[str, dict[str, Any]]:
    """A statement of each kind about the same identifiers, by its mutation."""
    return {
        "linkIdentifiers": of_person(*keys),
        "recordOrders": order(f"X-{keys[0]}", *keys, source="web"),
        "recordAttributes": of_person(*keys, name="Mallory"),
        "recordConsents": of_person(*keys, purpose="newsletter", decision="GIVEN"),
        "recordInteractions": interaction("page_viewed", *keys, at=AT),
        "recordExternalSegments": of_person(*keys, segment="movers"),
    }


def test_a_strangers_address_is_stored_as_a_claim_by_every_mutation_and_opens_nothing(client: ViewerClient) -> None:
    # given
    before = client.customer(ANNA, VIEW)
    for caller, own in ((MALLORY, "login=mallory"), (NOBODY, "cookie=ck-other")):
        # when
        for name, statement in one_of_each(own, OWN_COOKIE, ANNA).items():
            (result,) = recorded(client, caller, name, statement)
            # then
            assert (result["__typename"], result["source"]) == ("ObservationAccepted", "web:claimed"), name
        for key in (ANNA, own, OWN_COOKIE):
            answer = client.as_(caller, CUSTOMER, {"i": identifiers(key)[0]}).text
            assert [canary for canary in CANARIES if canary in answer.replace("Mallory", "")] == [], (caller, key)
    # then: her view has not lost anything, and shows no name that a stranger typed
    after = client.customer(ANNA, VIEW)
    assert {node["value"] for node in before["identifiers"]["nodes"]} <= {
        node["value"] for node in after["identifiers"]["nodes"]
    }
    assert {node["number"] for node in before["orders"]["nodes"]} <= {
        node["number"] for node in after["orders"]["nodes"]
    }
    assert after["profile"]["givenName"] == before["profile"]["givenName"]


def test_what_the_token_proves_is_recorded_under_the_source(client: ViewerClient) -> None:
    # given
    statements = one_of_each("login=mallory", OWN_COOKIE)
    del statements["recordOrders"]
    for name, statement in statements.items():
        # when
        (result,) = recorded(client, MALLORY, name, statement)
        # then
        assert (result["__typename"], result["source"]) == ("ObservationAccepted", "web"), name
    own = client.seen_by(MALLORY, CUSTOMER, {"i": identifiers("login=mallory")[0]})["customer"]
    assert {node["value"] for node in own["identifiers"]["nodes"]} == {"mallory", "ck-attacker"}
    assert own["profile"]["name"] == {"value": "Mallory"}


def test_the_cookie_of_a_visitor_is_recorded_under_the_source(client: ViewerClient) -> None:
    (result,) = recorded(client, NOBODY, "recordInteractions", interaction("page_viewed", OWN_COOKIE, at=AT))
    assert result["source"] == "web"


def test_an_order_number_is_a_claim_because_it_can_be_guessed(client: ViewerClient) -> None:
    # when: somebody types the number of Anna's order, or reports it again
    (linked,) = recorded(client, MALLORY, "linkIdentifiers", of_person("login=mallory", "order=W-5001"))
    reported = order("W-5001", "login=mallory", source="web", total="0.00", reportedAt="2026-06-01T12:00:00Z")
    (ordered,) = recorded(client, MALLORY, "recordOrders", reported)
    # then
    assert (linked["source"], ordered["source"]) == ("web:claimed", "web:claimed")
    assert client.ask('{ order(number: "W-5001") { total source } }') == {
        "order": {"total": "129.00", "source": "shop"}
    }
    answer = client.as_(MALLORY, CUSTOMER, {"i": identifiers("login=mallory")[0]}).text
    assert [canary for canary in CANARIES if canary in answer] == []


def test_a_claim_takes_no_address_away_from_whom_a_source_has_seen_with_it(client: ViewerClient) -> None:
    # when: Ben's login would claim Anna's address, and each customer has one login
    ben = viewer("storefront", sources=WEB, subject="login=ben77")
    recorded(client, ben, "linkIdentifiers", of_person("login=ben77", ANNA, seenAt="2026-06-01T12:00:00Z"))
    # then
    assert "login=anna.b" in client.keys_of(ANNA)
    assert "login=ben77" not in client.keys_of(ANNA)


def test_a_claimed_address_links_a_visitor_until_a_source_knows_better(client: ViewerClient) -> None:
    # when
    recorded(client, NOBODY, "linkIdentifiers", of_person(OWN_COOKIE, "email=new@example.com"))
    # then
    assert client.keys_of(OWN_COOKIE) == ["email=new@example.com", OWN_COOKIE]
    (link,) = client.customer(OWN_COOKIE, "links { nodes { sources tier } }")["links"]["nodes"]
    assert link == {"sources": ["web:claimed"], "tier": "THIRD_PARTY"}


def test_nobody_consents_for_an_address_that_is_only_claimed(client: ViewerClient) -> None:
    # given
    address = "email=reader@example.com"
    # when: the address is typed into a form for a newsletter
    claimed = consent(client, NOBODY, address, OWN_COOKIE, decidedAt="2026-03-01T12:00:00Z")
    # then
    assert claimed["source"] == "web:claimed"
    assert consent_of(client, address) == ("NONE", None)
    assert client.customer(address, 'consents { decision } consent(purpose: "newsletter") { decision }') == {
        "consents": [],
        "consent": {"decision": "NONE"},
    }
    # when: its owner follows the link in the letter, which a source of the shop records
    mailer = viewer("ingest", caller="mailer", sources=frozenset({"mailer"}))
    consent(client, mailer, address, source="mailer", decidedAt="2026-03-01T12:10:00Z")
    # then
    assert consent_of(client, address) == ("GIVEN", "mailer")


@pytest.mark.parametrize("decision", ["REFUSED", "WITHDRAWN"])
def test_anybody_may_say_no_for_an_address(client: ViewerClient, decision: str) -> None:
    # given
    address = "email=reader@example.com"
    mailer = viewer("ingest", caller="mailer", sources=frozenset({"mailer"}))
    consent(client, mailer, address, source="mailer", decidedAt="2026-03-01T12:00:00Z")
    # when
    consent(client, NOBODY, address, decision=decision, decidedAt="2026-03-02T12:00:00Z")
    # then
    assert consent_of(client, address) == (decision, "web:claimed")


def test_a_claimed_consent_does_not_end_a_refusal(client: ViewerClient) -> None:
    # given
    address = "email=reader@example.com"
    consent(client, NOBODY, address, decision="WITHDRAWN", decidedAt="2026-03-02T12:00:00Z")
    # when
    consent(client, MALLORY, "login=mallory", address, decidedAt="2026-03-03T12:00:00Z")
    # then
    assert consent_of(client, address) == ("WITHDRAWN", "web:claimed")


def test_a_user_consents_for_its_own_login_and_cookie(client: ViewerClient) -> None:
    # when
    result = consent(client, ANN, "login=anna.b", "cookie=ck-anna-laptop", decidedAt="2026-03-02T12:00:00Z")
    # then
    assert result["source"] == "web"
    assert consent_of(client, "cookie=ck-anna-laptop") == ("GIVEN", "web")
    assert consent_of(client, ANNA)[1] != "web"


def test_an_interaction_that_is_a_decision_follows_the_same_rule(client: ViewerClient) -> None:
    # when
    (result,) = recorded(client, NOBODY, "recordInteractions", interaction("unsubscribed", ANNA, at=AT))
    # then
    assert result["source"] == "web:claimed"
    assert consent_of(client, ANNA) == ("WITHDRAWN", "web:claimed")


def test_a_storefront_is_bound_to_its_source(client: ViewerClient) -> None:
    (result,) = recorded(client, MALLORY, "linkIdentifiers", seen("login=mallory", source="crm"))
    assert (result["problem"]["code"], result["problem"]["path"]) == ("SOURCE_NOT_YOURS", ["source"])


def test_a_steward_revokes_claims_apart_from_what_the_source_has_seen(client: ViewerClient, run: Run) -> None:
    # given
    recorded(client, NOBODY, "linkIdentifiers", of_person(OWN_COOKIE, "email=new@example.com"))
    revoke = "mutation($i: RevokeSourceInput!) { revokeSource(input: $i) { errors { code } } }"
    # when
    input = {"source": "web:claimed", "reason": "a flood of forms"}
    payload = client.seen_by(viewer("steward"), revoke, {"i": input})["revokeSource"]
    run(client.graph.source_revocations.applied())
    # then
    assert payload["errors"] == []
    assert client.customer("email=new@example.com") is None
    assert "cookie=ck-anna-laptop" in client.keys_of("login=anna.b")
