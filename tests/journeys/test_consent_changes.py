"""The feed tells at which addresses consent changed, whatever changed it. Decisions that do not count are no change."""

from pathlib import Path
from typing import Any

import pytest

from graph.ports import Store
from tests.builders.clients import Client, identifiers, seen
from tests.builders.operations import REVOKE, decide, interaction, record
from tests.builders.retention import SettableClock, expire
from tests.builders.runs import Run
from tests.builders.stores import Fresh
from tests.builders.verifications import verified

ANN = "email=ann@example.com"
JANUARY, FEBRUARY, MARCH = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"
CHANGES = """{ changes(first: 100) { nodes { kind customerId identifiers { namespace value } summary reason
  reasonParts { code parameters { name value } }
  cause { type source observationId party segmentId actor } } } }"""
REVOKE_SOURCE = 'mutation { revokeSource(input: {source: "shop", reason: "wrong file"}) { revocation { id } } }'
RESTORE_SOURCE = """mutation($i: ID!) { restoreSource(input: {id: $i}) { errors { code message } } }"""


@pytest.fixture
def store(fresh: Fresh) -> Store:
    return fresh()


@pytest.fixture
def client(store: Store, run: Run) -> Client:
    client = Client(store, run)
    run(client.wiring.prepare())
    return client


def consent_changes(client: Client) -> list[dict[str, Any]]:
    nodes = client.ask(CHANGES)["changes"]["nodes"]
    return [node for node in nodes if node["kind"] == "CONSENT_CHANGED"]


def test_each_decision_that_counts_is_a_change_with_its_addresses(client: Client) -> None:
    # when
    given = decide(client, "crm_id=C-1", ANN, decision="GIVEN", at=FEBRUARY, channel="EMAIL", id="c-1")
    decide(client, ANN, decision="WITHDRAWN", at=JANUARY, channel="EMAIL", id="c-2")
    decide(client, ANN, decision="GIVEN", at=MARCH, channel="EMAIL", id="c-3")
    decide(client, ANN, decision="WITHDRAWN", at=MARCH, channel="EMAIL", id="c-4", source="desk")
    # then: neither the older decision nor the one that repeats what was decided is a change
    first, second = consent_changes(client)
    id = given["customerId"]
    assert first == {
        "kind": "CONSENT_CHANGED",
        "customerId": id,
        "identifiers": identifiers("crm_id=C-1", ANN),
        "summary": f"Consent at crm_id=C-1, {ANN} of {id} changed (observation c-1 of shop was recorded): "
        "decisions on newsletter.",
        "reason": "decisions on newsletter",
        "reasonParts": {"code": "DECISIONS", "parameters": [{"name": "purposes", "value": "newsletter"}]},
        "cause": {
            "type": "OBSERVATION", "source": "shop", "observationId": "c-1", "party": "FIRST_PARTY", "segmentId": None,
            "actor": None,
        },
    }  # fmt: skip
    assert (second["identifiers"], second["cause"]["observationId"]) == (identifiers(ANN), "c-4")
    # and the history of the customer has them, too
    history = client.customer(ANN, "history(first: 10) { nodes { kind } }")["history"]["nodes"]
    assert [entry["kind"] for entry in history].count("CONSENT_CHANGED") == 2


def test_unsubscribing_and_its_revocation_are_changes(client: Client) -> None:
    # given
    for purpose in ("newsletter", "personalized_offers"):
        decide(client, ANN, decision="GIVEN", at=JANUARY, purpose=purpose)
    # when
    record(client, interaction("unsubscribed", ANN, at=FEBRUARY, source="esp", id="u-1"))
    client.ask(REVOKE, {"o": [{"source": "esp", "id": "u-1"}]})
    # then
    *_, withdrawn, returned = consent_changes(client)
    assert withdrawn["reason"] == returned["reason"] == "decisions on newsletter, personalized_offers"
    assert [change["cause"]["type"] for change in (withdrawn, returned)] == ["OBSERVATION", "REVOCATION"]
    assert withdrawn["identifiers"] == returned["identifiers"] == identifiers(ANN)


def test_a_revoked_observation_of_consent_is_named_with_the_customer_that_held_its_address(client: Client) -> None:
    # given: nothing else names the address
    id = decide(client, ANN, decision="GIVEN", at=JANUARY, id="c-1")["customerId"]
    # when
    client.ask(REVOKE, {"o": [{"source": "shop", "id": "c-1"}]})
    # then
    *_, gone = consent_changes(client)
    assert (gone["customerId"], gone["identifiers"], gone["cause"]["type"]) == (id, identifiers(ANN), "REVOCATION")


def test_the_decisions_of_a_source_go_and_return_with_it(client: Client, store: Store, run: Run) -> None:
    # given
    decide(client, ANN, decision="WITHDRAWN", at=JANUARY, source="crm")
    decide(client, ANN, decision="GIVEN", at=FEBRUARY)
    # when
    id = client.ask(REVOKE_SOURCE)["revokeSource"]["revocation"]["id"]
    run(client.graph.source_revocations.applied())
    assert client.ask(RESTORE_SOURCE, {"i": id})["restoreSource"]["errors"] == []
    run(client.graph.source_revocations.applied())
    # then
    causes = [change["cause"]["type"] for change in consent_changes(client)]
    assert causes == ["OBSERVATION", "OBSERVATION", "SOURCE_REVOCATION", "SOURCE_RESTORATION"]
    assert verified(store, run).clean


def test_a_decision_that_expires_is_a_change(store: Store, run: Run, tmp_path: Path) -> None:
    # given
    path = tmp_path / "retention.toml"
    path.write_text('[[retention]]\nkind = "consent"\ndays = 30\nreason = "it is asked for again"\n')
    clock = SettableClock("2026-01-02T00:00:00Z")
    client = Client(store, run, clock=clock, retention=str(path))
    run(client.wiring.prepare())
    client.link(seen("crm_id=C-1", ANN, at=JANUARY))
    id = decide(client, ANN, decision="GIVEN", at=JANUARY)["customerId"]
    # when
    clock.add(days=60)
    expire(client)
    # then
    *_, expired = consent_changes(client)
    assert (expired["customerId"], expired["identifiers"]) == (id, identifiers(ANN))
    assert expired["cause"]["type"] == "EXPIRY"
