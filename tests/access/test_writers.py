"""What each role may record and decide, and in whose name it is stored."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from graph.domain.access.viewer import Viewer
from service.config import rules_file
from tests.builders.clients import LINK, identifiers, order, seen
from tests.builders.operations import interaction
from tests.builders.runs import Run
from tests.builders.stores import Fresh
from tests.builders.viewers import ViewerClient, shop, viewer

CLARA = "email=clara.diaz@example.com"
ATTACKER = "cookie=ck-attacker"
PARTNER = viewer("partner", caller="acme", sources=frozenset({"acme"}))
TILL = viewer("till", caller="till-7", sources=frozenset({"till"}))
DESK = viewer("desk", caller="desk-2", sources=frozenset({"desk"}))
INGEST = viewer("ingest", caller="erp", sources=frozenset({"shop", "crm"}))
STEWARD = viewer("steward", caller="sue")
PRIVACY = viewer("privacy", caller="officer")
RESULTS = """results { __typename ... on ObservationAccepted { source id status droppedIdentifiers { value } }
  ... on Rejected { problem { code message path } } } errors { code message path }"""
LINKED = f"mutation($i: LinkIdentifiersInput!) {{ linkIdentifiers(input: $i) {{ {RESULTS} }} }}"
ORDERS = f"mutation($i: RecordOrdersInput!) {{ recordOrders(input: $i) {{ {RESULTS} }} }}"
ATTRIBUTES = f"mutation($i: RecordAttributesInput!) {{ recordAttributes(input: $i) {{ {RESULTS} }} }}"
RECORD_CONSENTS = f"mutation($i: RecordConsentsInput!) {{ recordConsents(input: $i) {{ {RESULTS} }} }}"
RECORD_INTERACTIONS = f"mutation($i: RecordInteractionsInput!) {{ recordInteractions(input: $i) {{ {RESULTS} }} }}"
SEGMENTS = f"mutation($i: RecordExternalSegmentsInput!) {{ recordExternalSegments(input: $i) {{ {RESULTS} }} }}"
PRODUCTS = """mutation($i: RecordProductsInput!) { recordProducts(input: $i) { results { __typename
  ... on Rejected { problem { code path } } } } }"""
REVOKE = """mutation($i: RevokeObservationsInput!) { revokeObservations(input: $i) {
  results { __typename ... on ObservationRevoked { source id found } ... on Rejected { problem { code message path } } }
  errors { code message path } } }"""
KEEP_APART = (
    "mutation($i: KeepApartInput!) { keepApart(input: $i) { override { id actor reason } errors { code path } } }"
)
HISTORY = """query($i: IdentifierInput!) { customer(by: {identifier: $i}) { history(first: 100) { nodes {
  kind reason summary cause { type actor source observationId } } } } }"""


@pytest.fixture
def client(fresh: Fresh, run: Run, tmp_path: Path) -> ViewerClient:
    return shop(fresh(), run, tmp_path)


def results(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    (payload,) = data.values()
    assert payload.get("errors", []) == []
    return payload["results"]


def problem(result: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The code and the path of a rejected item."""
    return result["problem"]["code"], result["problem"]["path"]


def linked(client: ViewerClient, caller: Viewer, *observations: dict[str, Any]) -> list[dict[str, Any]]:
    return results(client.seen_by(caller, LINKED, {"i": {"observations": observations}}))


def consented(client: ViewerClient, caller: Viewer, *keys: str, **more: Any) -> dict[str, Any]:
    """The result of one decision of `recordConsents`."""
    consent = {"source": "web", "identifiers": identifiers(*keys), "purpose": "newsletter", "decision": "GIVEN", **more}
    return results(client.seen_by(caller, RECORD_CONSENTS, {"i": {"consents": [consent]}}))[0]


def refused(client: ViewerClient, caller: Viewer, document: str, input: object = None) -> None:
    """Assert that a caller may not run a mutation at all."""
    response = client.as_(caller, document, None if input is None else {"i": input})
    assert response.status_code == 403
    assert response.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"


def changes(client: ViewerClient, key: str) -> list[dict[str, Any]]:
    return client.ask(HISTORY, {"i": identifiers(key)[0]})["customer"]["history"]["nodes"]


# --- sources and parties


