"""What is stored about a person is handed over in one document, and imports into an empty store to an equal view."""

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from graph.domain.access.roles import ROLES
from graph.queries import subject_export
from schema.root import schema as graphql_schema
from service.audit.audit import Audit
from service.bootstrap import SystemClock
from tests.builders.audience_clients import TOOL, AudienceClient
from tests.builders.audits import entries
from tests.builders.clients import RESULT, Client, identifiers, order, seen
from tests.builders.exports import EXPORT, by, exported, import_lines, view
from tests.builders.operations import REVOKE, decide, interaction, record, set_override, state
from tests.builders.personal_inputs import CANARY, PERSON, STATEMENTS, PersonalInputs
from tests.builders.runs import Run
from tests.builders.stores import Fresh
from tests.builders.viewers import ViewerClient, shop, viewer

ANN, BOB = "email=ann@example.com", "email=bob@example.com"
SHOPPERS = ("anna.berg", "ben.berg", "clara.diaz", "hugo.ives", "ida.jung", "guest.mail", "greta.holm")
SEGMENTS = f"mutation($input: RecordExternalSegmentsInput!) {{ recordExternalSegments(input: $input) {{ {RESULT} }} }}"
PRODUCTS = "mutation($i: RecordProductsInput!) { recordProducts(input: $i) { errors { code } } }"
OWN = ("crm_id=C-7", "login=ann", ANN, "phone=+41446681800", "cookie=ck-ann", "loyalty_card=KC-700")


@pytest.fixture
def client(fresh: Fresh, run: Run) -> ViewerClient:
    return ViewerClient(fresh(), run)


def external_segment(client: Client, *keys: str, **more: Any) -> None:
    statement = {"source": "dmp", "identifiers": identifiers(*keys), "segment": "movers", **more}
    client.ask(SEGMENTS, {"input": {"segments": [statement]}})


def document(client: ViewerClient, key: str = ANN) -> dict[str, Any]:
    return exported(client, key)["document"]


def statements(client: ViewerClient, key: str = ANN) -> dict[str, dict[str, Any]]:
    """The statements of an export by their ids."""
    return {statement["id"]: statement for statement in document(client, key)["statements"]}


def lines(client: ViewerClient, key: str = ANN) -> list[dict[str, Any]]:
    return [json.loads(line) for line in exported(client, key)["importLines"].splitlines()]


# --- portability


def test_each_customer_of_the_shop_imports_into_an_empty_store_to_an_equal_view(
    fresh: Fresh, run: Run, tmp_path: Path
) -> None:
    # given
    client = shop(fresh(), run, tmp_path)
    keys = [f"email={name}@example.com" for name in SHOPPERS]
    before = {key: (view(client, key), exported(client, key)["importLines"]) for key in keys}
    for key, (shown, exported_lines) in before.items():
        # when
        other = ViewerClient(fresh(), run)
        rejected = import_lines(other, exported_lines, tmp_path)
        # then
        assert [entry for entry in rejected if entry["result"] == "REJECTED"] == []
        after = view(other, key)
        for field, value in shown.items():
            assert after[field] == value, (key, field)


