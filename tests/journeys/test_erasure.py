"""A person is erased: nothing of her is left, what arrives later does not bring her back, and others keep theirs."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from graph.domain.model.dates import DAY
from graph.domain.model.times import iso
from graph.domain.model.tombstones import TombstoneKeys
from graph.ports import Store
from service.config import rules_file
from tests.builders.clients import Client, order, seen
from tests.builders.erasing import ERASE, LIFT_SUPPRESSION, PLAN, by, erase, plan
from tests.builders.operations import decide, interaction, record, state
from tests.builders.restrictions import lift, restricted
from tests.builders.retention import SettableClock
from tests.builders.runs import Run
from tests.builders.safeguards import ListSafeguards
from tests.builders.viewers import shop

ANN, LOGIN, BEN = "email=ann.zqcanary@example.com", "login=zqcanarylogin", "email=ben@example.com"
TABLET = "device=family-tablet"
VIEW = """known identifiers(first: 50) { nodes { namespace value shared sources } } profile { name { value } }
  orders(first: 50) { nodes { number total } } metrics { orderCount }
  timeline(first: 50, kinds: [INTERACTION]) { nodes { ... on Interaction { type text } } }
  consents { purpose decision }"""
CHANGES = """{ changes(first: 100) { nodes { id kind customerId otherCustomerId reason summary
  identifiers { value } cause { type source observationId erasureId actor } } } }"""
APART = "mutation($input: KeepApartInput!) { keepApart(input: $input) { errors { code } } }"
ACKNOWLEDGE = """mutation($id: ID!) { acknowledgeErasure(input: {erasureId: $id, service: "mail tool"}) {
  acknowledged errors { code path } } }"""


@pytest.fixture
def client(store: Store, run: Run) -> Client:
    client = Client(store, run, safeguards=ListSafeguards())
    run(client.wiring.prepare())
    return client


def send_ann(client: Client, suffix: str = "", source: str = "shop") -> list[dict[str, Any]]:
    """All that is known of Ann, with canaries wherever she is named; the results of the links."""
    results = client.link(
        seen(ANN, LOGIN, at="2026-01-01T00:00:00Z", id=f"zqcanary1{suffix}", source=source, evidence="zqcanary call"),
        seen(LOGIN, TABLET, at="2026-01-02T00:00:00Z", id=f"zqcanary2{suffix}", source=source),
    )
    results += client.record(order("ZQCANARY-1", ANN, source=source))
    state(client, LOGIN, source=source, name="Ann Zqcanaryname")
    decide(client, ANN, decision="GIVEN", at="2026-01-01T00:00:00Z", source=source)
    record(
        client,
        interaction(
            "product_viewed", LOGIN, at="2026-01-03T00:00:00Z", source=source, text="zqcanary asked", id=f"i{suffix}"
        ),
    )
    return results


def send_ben(client: Client) -> None:
    client.link(seen(BEN, "login=ben", at="2026-01-01T00:00:00Z", id="b1", source="shop"))
    client.record(order("B-1", BEN))
    record(client, interaction("call", "login=ben", at="2026-01-04T00:00:00Z", text="married to Ann Zqcanaryname"))


def canaries_in(answer: object) -> int:
    return str(answer).lower().count("zqcanary")


def test_a_plan_says_what_goes_and_changes_nothing(client: Client) -> None:
    # given
    send_ann(client)
    send_ben(client)
    before = client.customer(ANN, f"id {VIEW}")
    # when
    planned = plan(client, by=by(ANN))
    # then
    assert client.customer(ANN, f"id {VIEW}") == before
    assert planned["customerIds"] == [before["id"]]
    assert {node["value"] for node in planned["identifiers"]} == {
        node["value"] for node in before["identifiers"]["nodes"]
    }
    assert planned["mentionedByCustomerIds"] == [client.customer(BEN)["id"]]
    counts = {count["name"]: count["count"] for count in planned["counts"]}
    assert counts["identifiers"] == 4
    assert counts["observation_observations"] == 2
    assert counts["interaction_observations"] == 1


def test_an_erased_person_stays_away(client: Client) -> None:
    # given
    send_ann(client)
    send_ben(client)
    ben = client.customer(BEN, f"id {VIEW}")
    id = client.customer(ANN)["id"]
    # when
    erasure = erase(client, by=by(ANN))
    # then
    assert erasure["customerIds"] == [id]
    assert client.ask("query($id: ID!) { customer(by: {id: $id}) { id } }", {"id": id})["customer"] is None
    for key in (ANN, LOGIN, "order=ZQCANARY-1", TABLET):
        assert client.customer(key) is None
    assert client.customer(BEN, f"id {VIEW}") == ben
    assert canaries_in(client.ask(CHANGES)) == 0
    # when the same arrives again, as it was and with other ids
    results = [*send_ann(client), *send_ann(client, " again")]
    # then
    assert {result["__typename"] for result in results} == {"Rejected"}
    assert {result["problem"]["code"] for result in results} == {"IDENTIFIER_SUPPRESSED"}
    for key in (ANN, LOGIN, "order=ZQCANARY-1"):
        assert client.customer(key) is None
    assert client.customer(BEN, f"id {VIEW}") == ben
    assert canaries_in(client.ask(CHANGES)) == 0


def test_a_plan_that_has_changed_is_not_carried_out(client: Client) -> None:
    # given
    send_ann(client)
    planned = plan(client, by=by(ANN))
    client.link(seen(ANN, "phone=+491751234567", at="2026-01-05T00:00:00Z", id="late", source="shop"))
    # when
    payload = client.ask(ERASE, {"input": {"by": by(ANN), "planHash": planned["hash"], "requestId": "r1"}})
    # then
    assert [error["code"] for error in payload["eraseSubject"]["errors"]] == ["PLAN_CHANGED"]
    assert client.customer(ANN) is not None


def test_a_request_id_that_confirmed_another_plan_is_a_conflict(client: Client) -> None:
    # given
    send_ann(client)
    send_ben(client)
    erase(client, "case-1", by=by(ANN))
    planned = plan(client, by=by(BEN))
    # when
    payload = client.ask(ERASE, {"input": {"by": by(BEN), "planHash": planned["hash"], "requestId": "case-1"}})
    # then
    (error,) = payload["eraseSubject"]["errors"]
    assert (error["code"], error["path"]) == ("ID_CONFLICT", ["requestId"])
    assert payload["eraseSubject"]["erasure"] is None
    assert client.customer(BEN) is not None


def test_a_suppression_holds_when_the_key_was_rotated_and_the_person_erased(store: Store, run: Run) -> None:
    # given
    safeguards = ListSafeguards()
    rules = replace(rules_file.parse(rules_file.default_text()), returning=frozenset({"signup"}))
    client = Client(store, run, rules, safeguards=safeguards)
    run(client.wiring.prepare())
    identifiers = [by(ANN)["identifier"]]
    erase(client, "r1", identifiers=identifiers, mode="SUPPRESSED")
    secrets = safeguards.tombstone_keys.secrets
    safeguards.tombstone_keys = TombstoneKeys({**secrets, 2: b"another secret of tests, 32 bytes"}, 2)
    erase(client, "r2", identifiers=identifiers, mode="ERASED")
    # when
    (result,) = client.link(seen(ANN, at=datetime.now(UTC).isoformat(), source="signup"))
    # then
    assert result["problem"]["code"] == "IDENTIFIER_SUPPRESSED"
    query = "query($i: IdentifierInput!) { suppression(identifier: $i) { mode } }"
    assert client.ask(query, {"i": identifiers[0]}) == {"suppression": {"mode": "SUPPRESSED"}}


def test_a_device_that_goes_to_another_customer_takes_no_restriction_along(client: Client) -> None:
    # given Ann is restricted with the tablet, which Ben uses too
    send_ann(client)
    send_ben(client)
    client.link(seen("login=ben", TABLET, at="2025-12-01T00:00:00Z", id="t1", source="shop"))
    restricted(client, ANN)
    # when
    erase(client, by=by(ANN))
    # then
    assert TABLET in client.keys_of(BEN)
    assert client.customer(BEN, "restricted") == {"restricted": False}
    assert client.ask("{ restrictions(includeLifted: true) { nodes { id } } }")["restrictions"]["nodes"] == []


def test_the_digest_of_an_erased_address_stays_away_too(client: Client) -> None:
    # given a system that knows Ann by the digest of her address, and one that sends it later
    digest = f"hashed_email={hashlib.sha256(b'ann.zqcanary@example.com').hexdigest()}"
    phone = f"hashed_email={hashlib.sha256(b'+491751234567').hexdigest()}"
    client.link(seen(ANN, "phone=+491751234567", at="2026-01-01T00:00:00Z", id="1", source="shop"))
    client.link(seen(digest, "cookie=partner", at="2026-01-01T00:00:00Z", id="2", source="partner"))
    # when
    planned = plan(client, by=by(ANN))
    erase(client, by=by(ANN))
    # then
    assert by(digest)["identifier"] in planned["identifiers"]
    assert by(phone)["identifier"] not in planned["identifiers"]
    assert client.customer(digest) is None
    results = client.link(
        seen(digest, "cookie=partner-2", id="3", source="partner"), seen(phone, id="4", source="partner")
    )
    assert [dropped["code"] for dropped in results[0]["droppedIdentifiers"]] == ["SUPPRESSED"]
    assert results[1]["problem"]["code"] == "IDENTIFIER_SUPPRESSED"
    # when
    client.ask(LIFT_SUPPRESSION, {"input": {"identifier": by(ANN)["identifier"]}})
    # then
    (again,) = client.link(seen(digest, at=datetime.now(UTC).isoformat(), id="5", source="partner"))
    assert again["__typename"] == "ObservationAccepted"


def test_the_feed_describes_what_an_erasure_has_changed_for_others(client: Client) -> None:
    # given an identifier that only Ann's email joins with Ben, and a steward's decision about her
    send_ben(client)
    client.link(seen(BEN, ANN, at="2026-01-02T00:00:00Z", source="shop"))
    client.link(seen(ANN, TABLET, at="2026-01-03T00:00:00Z", source="shop"))
    client.ask(APART, {"input": {"a": by(ANN)["identifier"], "b": by("login=carl")["identifier"]}})
    # when
    erase(client, identifiers=[by(ANN)["identifier"]])
    # then
    changes = client.ask(CHANGES)["changes"]["nodes"]
    caused = [change for change in changes if change["cause"]["type"] in ("ERASURE", "OVERRIDE_REMOVED")]
    assert {"CUSTOMER_SPLIT", "OVERRIDE_REMOVED"} <= {change["kind"] for change in caused}
    assert all(change["summary"] for change in changes)
    assert canaries_in(changes) == 0


def test_the_same_request_again_returns_the_first_result(client: Client) -> None:
    # given
    send_ann(client)
    planned = plan(client, by=by(ANN))
    input = {"by": by(ANN), "planHash": planned["hash"], "requestId": "r1"}
    first = client.ask(ERASE, {"input": input})["eraseSubject"]
    # when
    again = client.ask(ERASE, {"input": input})["eraseSubject"]
    # then
    assert (first["repeated"], again["repeated"]) == (False, True)
    assert again["erasure"] == first["erasure"]


def test_a_device_that_others_use_is_kept_for_them(client: Client) -> None:
    # given Ann used the tablet last, so it is hers
    send_ann(client)
    client.link(seen("login=ben", TABLET, at="2025-12-01T00:00:00Z", id="t1", source="shop"))
    # when
    erasure = erase(client, by=by(ANN))
    # then
    assert erasure["kept"] == [{"namespace": "device", "reason": "USED_BY_OTHERS", "count": 1}]
    assert TABLET in client.keys_of("login=ben")


def test_orders_are_kept_without_a_person_until_the_law_allows_to_remove_them(client: Client, run: Run) -> None:
    # given
    send_ann(client)
    keep = {"until": "2036-01-01T00:00:00Z", "ground": "tax law"}
    held = "{ heldOrders { nodes { number source facts heldUntil } } }"
    # when
    erasure = erase(client, by=by(ANN), keepOrders=keep)
    # then
    assert erasure["heldUntil"] == "2036-01-01T00:00:00Z"
    (kept,) = client.ask(held)["heldOrders"]["nodes"]
    assert (kept["number"], kept["source"]) == ("ZQCANARY-1", "shop")
    assert "10" in kept["facts"]
    assert "ann" not in kept["facts"]
    # when it is returned, with another address
    (result,) = client.record(
        order("ZQCANARY-1", "email=new@example.com", status="RETURNED", reportedAt="2026-05-01T00:00:00Z")
    )
    # then
    assert result["problem"]["code"] == "IDENTIFIER_SUPPRESSED"
    (kept,) = client.ask(held)["heldOrders"]["nodes"]
    assert "returned" in kept["facts"].lower()
    assert client.customer("email=new@example.com") is None


def test_an_order_goes_when_its_hold_is_over(store: Store, run: Run) -> None:
    # given
    clock = SettableClock("2026-06-01T00:00:00Z")
    client = Client(store, run, safeguards=ListSafeguards(), clock=clock)
    run(client.wiring.prepare())
    send_ann(client)
    erase(client, by=by(ANN), keepOrders={"until": iso(clock.now() + 10 * DAY), "ground": "tax law"})
    run(client.graph.retention.run())
    assert len(client.ask("{ heldOrders { nodes { number } } }")["heldOrders"]["nodes"]) == 1
    # when
    clock.add(days=11)
    run(client.graph.retention.run())
    # then
    assert client.ask("{ heldOrders { nodes { number } } }")["heldOrders"]["nodes"] == []


@pytest.mark.parametrize(
    ("hold", "path"),
    [
        ({"until": "2020-01-01T00:00:00Z", "ground": "tax law"}, ["keepOrders", "until"]),
        ({"until": "soon", "ground": "tax law"}, ["keepOrders", "until"]),
        ({"until": "2099-01-01T00:00:00Z", "ground": ""}, ["keepOrders", "ground"]),
    ],
)
def test_a_hold_needs_a_time_to_come_and_a_ground(client: Client, hold: dict[str, str], path: list[str]) -> None:
    # given
    send_ann(client)
    # when
    payload = client.ask(PLAN, {"input": {"by": by(ANN), "keepOrders": hold}})["planErasure"]
    # then
    assert [error["path"] for error in payload["errors"]] == [path]


def test_services_confirm_that_they_have_erased_their_copies(client: Client) -> None:
    # given
    send_ann(client)
    newest = client.ask("{ changes(first: 100) { pageInfo { endCursor } } }")["changes"]["pageInfo"]["endCursor"]
    erasure = erase(client, by=by(ANN))
    # when
    feed = client.ask(
        "query($a: String) { changes(first: 100, after: $a) { nodes { kind customerId cause { erasureId } } } }",
        {"a": newest},
    )["changes"]["nodes"]
    erased = [change for change in feed if change["kind"] == "CUSTOMER_ERASED"]
    assert client.ask(ACKNOWLEDGE, {"id": erased[0]["cause"]["erasureId"]})["acknowledgeErasure"]["acknowledged"]
    # then
    assert [change["customerId"] for change in erased] == erasure["customerIds"]
    found = client.ask("query($id: ID!) { erasure(id: $id) { acknowledgements { service } } }", {"id": "r1"})
    assert found["erasure"]["acknowledgements"] == [{"service": "mail tool"}]
    # when: no erasure has the id
    unknown = client.ask(ACKNOWLEDGE, {"id": "ers_0"})["acknowledgeErasure"]
    # then
    assert unknown == {"acknowledged": False, "errors": [{"code": "ERASURE_NOT_FOUND", "path": ["erasureId"]}]}


def test_segments_and_caches_forget_who_was_erased(client: Client) -> None:
    # given a segment of whoever has Ann's address in a property, and a document that names her
    send_ann(client)
    segment = """mutation($rule: SegmentRuleInput!) { createSegment(input: {name: "s", rule: $rule}) {
      segment { id } errors { code message } } }"""
    rule = {"attribute": {"name": "name", "in": ["ann.zqcanary@example.com"]}}
    created = client.ask(segment, {"rule": rule})["createSegment"]
    assert created["errors"] == []
    client.ask('{ customer(by: {identifier: {namespace: "email", value: "ann.zqcanary@example.com"}}) { id } }')
    # when
    erase(client, by=by(ANN))
    # then
    assert canaries_in(client.ask("{ segments(first: 10) { nodes { name rule } } }")) == 0
    assert client.endpoint.operations.documents.sizes()["documents"] <= 1


def test_a_suppression_holds_until_it_is_lifted(client: Client) -> None:
    # given nobody is stored
    erase(client, identifiers=[by(ANN)["identifier"]], mode="SUPPRESSED")
    (refused,) = client.link(seen(ANN, id="x1"))
    # when
    lifted = client.ask(
        """mutation($i: IdentifierInput!) { liftSuppression(input: {identifier: $i}) {
          suppression { mode liftedAt } errors { code } } }""",
        {"i": by(ANN)["identifier"]},
    )["liftSuppression"]
    (accepted,) = client.link(seen(ANN, id="x2"))
    # then
    assert refused["problem"]["code"] == "IDENTIFIER_SUPPRESSED"
    assert lifted["errors"] == []
    assert accepted["__typename"] == "ObservationAccepted"
    assert client.customer(ANN) is not None


def test_a_restored_store_is_erased_again(fresh: Any, run: Run) -> None:
    # given a ledger, and a store from before the erasure
    safeguards = ListSafeguards()
    client = Client(fresh(), run, safeguards=safeguards)
    run(client.wiring.prepare())
    send_ann(client)
    erase(client, by=by(ANN))
    restored = Client(fresh(), run, safeguards=safeguards)
    run(restored.wiring.prepare())
    send_ann(restored)
    assert restored.customer(ANN) is not None
    # when
    run(restored.graph.erasures.apply_again(safeguards.ledger))
    # then
    for key in (ANN, LOGIN, "order=ZQCANARY-1", TABLET):
        assert restored.customer(key) is None
    assert {result["__typename"] for result in send_ann(restored)} == {"Rejected"}
    assert restored.ask("{ erasures { nodes { requestId } } }")["erasures"]["nodes"] == [{"requestId": "r1"}]


def test_an_erased_person_leaves_no_restriction(client: Client, run: Run) -> None:
    # given: one in effect, one that was lifted, and that of somebody else
    send_ann(client)
    send_ben(client)
    lift(client, restricted(client, ANN, reason="zqcanary moved"), reason="zqcanary stays")
    restricted(client, LOGIN, reason="zqcanary moved again", idempotencyKey="zqcanary-1")
    kept = restricted(client, BEN)
    # when
    erase(client, by=by(ANN))
    # then
    listed = "{ restrictions(includeLifted: true) { nodes { id reason identifiers { value } } } }"
    left = client.ask(listed)["restrictions"]["nodes"]
    assert [restriction["id"] for restriction in left] == [kept]
    assert canaries_in((left, client.ask(CHANGES))) == 0
    assert run(client.wiring.store.check_storage()) == []
    assert client.customer(BEN, "restricted") == {"restricted": True}


def test_no_reason_in_the_history_of_others_names_who_is_erased(store: Store, run: Run, tmp_path: Path) -> None:
    # given: a shop whose till device left two customers because of Anna's card
    client, card = shop(store, run, tmp_path, safeguards=ListSafeguards()), "KC100001"
    before = client.ask(CHANGES)["changes"]["nodes"]
    left = [change for change in before if change["kind"] == "CUSTOMER_SPLIT" and card in change["reason"]]
    assert left
    # when
    erase(client, by=by(f"loyalty_card={card}"))
    # then
    changes = {change["id"]: change for change in client.ask(CHANGES)["changes"]["nodes"]}
    assert not [change for change in changes.values() if card in str(change)]
    for change in left:
        after = changes[change["id"]]
        assert (after["identifiers"], after["cause"]) == (change["identifiers"], change["cause"])