def test_a_partner_plants_nothing_under_the_source_of_others(client: ViewerClient) -> None:
    # when: row 9 of the attacks, between two observations of its own
    own = [seen("email=new@example.com", ATTACKER, source="acme"), seen("phone=+49 30 1234567", source="acme")]
    planted = seen(CLARA, ATTACKER, source="crm", party="FIRST_PARTY")
    first, second, third = linked(client, PARTNER, own[0], planted, own[1])
    # then
    assert problem(second) == ("SOURCE_NOT_YOURS", ["source"])
    assert "'crm'" in second["problem"]["message"]
    assert [first["__typename"], third["__typename"]] == ["ObservationAccepted"] * 2
    attacker = client.customer(ATTACKER, "emails { value }")
    assert attacker == {"emails": [{"value": "new@example.com"}]}


def test_a_partner_states_no_first_party_and_may_leave_the_party_out(client: ViewerClient) -> None:
    # when
    near, default, far = linked(
        client,
        PARTNER,
        seen(CLARA, source="acme", party="FIRST_PARTY"),
        seen("email=a@example.com", "cookie=ck-default", source="acme"),
        seen("email=b@example.com", "cookie=ck-third", source="acme", party="THIRD_PARTY"),
    )
    # then
    assert problem(near) == ("PARTY_NOT_ALLOWED", ["party"])
    assert [default["__typename"], far["__typename"]] == ["ObservationAccepted"] * 2
    links = "links { nodes { tier } }"
    tiers = [client.customer(key, links)["links"]["nodes"] for key in ("cookie=ck-default", "cookie=ck-third")]
    assert tiers == [[{"tier": "SECOND_PARTY"}], [{"tier": "THIRD_PARTY"}]]


def test_every_kind_of_statement_is_bound_to_the_sources_of_the_caller(client: ViewerClient) -> None:
    # given
    person = {"source": "crm", "identifiers": identifiers(CLARA)}
    at = "2026-03-01T12:00:00Z"
    sent = {
        ORDERS: {"orders": [order("X-1", CLARA, source="crm")]},
        ATTRIBUTES: {"attributes": [person | {"name": "Mallory"}]},
        RECORD_INTERACTIONS: {"interactions": [interaction("page_viewed", CLARA, at=at, source="crm")]},
        SEGMENTS: {"segments": [person | {"segment": "movers"}]},
        LINKED: {"observations": [person]},
    }
    for caller in (PARTNER, TILL, DESK):
        for document, input in sent.items():
            # when
            (result,) = results(client.seen_by(caller, document, {"i": input}))
            # then
            assert problem(result) == ("SOURCE_NOT_YOURS", ["source"]), (caller.role, document)


def test_products_are_bound_to_sources(client: ViewerClient) -> None:
    # given
    product = {"sku": "A", "name": "A", "reportedAt": "2026-03-01T12:00:00Z"}
    products = [product | {"source": source} for source in ("pim", "shop", "shop:claimed")]
    # when
    other, own, claimed = results(client.seen_by(INGEST, PRODUCTS, {"i": {"products": products}}))
    # then
    assert problem(other) == problem(claimed) == ("SOURCE_NOT_YOURS", ["source"])
    assert own["__typename"] == "ProductAccepted"


def test_nobody_sends_the_source_of_claims(client: ViewerClient) -> None:
    # given
    claimed = seen(CLARA, source="web:claimed")
    for caller in (PARTNER, INGEST, viewer("storefront"), viewer("developer", caller="dev")):
        # when
        (result,) = linked(client, caller, claimed)
        # then
        assert problem(result) == ("SOURCE_NOT_YOURS", ["source"])


@pytest.mark.parametrize("caller", [TILL, DESK, INGEST], ids=lambda viewer: viewer.role)
def test_who_has_a_source_records_under_it(client: ViewerClient, caller: Viewer) -> None:
    # given
    (source, *_) = sorted(caller.sources or ())
    # when
    (result,) = linked(client, caller, seen(CLARA, "loyalty_card=KC-100077", source=source))
    # then
    assert (result["__typename"], result["source"]) == ("ObservationAccepted", source)
    assert consented(client, caller, CLARA, source=source)["__typename"] == "ObservationAccepted"
    assert problem(consented(client, caller, CLARA, source="app")) == ("SOURCE_NOT_YOURS", ["source"])


# --- consent