def send_every_kind(client: Client, seed: int) -> None:
    """Statements of every kind about one person, in which the identifiers of others occur, too."""
    chosen = random.Random(seed)

    def some(count: int = 2) -> list[str]:
        return chosen.sample(OWN, count)

    def at(day: int) -> str:
        return f"2026-0{1 + day // 28}-{1 + day % 28:02}T{chosen.randrange(24):02}:{chosen.randrange(60):02}:07.25Z"

    client.link(*(seen(OWN[0], key, source="crm", id=f"c-{key}", at=at(1)) for key in OWN[1:]))
    for number in range(12):
        client.link(seen(*some(), source="web", at=at(number), party=chosen.choice(["FIRST_PARTY", "THIRD_PARTY"])))
        client.link(seen(*some(), source="match", confidence=0.95, at=at(number), evidence=f"model {number}"))
        client.link(seen(*some(1), source="noise", at=at(number), confidence=0.1))
        more = [interaction("product_viewed", *some(), at=at(number), sku=f"S-{number % 4}", channel="web")]
        more += [interaction("email_sent", ANN, at=at(number), campaign="spring", offerType="discount", source="esp")]
        more += [interaction("email_opened", *some(1), at=at(number + 1), campaign="spring", source="esp")]
        more += [interaction("note", *some(), at=at(number), text="prefers tea", properties={"a": [1, {"b": None}]})]
        record(client, *more)
        state(client, *some(), source=chosen.choice(["crm", "shop"]), at=at(number), gender=chosen.choice("fm"))
        decision, channel = chosen.choice(["GIVEN", "REFUSED", "WITHDRAWN"]), chosen.choice([None, "EMAIL", "SMS"])
        decide(client, *some(), decision=decision, at=at(number), channel=channel, policyVersion=f"v{number % 3}")
        external_segment(client, *some(), segment=f"s{number % 3}", reportedAt=at(number), isMember=number % 4 > 0)
        sold = [{"sku": f"S-{number % 4}", "quantity": "1", "total": "4.5", "name": "Shoe"}]
        client.record(
            order(f"W-{number}", *some(), placedAt=at(number), reportedAt=at(number), total="4.5", lines=sold),
            order(f"W-{number}", placedAt=at(number), reportedAt=at(40), total="4.5", lines=sold, refunded="1.5"),
            order(f"T-{number}", source="till", placedAt=at(number), total="7", status="RETURNED"),
        )
        client.record(order(f"T-{number}", *some(1), source="till", placedAt=at(number), reportedAt=at(41), total="7"))
    record(client, interaction("unsubscribed", *OWN[:3], at=at(20), source="esp", id="u-1"))
    state(client, OWN[0], at=at(5), givenName="Ann", address={"city": "Basel", "country": "CH"}, birthDate="1980-05-31")
    state(client, OWN[0], at=at(6), givenName=None, source="crm")
    client.link(seen(OWN[0], "phone=044 668 18 01;phone-context=CH", source="crm", id="swiss"))
    products = [
        {"sku": "S-1", "name": "Shoe", "source": "pim", "reportedAt": at(1), "brand": "Acme", "categories": ["x"]}
    ]
    client.ask(PRODUCTS, {"i": {"products": products}})
    client.link(seen("device=kiosk", ANN, source="web", id="k-1"), seen("crm_id=C-8", "login=ann", id="other"))


@pytest.mark.parametrize("seed", range(3))
def test_a_customer_with_statements_of_every_kind_imports_to_an_equal_view(
    fresh: Fresh, run: Run, tmp_path: Path, seed: int
) -> None:
    # given
    client = ViewerClient(fresh(), run)
    send_every_kind(client, seed)
    shown, exported_lines = view(client, OWN[0]), exported(client, OWN[0])["importLines"]
    assert "C-8" not in exported_lines
    # when
    other = ViewerClient(fresh(), run)
    report = import_lines(other, exported_lines, tmp_path)
    # then
    assert [entry for entry in report if entry["result"] == "REJECTED"] == []
    after = view(other, OWN[0])
    for field, value in shown.items():
        assert after[field] == value, field
    # and: what was imported exports to the same lines again
    assert sorted(exported(other, OWN[0])["importLines"].splitlines()) == sorted(exported_lines.splitlines())


# --- access


def test_each_statement_says_until_when_retention_keeps_it(fresh: Fresh, run: Run, tmp_path: Path) -> None:
    # given
    (tmp_path / "retention.toml").write_text('[[retention]]\nkind = "observation"\ndays = 3650\nreason = "a decade"')
    client = ViewerClient(fresh(), run, retention=str(tmp_path / "retention.toml"))
    client.link(seen(ANN, "login=ann", id="1", at="2026-01-01T00:00:00Z"))
    client.record(order("W-1", ANN))
    # when
    kept = {statement["kind"]: statement["keptUntil"] for statement in document(client)["statements"]}
    # then
    assert kept == {"OBSERVATION": "2035-12-30T00:00:00Z", "ORDER": None}


