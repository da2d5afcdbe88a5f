"""What is a person's own in statements that name several people, and what is masked."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from graph.domain.export.statements import Origins, exported
from graph.domain.export.subject import Subject
from graph.domain.model.dates import DAY
from graph.domain.model.facts import FactKind
from graph.domain.model.observations import Observation
from graph.domain.model.receipts import ObservationStatus, Receipt
from graph.domain.model.retention import Retention
from graph.domain.model.times import iso
from graph.domain.profile.attributes import AttributesStatement
from graph.domain.profile.interactions import Interaction, InteractionStatement
from graph.domain.resolution.preparation import prepare, receipt_of
from service.config import rules_file
from tests.builders.graphs import NOW, identifiers, seen
from tests.builders.retention import rule

RULES = rules_file.parse(rules_file.default_text())
ANN = Subject(frozenset({"email=ann@example.com", "phone=+491715550101", "crm_id=C-7", "order=W-10042"}), RULES)


def received(observation: Observation) -> Receipt:
    return receipt_of(prepare(observation, RULES, NOW))


def note(text: str, **properties: Any) -> Receipt:
    interaction = Interaction("desk", "note", NOW, "n-1", text=text, properties=properties)
    return received(InteractionStatement(interaction, identifiers(["email=ann@example.com"])).observation())


def test_a_statement_says_until_when_it_is_kept() -> None:
    # given
    retention = Retention((rule(180, text=True), rule(365, kind=FactKind.INTERACTION)))
    # then
    assert exported(note("called"), ANN, retention).statement.kept_until == iso(NOW + 365 * DAY)
    assert exported(received(seen("email=ann@example.com", id="1")), ANN, retention).statement.kept_until is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ann@Example.com wrote", "Ann@Example.com wrote"),
        ("call 0171 5550101 or +49 (171) 5550101", "call 0171 5550101 or +49 (171) 5550101"),
        ("call 0171 5550102", "call •••02"),
        ("crm_id=C-7 is crm_id=C-8", "crm_id=C-7 is crm_id=•••"),
        ("bob@example.com", "b•••@e•••.com"),
        ("on 2026-03-01", "on 2026-03-01"),
        ("order 10042", "order 10042"),
    ],
)
def test_in_texts_only_what_may_be_of_others_is_masked(text: str, shown: str) -> None:
    record = exported(note(text, said=[text, {"more": text}], count=123456789), ANN).statement.record
    assert record["text"] == shown
    assert record["properties"] == {"said": [shown, {"more": shown}], "count": 123456789}


def test_numbers_in_attributes_are_the_persons_own() -> None:
    # given
    values = {"name": "Ann, bob@example.com", "address": {"street": "Weg 1, bob@example.com"}, "contract": "12345678"}
    statement = AttributesStatement("crm", identifiers(["crm_id=C-7"]), values, "a-1")
    # when
    record = exported(received(statement.observation()), ANN).statement.record
    # then
    assert record["attributes"] == {
        "name": "Ann, b•••@e•••.com",
        "address": {"street": "Weg 1, b•••@e•••.com"},
        "contract": "12345678",
    }


def test_a_statement_without_identifiers_of_others_is_exported_as_it_was_sent() -> None:
    # given: an identifier in another notation, and one that the rules drop
    observation = seen("email= Ann@Example.COM", "email=nobody", id="1")
    # when
    found = exported(received(observation), ANN)
    # then
    sent = [{"namespace": "email", "value": " Ann@Example.COM"}, {"namespace": "email", "value": "nobody"}]
    assert found.statement.record["identifiers"] == sent
    assert found.line is not None
    assert found.line["identifiers"] == sent


def test_an_identifier_of_others_is_masked_for_people_and_left_out_for_stores() -> None:
    found = exported(received(seen("email=ann@example.com", "crm_id=C-8765432100", id="1")), ANN)
    assert found.statement.record["identifiers"][1] == {"namespace": "crm_id", "value": "C-•••00"}
    assert found.line is not None
    assert [item["value"] for item in found.line["identifiers"]] == ["ann@example.com"]


def test_a_statement_that_does_not_count_has_no_line() -> None:
    receipt = received(seen("email=ann@example.com", id="1"))
    for status in (ObservationStatus.REVOKED, ObservationStatus.SOURCE_REVOKED, ObservationStatus.INACTIVE):
        found = exported(replace(receipt, status=status), ANN)
        assert (found.statement.status, found.line) == (status.name, None)


def test_a_statement_that_the_rules_reject_names_whom_it_names() -> None:
    # given: two customer numbers, of which a customer has one
    receipt = received(seen("crm_id=C-7", "crm_id=C-8", id="1"))
    assert (receipt.status, receipt.keys) == (ObservationStatus.INACTIVE, ())
    # then
    assert ANN.is_named_by(receipt)
    assert not Subject(frozenset({"crm_id=C-9"}), RULES).is_named_by(receipt)
    assert "C-8" not in json.dumps(exported(receipt, ANN).statement.record)


def test_origins_are_counted_by_source_and_party() -> None:
    # given
    origins = Origins()
    receipt = received(seen("email=ann@example.com", id="1"))
    # when
    for party in ("FIRST_PARTY", "THIRD_PARTY", "FIRST_PARTY"):
        origins.add(receipt, party)
    # then
    assert [(item.party, item.count) for item in origins.origins] == [("FIRST_PARTY", 2), ("THIRD_PARTY", 1)]