def test_a_partner_records_no_consent_in_any_way(client: ViewerClient) -> None:
    # given
    consent = {"source": "acme", "identifiers": identifiers(CLARA), "purpose": "newsletter", "decision": "GIVEN"}
    unsubscribed = interaction("unsubscribed", CLARA, at="2026-03-01T12:00:00Z", source="acme")
    # when, then: row 10 of the attacks
    refused(client, PARTNER, RECORD_CONSENTS, {"consents": [consent]})
    (result,) = results(client.seen_by(PARTNER, RECORD_INTERACTIONS, {"i": {"interactions": [unsubscribed]}}))
    assert problem(result) == ("FORBIDDEN", ["type"])
    assert consent_of(client, CLARA) == ("NONE", None)


def consent_of(client: ViewerClient, key: str) -> tuple[str, str | None]:
    """The decision in effect of an address for the newsletter, and its source."""
    query = """query($i: IdentifierInput!) { consent(identifier: $i, purpose: "newsletter") {
      decision current { source } } }"""
    status = client.ask(query, {"i": identifiers(key)[0]})["consent"]
    return status["decision"], None if status["current"] is None else status["current"]["source"]


# --- actors, reasons, idempotency


def test_a_partner_revokes_what_its_sources_sent_only(client: ViewerClient) -> None:
    # given
    linked(client, PARTNER, seen(CLARA, ATTACKER, source="acme", id="a-1"))
    revoked = [{"source": "crm", "id": "crm-1003"}, {"source": "acme", "id": "a-1"}, {"source": "acme", "id": "a-2"}]
    # when: row 11 of the attacks
    data = client.seen_by(PARTNER, REVOKE, {"i": {"observations": revoked, "actor": "dpo"}})
    # then
    other, own, unknown = results(data)
    assert problem(other) == ("SOURCE_NOT_YOURS", ["source"])
    assert (own["found"], unknown["found"]) == (True, False)
    causes = [change["cause"] for change in changes(client, CLARA) if change["cause"]["type"] == "REVOCATION"]
    assert {(cause["source"], cause["actor"]) for cause in causes} <= {("acme", "dpo via acme")}


def test_a_steward_revokes_observations_of_any_source_and_states_why(client: ViewerClient) -> None:
    # given
    linked(client, PARTNER, seen("email=one@example.com", "cookie=ck-one", source="acme", id="a-1"))
    linked(client, PARTNER, seen("email=one@example.com", source="acme", id="a-2"))
    input = {"observations": [{"source": "acme", "id": "a-1"}]}
    # when
    without = client.seen_by(STEWARD, REVOKE, {"i": input})["revokeObservations"]
    (result,) = results(client.seen_by(STEWARD, REVOKE, {"i": input | {"reason": "wrong cookie"}}))
    # then
    assert without["results"] == []
    assert [(error["code"], error["path"]) for error in without["errors"]] == [("REASON_REQUIRED", ["reason"])]
    assert result["found"]
    (removed,) = (
        change for change in changes(client, "email=one@example.com") if change["cause"]["type"] == "REVOCATION"
    )
    assert removed["cause"]["actor"] == "sue"
    assert removed["reason"].endswith("; revoked: wrong cookie")
    assert "by sue" in removed["summary"]


@pytest.mark.parametrize("caller", [PARTNER, TILL, DESK, INGEST, viewer("storefront"), PRIVACY], ids=lambda v: v.role)
def test_only_stewards_decide_which_identifiers_belong_together(client: ViewerClient, caller: Viewer) -> None:
    a, b = identifiers("email=anna.berg@example.com", "cookie=ck-anna-laptop")
    # when, then: row 12 of the attacks
    refused(client, caller, KEEP_APART, {"a": a, "b": b, "actor": "steward.mueller", "reason": "x"})


def test_an_override_names_the_steward_and_the_person_it_names(client: ViewerClient) -> None:
    # given
    a, b = identifiers("email=anna.berg@example.com", "cookie=ck-anna-laptop")
    input = {"a": a, "b": b, "actor": "steward.mueller", "reason": "two people"}
    # when
    kept = client.seen_by(STEWARD, KEEP_APART, {"i": input})["keepApart"]
    without_reason = client.seen_by(STEWARD, KEEP_APART, {"i": input | {"reason": " "}})["keepApart"]
    too_long = client.seen_by(STEWARD, KEEP_APART, {"i": input | {"actor": "m" * 101}})["keepApart"]
    # then
    assert (kept["override"]["actor"], kept["override"]["reason"]) == ("steward.mueller via sue", "two people")
    assert without_reason == {"override": None, "errors": [{"code": "REASON_REQUIRED", "path": ["reason"]}]}
    assert too_long == {"override": None, "errors": [{"code": "INVALID_LENGTH", "path": ["actor"]}]}