def test_the_document_holds_every_statement_whatever_became_of_it(client: ViewerClient) -> None:
    # given: valid, revoked, rejected by the rules, and revoked before it came
    client.ask(REVOKE, {"o": [{"source": "web", "id": "early"}]})
    client.link(
        seen("crm_id=C-7", ANN, id="valid", evidence="signed up"),
        seen(ANN, "cookie=ck-1", id="revoked"),
        seen(ANN, "crm_id=C-7", "crm_id=C-8", id="rejected"),
        seen(ANN, "cookie=ck-2", id="early"),
        seen(BOB, id="other"),
    )
    client.ask(REVOKE, {"o": [{"source": "web", "id": "revoked"}]})
    # when
    found = statements(client)
    # then
    statuses = {id: statement["status"] for id, statement in found.items()}
    assert statuses == {"valid": "VALID", "revoked": "REVOKED", "rejected": "INACTIVE", "early": "REVOKED"}
    assert found["valid"]["record"]["evidence"] == "signed up"
    assert all(statement["receivedAt"] and statement["keptUntil"] is None for statement in found.values())
    # and: only what counts is imported elsewhere
    assert [line["id"] for line in lines(client)] == ["valid"]


def test_identifiers_of_others_are_masked_wherever_they_are(client: ViewerClient) -> None:
    # given: a shared customer number, a kiosk, and texts about a colleague
    client.link(seen("crm_id=C-7", ANN, id="w-1"), seen("crm_id=C-8", BOB, id="w-2"))
    client.link(seen("crm_id=C-8", ANN, id="w-3", party="THIRD_PARTY", evidence="with bob@example.com"))
    text = "bob@example.com or +49 171 5550102 knows; ann@example.com agrees on 2026-03-01"
    record(client, interaction("note", ANN, at="2026-01-01T10:00:00Z", id="n-1", text=text, properties={"to": [BOB]}))
    state(client, ANN, source="crm", id="a-1", name="Ann, bob@example.com", at="2026-01-01T00:00:00Z")
    set_override(client, "keepApart", ANN, BOB, actor="sue", reason="asked bob@example.com")
    # when
    export = exported(client, ANN)
    found = {statement["id"]: statement["record"] for statement in export["document"]["statements"]}
    # then
    assert found["w-3"]["identifiers"] == [
        {"namespace": "crm_id", "value": "•••"},
        {"namespace": "email", "value": "ann@example.com"},
    ]
    assert found["n-1"]["text"] == "b•••@e•••.com or •••02 knows; ann@example.com agrees on 2026-03-01"
    assert len(export["document"]["overrides"]) == 1
    for shown in (json.dumps(export["document"], ensure_ascii=False), export["importLines"]):
        assert "bob@" not in shown
        assert "C-8" not in shown
        assert "5550102" not in shown


def test_what_a_statement_says_about_another_person_is_withheld(client: ViewerClient) -> None:
    # given: Ann's address is in a statement about the customer number of Bob
    client.link(seen("crm_id=C-7", ANN, id="w-1"), seen("crm_id=C-8", BOB, id="w-2"))
    of_bob = {"givenName": "Bob", "birthDate": "1980-05-31", "party": "THIRD_PARTY"}
    state(client, "crm_id=C-8", ANN, source="crm", id="a-1", **of_bob)
    # when
    statement = statements(client)["a-1"]
    # then: it names her, and that is all she learns
    assert (statement["kind"], statement["factWithheld"]) == ("ATTRIBUTES", True)
    assert "attributes" not in statement["record"]
    (line,) = (line for line in lines(client) if line["id"] == "a-1")
    assert line["identifiers"] == identifiers(ANN)
    assert "attributes" not in line
    # and: he gets it whole, without her address
    assert statements(client, BOB)["a-1"]["record"]["attributes"] == {"birth_date": "1980-05-31", "given_name": "Bob"}


def test_figures_and_segments_come_with_the_rules_behind_them(client: ViewerClient, run: Run) -> None:
    # given
    client.record(order("W-1", ANN, total="20"))
    record(client, interaction("email_bounced", ANN, at="2026-01-01T00:00:00Z"))
    rule = {"metric": {"name": "ORDER_COUNT", "min": 1}}
    create = "mutation($i: CreateSegmentInput!) { createSegment(input: $i) { errors { code } } }"
    client.ask(create, {"i": {"name": "Buyers", "rule": rule}})
    run(client.graph.statistics.recalculate())
    # when
    data = document(client)
    # then
    figures = {figure["name"]: figure for figure in data["figures"]}
    names = (
        "metrics",
        "rfm",
        "prediction",
        "journey",
        "churnRisk",
        "engagement",
        "undeliverableAddresses",
        "favorites",
    )
    assert tuple(figures) == names
    assert figures["metrics"]["value"]["revenue"] == [{"currency": "EUR", "amount": "20"}]
    assert figures["rfm"]["value"]["group"]
    assert figures["prediction"]["value"] is None
    bounced = {"namespace": "email", "value": "ann@example.com", "since": "2026-01-01T00:00:00Z"}
    assert figures["undeliverableAddresses"]["value"] == [bounced]
    assert all(len(figure["rule"]) > 50 for figure in figures.values())
    assert [(segment["name"], segment["rule"]) for segment in data["segments"]] == [("Buyers", rule)]


