"""Identifiers of a namespace that requires consent are taken up only where it is given."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from graph.domain.model.errors import RulesError
from graph.domain.model.rules import Rules
from graph.domain.profile.catalog import Catalog
from graph.ports import Store
from service.config import rules_file
from service.ingest.backfill import run as backfill
from service.ingest.report import Report
from tests.builders.clients import Client, identifiers, order, seen
from tests.builders.operations import INTERACTIONS, decide, interaction, record
from tests.builders.runs import Run
from tests.builders.stores import Fresh

ANN, COOKIE = "email=ann@example.com", "cookie=ck-4711"
JANUARY, FEBRUARY, MARCH = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"
TEXT = rules_file.default_text().replace('name = "cookie"\n', 'name = "cookie"\nrequires_consent = "profiling"\n', 1)


@pytest.fixture
def rules() -> Rules:
    return rules_file.parse(TEXT)


@pytest.fixture
def client(store: Store, run: Run, rules: Rules) -> Client:
    return Client(store, run, rules)


def consent(client: Client, decision: str, at: str, *keys: str, **more: Any) -> dict[str, Any]:
    return decide(client, *(keys or (COOKIE,)), decision=decision, at=at, purpose="profiling", **more)


def test_a_cookie_without_consent_is_dropped_and_the_rest_is_taken_up(client: Client) -> None:
    # when
    (result,) = client.link(seen(ANN, COOKIE, "crm_id=C-1", at=JANUARY))
    # then
    assert result["droppedIdentifiers"] == [
        {
            "namespace": "cookie",
            "value": "ck-4711",
            "code": "CONSENT_REQUIRED",
            "reason": "needs consent for profiling, which is not given at it",
        }
    ]
    assert client.customer(COOKIE) is None
    assert client.keys_of(ANN) == ["crm_id=C-1", ANN]
    assert "kith_identifiers_without_consent_total 1.0" in client.get("/metrics").text


def test_a_statement_of_cookies_alone_is_rejected_and_counts_once_it_is_sent_with_consent(client: Client) -> None:
    # given
    (rejected,) = client.link(seen(COOKIE, at=JANUARY, id="1"))
    assert (rejected["problem"]["code"], rejected["problem"]["path"]) == ("CONSENT_REQUIRED", ["identifiers"])
    # when
    consent(client, "GIVEN", FEBRUARY)
    (accepted,) = client.link(seen(COOKIE, at=JANUARY, id="1"))
    # then
    assert (accepted["status"], accepted["duplicate"]) == ("VALID", False)


def test_with_consent_a_cookie_is_taken_up_until_it_is_withdrawn_and_what_is_stored_stays(client: Client) -> None:
    # given
    consent(client, "GIVEN", JANUARY)
    client.link(seen(ANN, COOKIE, at=FEBRUARY, id="before"))
    # when
    consent(client, "WITHDRAWN", MARCH)
    (after,) = client.link(seen("crm_id=C-2", COOKIE, at=MARCH, id="after"))
    # then
    assert [dropped["value"] for dropped in after["droppedIdentifiers"]] == ["ck-4711"]
    assert sorted(client.keys_of(ANN)) == sorted([ANN, COOKIE])
    assert client.keys_of("crm_id=C-2") == ["crm_id=C-2"]
    # when: consent is given again, for later statements
    consent(client, "GIVEN", "2026-03-02T00:00:00Z")
    (again,) = client.link(seen("crm_id=C-2", COOKIE, at=MARCH, id="later"))
    # then
    assert again["droppedIdentifiers"] == []


@pytest.mark.parametrize("decision", ["REFUSED", "WITHDRAWN"])
def test_a_decision_is_recorded_at_the_cookie_whatever_it_is(client: Client, decision: str) -> None:
    # when
    result = consent(client, decision, JANUARY)
    # then
    assert (result["status"], result["droppedIdentifiers"]) == ("VALID", [])


def test_consent_for_another_purpose_another_cookie_or_one_channel_opens_nothing(client: Client) -> None:
    # given
    decide(client, COOKIE, decision="GIVEN", at=JANUARY, purpose="newsletter")
    consent(client, "GIVEN", JANUARY, "cookie=ck-9")
    consent(client, "GIVEN", JANUARY, channel="WEB")
    # when
    (result,) = client.link(seen(ANN, COOKIE, at=FEBRUARY))
    # then
    assert [dropped["code"] for dropped in result["droppedIdentifiers"]] == ["CONSENT_REQUIRED"]


def test_a_repeat_changes_nothing_before_and_after_consent(client: Client) -> None:
    # given
    statement = seen(ANN, COOKIE, at=JANUARY, id="1")
    client.link(statement)
    # when
    consent(client, "GIVEN", FEBRUARY)
    (repeat,) = client.link(statement)
    # then
    assert repeat["duplicate"]
    assert client.keys_of(ANN) == [ANN]


def test_orders_attributes_and_interactions_go_through_the_gate_too(client: Client) -> None:
    # when
    (bought,) = client.record(order("A-1", ANN, COOKIE))
    (viewed,) = record(client, interaction("product_viewed", ANN, COOKIE, at=JANUARY))
    # then
    assert [result["droppedIdentifiers"][0]["code"] for result in (bought, viewed)] == ["CONSENT_REQUIRED"] * 2
    assert client.customer(COOKIE) is None
    # when
    event = interaction("product_viewed", COOKIE, at=JANUARY)
    data = client.ask(INTERACTIONS, {"input": {"interactions": [event]}})["recordInteractions"]
    # then
    assert data["results"][0]["problem"]["code"] == "CONSENT_REQUIRED"


def test_what_is_dropped_is_stored_in_no_form(client: Client, store: Store, run: Run) -> None:
    # given
    client.link(seen(ANN, COOKIE, at=JANUARY))
    # when
    receipts = run(store.receipts(None, 10))
    # then
    assert len(receipts) == 1
    assert "ck-4711" not in repr(receipts)
    # and other rules, which ask for no consent, bring nothing back
    assert client.keys_of(ANN) == [ANN]


def test_a_purpose_that_is_not_declared_is_a_problem_of_the_rules() -> None:
    rules = rules_file.parse(TEXT.replace('"profiling"', '"spam"'))
    with pytest.raises(RulesError, match="namespace 'cookie': requires_consent: purpose 'spam' is unknown"):
        Catalog().check_rules(rules)


@pytest.mark.parametrize("decided_first", [False, True])
def test_a_backfill_takes_up_what_any_of_its_lines_consents_to(
    fresh: Fresh, run: Run, tmp_path: Path, decided_first: bool
) -> None:
    # given
    client = Client(fresh(), run, rules_file.parse(TEXT))
    client.wiring.rules_text = TEXT
    decisions = [
        {
            "source": "s",
            "identifiers": identifiers(COOKIE),
            "purpose": "profiling",
            "decision": said,
            "decidedAt": at,
        }
        for said, at in (("REFUSED", JANUARY), ("GIVEN", FEBRUARY))
    ]
    observed = [
        {"source": "s", "id": "1", "identifiers": identifiers(ANN, COOKIE), "seenAt": JANUARY},
        {"source": "s", "id": "2", "identifiers": identifiers("crm_id=C-1", "cookie=ck-9"), "seenAt": JANUARY},
        {"source": "s", "id": "3", "identifiers": identifiers("cookie=ck-9"), "seenAt": JANUARY},
    ]
    lines = [*decisions, *observed] if decided_first else [*observed, *decisions]
    path = tmp_path / "history.ndjson"
    path.write_bytes(b"\n".join(map(orjson.dumps, lines)))
    # when
    report = Report(tmp_path / "report.ndjson")
    run(backfill(client.wiring, [path], report, lambda *_: None, caller="cli:ann"))
    report.close()
    # then
    assert sorted(client.keys_of(ANN)) == sorted([ANN, COOKIE])
    assert client.keys_of("crm_id=C-1") == ["crm_id=C-1"]
    entries = [orjson.loads(line) for line in (tmp_path / "report.ndjson").read_bytes().splitlines()]
    assert sorted((entry["result"], entry["code"]) for entry in entries) == [
        ("DROPPED", "CONSENT_REQUIRED"),
        ("REJECTED", "CONSENT_REQUIRED"),
    ]