def test_every_deed_of_a_steward_names_the_caller(client: ViewerClient) -> None:
    # given
    (phone,) = identifiers("phone=+49 170 1234567")
    block = """mutation($i: BlockIdentifierInput!) { blockIdentifier(input: $i) {
      override { id actor } errors { code } } }"""
    unblock = "mutation($i: UnblockIdentifierInput!) { unblockIdentifier(input: $i) { errors { code } } }"
    remove = "mutation($i: RemoveOverrideInput!) { removeOverride(input: $i) { errors { code } } }"
    linked(client, TILL, seen("phone=+49 170 1234567", source="till"))
    # when
    nameless = client.seen_by(STEWARD, block, {"i": {"identifier": phone}})["blockIdentifier"]
    blocked = client.seen_by(STEWARD, block, {"i": {"identifier": phone, "reason": "switchboard"}})["blockIdentifier"]
    client.seen_by(STEWARD, unblock, {"i": {"identifier": phone, "actor": "max"}})
    again = client.seen_by(STEWARD, block, {"i": {"identifier": phone, "reason": "switchboard"}})["blockIdentifier"]
    client.seen_by(STEWARD, remove, {"i": {"id": again["override"]["id"], "actor": "sue"}})
    # then
    assert nameless["errors"] == [{"code": "REASON_REQUIRED"}]
    assert blocked["override"]["actor"] == "sue"
    recorded = {(change["kind"], change["cause"]["actor"]) for change in changes(client, "phone=+49 170 1234567")}
    assert {
        ("OVERRIDE_SET", "sue"),
        ("OVERRIDE_REMOVED", "max via sue"),
        ("OVERRIDE_REMOVED", "sue"),
    } <= recorded


def test_the_revocation_of_a_source_names_the_caller(client: ViewerClient, run: Run) -> None:
    # given
    revoke = """mutation($i: RevokeSourceInput!) { revokeSource(input: $i) {
      revocation { id actor reason } errors { code path } } }"""
    restore = "mutation($i: RestoreSourceInput!) { restoreSource(input: $i) { revocation { restoredBy } } }"
    # when
    nameless = client.seen_by(STEWARD, revoke, {"i": {"source": "app", "actor": "dpo"}})["revokeSource"]
    revoked = client.seen_by(STEWARD, revoke, {"i": {"source": "app", "actor": "dpo", "reason": "a bug"}})
    run(client.graph.source_revocations.applied())
    revocation = revoked["revokeSource"]["revocation"]
    restored = client.seen_by(STEWARD, restore, {"i": {"id": revocation["id"], "actor": "dpo"}})
    run(client.graph.source_revocations.applied())
    # then
    assert nameless["errors"] == [{"code": "REASON_REQUIRED", "path": ["reason"]}]
    assert (revocation["actor"], revocation["reason"]) == ("dpo via sue", "a bug")
    assert restored["restoreSource"]["revocation"]["restoredBy"] == "dpo via sue"


def test_idempotency_keys_are_bound_to_the_caller(client: ViewerClient) -> None:
    # given
    a, b = identifiers("email=anna.berg@example.com", "cookie=ck-anna-laptop")
    input = {"a": a, "b": b, "reason": "two people", "idempotencyKey": "ticket-1"}
    other = {**input, "b": identifiers("cookie=ck-family-tablet")[0]}
    # when
    first = client.seen_by(STEWARD, KEEP_APART, {"i": input})["keepApart"]
    second = client.seen_by(viewer("steward", caller="max"), KEEP_APART, {"i": other})["keepApart"]
    # then
    assert (first["override"]["actor"], second["override"]["actor"]) == ("sue", "max")


def test_segments_record_the_caller(client: ViewerClient) -> None:
    # given
    marketer = viewer("marketer", caller="mia")
    create = 'mutation { createSegment(input: {name: "Known", rule: {known: true}}) { segment { id createdBy } } }'
    # when
    segment = client.seen_by(marketer, create)["createSegment"]["segment"]
    # then
    assert segment["createdBy"] == "mia"
    refused(client, PARTNER, create)