def test_consents_come_with_their_history(client: ViewerClient) -> None:
    # given
    decide(client, ANN, decision="GIVEN", at="2026-01-01T00:00:00Z", policyVersion="v1", id="d-1")
    decide(client, ANN, decision="WITHDRAWN", at="2026-02-01T00:00:00Z", channel="EMAIL", id="d-2")
    # when
    (consent,) = document(client)["consents"]
    # then
    assert (consent["value"], consent["purpose"]) == ("ann@example.com", "newsletter")
    decisions = [(item["decision"], item["channel"], item["observationId"]) for item in consent["decisions"]]
    assert decisions == [("WITHDRAWN", "EMAIL", "d-2"), ("GIVEN", None, "d-1")]


def test_the_history_and_former_ids_are_part_of_it(client: ViewerClient) -> None:
    # given: two customers that turn out to be one
    client.link(seen("crm_id=C-7", id="1"), seen(ANN, id="2"))
    former = client.customer(ANN)["id"]
    client.link(seen("crm_id=C-7", ANN, id="3"))
    # when
    data = document(client)
    # then
    assert {data["customer"]["id"], *(item["id"] for item in data["customer"]["formerIds"])} >= {former}
    assert [change["kind"] for change in data["history"]].count("CUSTOMERS_MERGED") == 1


def test_origins_count_the_statements_of_each_source(client: ViewerClient) -> None:
    # given
    client.link(seen(ANN, source="web", id="1"), seen(ANN, "cookie=ck-1", source="web", id="2"))
    client.link(seen(ANN, source="dmp", party="THIRD_PARTY", id="3"))
    # when
    origins = document(client)["origins"]
    # then
    assert [(item["source"], item["party"], item["count"]) for item in origins] == [
        ("dmp", "THIRD_PARTY", 1),
        ("web", "FIRST_PARTY", 2),
    ]


def test_a_statement_that_is_wrong_is_revoked_by_what_the_document_shows(client: ViewerClient) -> None:
    # given
    client.link(seen(ANN))
    state(client, ANN, source="crm", givenName="Anne")
    (statement,) = (item for item in document(client)["statements"] if item["kind"] == "ATTRIBUTES")
    # when
    client.ask(REVOKE, {"o": [{"source": statement["source"], "id": statement["id"]}]})
    # then
    assert document(client)["profile"] == []


# --- who may, and limits


def test_an_unknown_person_has_no_export(client: ViewerClient) -> None:
    assert client.ask(EXPORT, {"by": by(ANN)})["exportSubject"] is None


