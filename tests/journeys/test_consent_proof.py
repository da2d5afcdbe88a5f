"""Consent is proved: how it was collected, what the person saw, through whom it came, and that nobody changed it."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from graph.domain.model.receipts import Receipt
from graph.domain.model.store_values import Writes
from graph.ports import ReadNeighborhood, Store, Write
from graph.stores.sqlite import SQLiteStore
from service.audit import retention
from service.audit.audit import Audit
from service.bootstrap import SystemClock
from tests.builders.audits import verified
from tests.builders.clients import Client, identifiers
from tests.builders.operations import CONSENTS, REVOKE, decide, interaction, proof, record, set_override
from tests.builders.runs import Run
from tests.builders.safeguards import ListSafeguards

ANN = "email=ann@example.com"
JANUARY, FEBRUARY, MARCH = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"
TEXTS = """mutation($t: [ConsentTextInput!]!) { recordConsentTexts(input: {texts: $t}) {
  results { __typename ... on ConsentTextAccepted { version sha256 } ... on Rejected { problem { code path } } }
  errors { code } } }"""
PLAN = "mutation($input: PlanErasureInput!) { planErasure(input: $input) { plan { hash } } }"
ERASE = "mutation($input: EraseSubjectInput!) { eraseSubject(input: $input) { errors { code message } } }"


@pytest.fixture
def audit(tmp_path: Path) -> Iterator[Audit]:
    audit = Audit(tmp_path / "audit", SystemClock().now)
    yield audit
    audit.close()


@pytest.fixture
def client(store: Store, run: Run, audit: Audit) -> Client:
    return Client(store, run, audit=audit)


def texts(client: Client, *items: dict[str, str]) -> list[dict[str, Any]]:
    """The results of `recordConsentTexts`."""
    data = client.ask(TEXTS, {"t": list(items)})["recordConsentTexts"]
    assert data["errors"] == []
    return data["results"]


def rewrite(store: Store, run: Run, id: str, **changes: Any) -> None:
    """Change a stored decision of the shop as somebody does who writes into the store outside Kith."""

    def work() -> Iterator[Any]:
        found = yield ReadNeighborhood(receipts=[("shop", id)], keys=[ANN])
        receipt: Receipt = found.receipts["shop", id]
        changed = {name: getattr(receipt, name).replace(*pair) for name, pair in changes.items()}
        yield Write(Writes(receipts=[replace(receipt, **changed)]))

    run(store.write(work))


def test_a_double_opt_in_is_shown_with_all_that_proves_it(client: Client) -> None:
    # when
    more = {
        "id": "c-1",
        "method": "DOUBLE_OPT_IN",
        "evidence": '{"form": "footer", "mail": "m-7"}',
        "collectedBy": "newsletter form",
        "requestedAt": JANUARY,
        "confirmedAt": FEBRUARY,
        "language": "de",
        "policyText": "Ja, ich möchte den Newsletter.",
    }
    result = decide(client, ANN, decision="GIVEN", at=FEBRUARY, channel="EMAIL", **more)
    # then
    assert result["status"] == "VALID"
    (shown,) = proof(client, ANN)["decisions"]
    text = more.pop("policyText")
    assert {name: shown[name] for name in more} == more
    assert shown["text"] == {"sha256": hashlib.sha256(text.encode()).hexdigest(), "text": text, "recordedBy": None}
    assert (shown["receivedFrom"], shown["log"]) == ("local", "MATCHES")


@pytest.mark.parametrize(
    ("more", "code", "path"),
    [
        ({"method": "DOUBLE_OPT_IN", "requestedAt": JANUARY}, "INVALID_VALUE", "confirmedAt"),
        ({"method": "DOUBLE_OPT_IN", "requestedAt": MARCH, "confirmedAt": JANUARY}, "INVALID_VALUE", "confirmedAt"),
        ({"confirmedAt": JANUARY}, "INVALID_VALUE", "confirmedAt"),
        ({"method": "DOUBLE_OPT_IN", "confirmedAt": "1980-01-01T00:00:00Z"}, "TIMESTAMP_TOO_OLD", "confirmedAt"),
        ({"evidence": "e" * 2_001}, "INVALID_LENGTH", "evidence"),
        ({"policyText": "t" * 20_001}, "INVALID_LENGTH", "policyText"),
        ({"collectedBy": "c" * 201}, "INVALID_LENGTH", "collectedBy"),
        ({"language": "not a language"}, "INVALID_VALUE", "language"),
    ],
)
def test_what_proves_nothing_is_a_problem_of_its_field(
    client: Client, more: dict[str, str], code: str, path: str
) -> None:
    # when
    result = decide(client, ANN, decision="GIVEN", at=MARCH, **more)
    # then
    assert (result["problem"]["code"], result["problem"]["path"]) == (code, [path])


def test_a_version_leads_to_the_text_that_was_recorded_under_it_and_never_changes(client: Client) -> None:
    # given
    german = {"version": "2026-03", "language": "de", "text": "Ja."}
    english = {"version": "2026-03", "language": "en", "text": "Yes."}
    # when
    accepted = texts(client, german, english, german)
    (taken, unknown) = texts(client, german | {"text": "Ja!"}, german | {"purpose": "spam"})
    # then
    assert [result["__typename"] for result in accepted] == ["ConsentTextAccepted"] * 3
    assert accepted[0] == accepted[2] != accepted[1]
    assert (taken["problem"]["code"], unknown["problem"]["code"]) == ("ID_CONFLICT", "UNKNOWN_PURPOSE")
    # when
    decide(client, ANN, decision="GIVEN", at=JANUARY, policyVersion="2026-03", language="en", id="1")
    decide(client, ANN, decision="REFUSED", at=FEBRUARY, policyVersion="2026-03", id="2")
    decide(client, ANN, decision="GIVEN", at=MARCH, policyVersion="unknown", id="3")
    # then: without a language, one of two texts cannot be chosen
    newest_first = proof(client, ANN)["decisions"]
    assert [shown["text"] and shown["text"]["text"] for shown in newest_first] == [None, None, "Yes."]
    assert newest_first[2]["text"]["recordedBy"] == "local"


def test_every_decision_that_was_stored_is_shown_also_revoked_ones(client: Client) -> None:
    # given
    decide(client, ANN, decision="GIVEN", at=JANUARY, id="1")
    decide(client, ANN, decision="GIVEN", at=FEBRUARY, id="2")
    record(client, interaction("unsubscribed", ANN, at=MARCH, source="esp", id="u-1"))
    # when
    client.ask(REVOKE, {"o": [{"source": "shop", "id": "1"}, {"source": "shop", "id": "2"}]})
    # then
    decisions = proof(client, ANN)["decisions"]
    assert [(shown["id"], shown["status"], shown["method"]) for shown in decisions] == [
        ("u-1:consent:newsletter", "VALID", "INTERACTION"),
        ("2", "REVOKED", None),
        ("1", "REVOKED", None),
    ]
    assert {shown["log"] for shown in decisions} == {"MATCHES"}


def test_the_same_decision_again_is_a_repeat_and_proved_by_its_first_entry(client: Client) -> None:
    # given
    decide(client, ANN, decision="GIVEN", at=JANUARY, id="1")
    (first,) = proof(client, ANN)["decisions"]
    # when
    again = decide(client, ANN, decision="GIVEN", at=JANUARY, id="1")
    # then
    assert again["duplicate"]
    assert proof(client, ANN)["decisions"] == [first]


def test_a_decision_that_was_changed_added_or_removed_beside_kith_is_named(
    client: Client, store: Store, run: Run, audit: Audit
) -> None:
    # given
    for id in ("1", "2", "3"):
        decide(client, ANN, decision="REFUSED", at=JANUARY, id=id)
    other = Client(store, run)
    decide(other, ANN, decision="GIVEN", at=FEBRUARY, id="beside")
    # when
    rewrite(store, run, "1", sent=("refused", "given"))
    rewrite(store, run, "2", sent=("ann@example.com", "bob@example.com"))
    # then
    found = proof(client, ANN)
    assert {shown["id"]: shown["log"] for shown in found["decisions"]} == {
        "1": "CHANGED",
        "2": "CHANGED",
        "3": "MATCHES",
        "beside": "UNKNOWN",
    }
    assert found["removed"] == []
    # when
    if not isinstance(store, SQLiteStore):
        return
    run(store._alter(lambda db: db.execute("DELETE FROM observations WHERE public_id = '3'")))
    # then
    (removed,) = proof(client, ANN)["removed"]
    assert removed["receivedFrom"] == "local"


def test_a_recorded_text_that_was_changed_beside_kith_is_named(client: Client, store: Store, run: Run) -> None:
    # given
    (accepted,) = texts(client, {"version": "7", "text": "Yes to one mail a week."})
    decide(client, ANN, decision="GIVEN", at=JANUARY, policyVersion="7", id="1")
    # when
    run(store.put_value(f"consent_text:{accepted['sha256']}", "Yes to everything."))
    # then: the hash leads to no text anymore
    (shown,) = proof(client, ANN)["decisions"]
    assert (shown["text"]["text"], shown["log"]) == (None, "MATCHES")
    # when
    name = "consent_text_version:7"
    forged = run(store.get_value(name)).replace(accepted["sha256"], hashlib.sha256(b"Yes to everything.").hexdigest())
    run(store.put_value(name, forged))
    # then
    assert proof(client, ANN)["decisions"][0]["log"] == "CHANGED"


def test_without_an_audit_log_nothing_is_said_about_changes(store: Store, run: Run) -> None:
    # given
    client = Client(store, run)
    decide(client, ANN, decision="GIVEN", at=JANUARY)
    # then
    (shown,) = proof(client, ANN)["decisions"]
    assert (shown["log"], shown["logEntry"]) == (None, None)


def test_the_log_has_no_values_stays_valid_and_keeps_decisions_when_other_entries_expire(
    client: Client, audit: Audit, tmp_path: Path
) -> None:
    # given
    decide(client, ANN, decision="GIVEN", at=JANUARY, evidence="form 7", collectedBy="Clara")
    proof(client, ANN)
    run_time = SystemClock().now()
    # when
    audit.log.close()
    changed = retention.expire(tmp_path / "audit", run_time + 10 * 86_400_000_000)
    # then
    assert changed == 1
    content = b"".join(path.read_bytes() for path in (tmp_path / "audit").glob("*.jsonl"))
    assert not any(value in content for value in (b"ann@example.com", b"form 7", b"Clara"))
    assert proof(client, ANN)["decisions"][0]["log"] == "MATCHES"
    assert verified(tmp_path / "audit", audit).findings == []
    assert retention.expire(tmp_path / "audit", run_time) == 0


def test_a_customer_shows_the_proof_of_each_consent(client: Client) -> None:
    # given
    decide(client, ANN, "phone=+491701234567", decision="GIVEN", at=JANUARY, channel="EMAIL", id="1")
    decide(client, ANN, decision="GIVEN", at=JANUARY, purpose="profiling", id="2")
    # when
    shown = client.customer(ANN, "consents { identifier { value } purpose proof { decisions { id } } }")["consents"]
    # then
    assert sorted((item["purpose"], item["proof"]["decisions"][0]["id"]) for item in shown) == [
        ("newsletter", "1"),
        ("newsletter", "1"),
        ("profiling", "2"),
    ]


def test_a_decision_without_proof_has_the_content_and_the_id_that_it_always_had(client: Client) -> None:
    # given
    consent = {"source": "shop", "identifiers": identifiers(ANN), "purpose": "newsletter", "decision": "GIVEN"}
    # when
    (result,) = client.ask(CONSENTS, {"input": {"consents": [consent | {"decidedAt": JANUARY}]}})["recordConsents"][
        "results"
    ]
    # then: the digest of version 0.2
    assert result["id"] == "a9c89f761101bc6341bac5aabed00038"


def test_a_person_who_was_erased_leaves_no_decision_and_the_log_says_that_it_was_an_erasure(
    store: Store, run: Run, audit: Audit
) -> None:
    # given: a decision of Ann alone, and one that names a colleague too
    client = Client(store, run, audit=audit, safeguards=ListSafeguards())
    run(client.wiring.prepare())
    decide(client, ANN, decision="GIVEN", at=JANUARY, evidence="form of Ann", id="1")
    decide(client, ANN, "crm_id=C-2", decision="GIVEN", at=JANUARY, evidence="form of both", id="2")
    set_override(client, "keepApart", ANN, "crm_id=C-2")
    # when
    by = {"by": {"identifier": identifiers(ANN)[0]}}
    planned = client.ask(PLAN, {"input": by})["planErasure"]["plan"]
    erasure = client.ask(ERASE, {"input": {**by, "planHash": planned["hash"], "requestId": "r1"}})["eraseSubject"]
    assert erasure["errors"] == []
    # then
    erased = proof(client, ANN)
    assert (erased["decisions"], erased["removed"], len(erased["erased"])) == ([], [], 2)
    other = proof(client, "crm_id=C-2")
    assert [(shown["evidence"], shown["log"]) for shown in other["decisions"]] == [(None, "PARTLY_ERASED")]
    assert (other["removed"], other["erased"]) == ([], [])