def test_what_a_role_may_not_do_is_refused_before_its_arguments_are_read(client: ViewerClient) -> None:
    # when, then: row 13 of the attacks
    document = 'mutation { applyRules(input: {rules: "", expectedVersion: 99}) { errors { code } } }'
    for caller in (viewer("storefront"), PARTNER, STEWARD):
        refused(client, caller, document)


# --- previews


def test_a_steward_sees_samples_masked_and_cannot_ask_for_others(client: ViewerClient, run: Run) -> None:
    # given
    rules = rules_file.default_text()
    of_rules = """mutation($i: PreviewRulesInput!) { previewRules(input: $i) {
      preview { id } errors { code path } } }"""
    of_source = """mutation($i: PreviewRevokeSourceInput!) { previewRevokeSource(input: $i) {
      preview { id } errors { code path } } }"""
    read = "query($id: ID!) { rulesPreview(id: $id) { impact { sampleSplits { groups { value } } } } }"
    open_eyes = viewer("steward", "contact:read")
    forbidden = {"preview": None, "errors": [{"code": "FORBIDDEN", "path": ["maskValues"]}]}
    window = {"source": "web"}
    # when
    unmasked_rules = client.seen_by(STEWARD, of_rules, {"i": {"rules": rules, "maskValues": False}})["previewRules"]
    unmasked_source = client.seen_by(STEWARD, of_source, {"i": window | {"maskValues": False}})["previewRevokeSource"]
    masked = client.seen_by(STEWARD, of_source, {"i": window})["previewRevokeSource"]["preview"]["id"]
    by_other = client.seen_by(open_eyes, of_source, {"i": window | {"maskValues": False}})
    unmasked = by_other["previewRevokeSource"]["preview"]["id"]
    for id in (masked, unmasked):
        run(client.graph.previews._previews[id].wait(120))
    # then
    assert unmasked_rules == unmasked_source == forbidden
    samples = client.seen_by(STEWARD, read, {"id": masked})["rulesPreview"]["impact"]["sampleSplits"]
    assert samples
    assert "anna.berg@example.com" not in str(samples)
    # What somebody else started unmasked does not exist for a steward.
    assert client.seen_by(STEWARD, read, {"id": unmasked}) == {"rulesPreview": None}
    assert "anna.berg@example.com" in str(client.seen_by(open_eyes, read, {"id": unmasked}))


# --- answers of writes


@pytest.mark.parametrize("caller", [TILL, DESK, INGEST, viewer("storefront")], ids=lambda viewer: viewer.role)
def test_who_may_not_read_results_learns_from_no_field_whose_identifiers_they_are(
    client: ViewerClient, caller: Viewer
) -> None:
    refused(client, caller, LINK.replace("$input", "$i"), {"observations": [seen(CLARA, source="till")]})


@pytest.mark.parametrize("caller", [TILL, PARTNER, viewer("storefront")], ids=lambda viewer: viewer.role)
def test_known_and_unknown_addresses_are_answered_alike(client: ViewerClient, caller: Viewer) -> None:
    # given
    (source,) = caller.sources or ("web",)
    unknown = "email=never.seen@example.com"
    assert len(unknown) == len(CLARA)
    # when
    answers = [
        client.as_(caller, LINKED, {"i": {"observations": [seen(key, source=source, id=f"id-{number}")]}})
        for number, key in enumerate((CLARA, unknown))
    ]
    # then
    known, new = (answer.text.replace(f"id-{number}", "id") for number, answer in enumerate(answers))
    assert known == new
    assert answers[0].status_code == answers[1].status_code == 200


def test_a_partner_is_shown_of_a_customer_what_it_sent_itself(client: ViewerClient) -> None:
    # given
    document = """mutation($i: LinkIdentifiersInput!) { linkIdentifiers(input: $i) { results { __typename } } }"""
    read = """query($i: IdentifierInput!) { customer(by: {identifier: $i}) {
      identifiers(first: 100) { nodes { value } } orders { nodes { number } } } }"""
    # when
    client.seen_by(PARTNER, document, {"i": {"observations": [seen(CLARA, source="acme")]}})
    # then
    assert client.seen_by(PARTNER, read, {"i": identifiers(CLARA)[0]})["customer"] == {
        "identifiers": {"nodes": [{"value": "clara.diaz@example.com"}]},
        "orders": {"nodes": []},
    }