@pytest.mark.parametrize("role", sorted(set(ROLES) - {"privacy", "developer"}))
def test_only_privacy_officers_export(client: ViewerClient, role: str) -> None:
    # given
    client.link(seen(ANN))
    # when
    body = client.as_(viewer(role), EXPORT, {"by": by(ANN)}).json()
    # then
    assert body["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert client.seen_by(viewer("privacy"), EXPORT, {"by": by(ANN)})["exportSubject"]["statementCount"] == 1


def test_a_person_with_too_many_statements_is_exported_by_the_command_only(
    client: ViewerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    client.link(seen(ANN, id="1"), seen(ANN, id="2"), seen(ANN, id="3"))
    monkeypatch.setattr(subject_export, "MAX_STATEMENTS", 2)
    # when
    body = client.send(EXPORT, {"by": by(ANN)}).json()
    # then
    (error,) = body["errors"]
    assert error["extensions"]["code"] == "EXPORT_TOO_LARGE"
    assert "`kith subject export`" in error["message"]


# --- destinations


def test_destinations_that_hold_an_address_are_named(fresh: Fresh, run: Run) -> None:
    # given
    client = ViewerClient(fresh(), run, destinations=[TOOL])
    sender = AudienceClient(client)
    first, second, third = sender.fill(3)
    sender.refused = {second: "not a mailbox"}
    segment = sender.segment("everybody")
    sender.audience(segment, fields=[{"name": "FNAME", "attribute": "given_name"}])
    sender.deliver()
    # when
    (held,) = exported(client, f"email={first}")["document"]["deliveries"]
    # then
    assert held | {"decidedAt": ""} == {
        "destination": "tool",
        "namespace": "email",
        "value": first,
        "segmentId": segment,
        "segment": "everybody",
        "purpose": "newsletter",
        "channel": "EMAIL",
        "fields": ["given_name"],
        "certain": True,
        "removing": False,
        "decidedAt": "",
    }
    # when: sending began, and nobody knows what the destination made of it
    (refused,) = exported(client, f"email={second}")["document"]["deliveries"]
    # then
    assert (refused["certain"], refused["removing"]) == (False, False)
    # when
    sender.refused = {first: "try later"}
    sender.decide("WITHDRAWN", first, third)
    sender.deliver()
    # then: what is gone there is not named, what is still to be removed is
    (removing,) = exported(client, f"email={first}")["document"]["deliveries"]
    assert removing["removing"] is True
    assert exported(client, f"email={third}")["document"]["deliveries"] == []


# --- recipients


@pytest.fixture
def audited(fresh: Fresh, run: Run, tmp_path: Path) -> Iterator[ViewerClient]:
    """A service that keeps an audit log, and knows Ann and Bob."""
    audit = Audit(tmp_path / "audit", SystemClock().now)
    client = ViewerClient(fresh(), run, audit=audit)
    client.link(seen("crm_id=C-7", ANN, id="1"), seen("crm_id=C-8", BOB, id="2"))
    yield client
    audit.close()


def test_recipients_are_those_of_the_audit_log(audited: ViewerClient, tmp_path: Path) -> None:
    # given: three read Ann, one of them twice; one reads Bob, and one is denied
    read = "query($by: CustomerBy!) { customer(by: $by) { id } }"
    desk = viewer("desk", caller="desk-1", purpose="support")
    for caller, key in [(desk, ANN), (desk, ANN), (viewer("steward"), "crm_id=C-7"), (viewer("till"), BOB)]:
        audited.as_(caller, read, {"by": by(key)})
    audited.as_(viewer("marketer", caller="curious"), read, {"by": by(ANN)})
    # when
    officer = viewer("privacy", caller="dpo")
    first = audited.seen_by(officer, EXPORT, {"by": by(ANN)})["exportSubject"]["document"]["recipients"]
    again = audited.seen_by(officer, EXPORT, {"by": by(ANN)})["exportSubject"]["document"]["recipients"]
    # then
    shown = {(item["caller"], item["role"], item["purpose"], item["kind"]): item["count"] for item in first}
    assert shown == {
        ("desk-1", "desk", "support", "read"): 2,
        ("steward", "steward", "", "read"): 1,
        # who recorded the statements learned the id of the customer
        ("local", "developer", "", "write"): 1,
    }
    # and: that an officer exported it is recorded as such, and shown the next time
    assert ("dpo", "export", 1) in [(item["caller"], item["kind"], item["count"]) for item in again]
    newest = entries(tmp_path / "audit")[-1]
    assert (newest["kind"], len(newest["customers"])) == ("export", 1)


# --- every input field


def test_whatever_is_sent_about_a_person_is_in_the_export(client: ViewerClient) -> None:
    # given: a canary in each field of each input, so that a new field is covered the day it is added
    sent: list[Any] = []
    for name, mutation, variables in PersonalInputs(graphql_schema._schema, "bob@example.com").documents(STATEMENTS):
        (result,) = client.ask(mutation, variables)[name]["results"]
        assert result["__typename"] == "ObservationAccepted", result
        sent.append(variables)
    canaries = set(re.findall(rf"{CANARY}\w+", json.dumps(sent)))
    assert len(canaries) > 20
    # when
    export = exported(client, f"email={PERSON}")
    # then
    for shown in (json.dumps(export["document"]), export["importLines"]):
        assert {canary for canary in canaries if canary not in shown} == set()
