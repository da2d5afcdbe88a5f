"""Mappings are read from TOML; errors name the file, the line, the key and what is allowed."""

import re
from pathlib import Path

import pytest

from graph.domain.model.errors import InvalidInput
from service.connectors import mapping_file
from tests.builders.connectors import MAPPING


def test_a_record_makes_all_statements_that_fit() -> None:
    # given
    mapping = mapping_file.parse(MAPPING, "repairs")
    record = {
        "job": 7,
        "updated": "2026-03-01T10:00:00Z",
        "state": "received",
        "contact": {"email": "ann@example.com"},
        "consents": [{"name": "newsletter"}, {"name": "profiling"}],
    }
    # when
    made = mapping.map(record, {})
    # then
    assert made is not None
    assert [(one.kind, one.fields.get("id")) for one in made] == [
        ("interaction", "7"), ("consent", "7/consent/0"), ("consent", "7/consent/1"),
    ]  # fmt: skip
    assert made[0].fields == {
        "type": "repair_received", "occurredAt": "2026-03-01T10:00:00Z", "id": "7", "party": "first_party",
        "identifiers": [{"namespace": "email", "value": "ann@example.com"}],
    }  # fmt: skip
    assert made[2].fields["purpose"] == "profiling"
    assert made[2].fields["decidedAt"] == "2026-03-01T10:00:00Z"


def test_records_without_a_statement_are_told_from_those_that_mean_nothing() -> None:
    mapping = mapping_file.parse(MAPPING, "repairs")
    assert mapping.map({"job": 1, "state": "draft"}, {}) is None
    assert mapping.map({"job": 1, "state": "lost"}, {}) == []
    assert mapping.map("no object", {}) == []


def test_the_list_of_records_is_found_and_what_stands_beside_it() -> None:
    mapping = mapping_file.parse(MAPPING, "repairs")
    assert mapping.split({"jobs": [{"job": 1}], "shop": "Berlin"}, {}) == ([{"job": 1}], {"body.shop": "Berlin"})
    assert mapping.split([{"job": 1}], {})[0] == [{"job": 1}]
    assert mapping.split({"job": 1}, {})[0] == [{"job": 1}]


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ('title = "Repairs"', 'titel = "Repairs"', 2, "titel: is not a key of a mapping; did you mean title?"),
        ('records = "jobs"', 'format = "yaml"', 3, "format: is 'yaml'; allowed are json, ndjson"),
        ('kind = "consent"', 'kind = "consents"', 16, "statement.2.kind: is 'consents'; allowed are observation"),
        ('kind = "consent"', "", 15, "statement.2.kind: is missing; a kind is one of"),
        ('purpose = "name"', 'porpose = "name"', 22, "statement.2.fields.porpose: is not a field of a consent; did"),
        ('purpose = "name"', "purpose = 7", 22, "statement.2.fields.purpose: 7 is neither a path"),
        (
            'type = { path = "state", prefix = "repair_" }',
            'type = { path = "state", steps = "snail" }',
            11,
            "is not a step",
        ),
        (
            'when = { state = ["received", "done"] }',
            "when = { state = [] }",
            9,
            "statement.1.when.state: must be a text",
        ),
        ('when = { state = ["received", "done"] }', "when = 7", 9, "statement.1.when: must be a table"),
        (
            'unless = { state = "done" }',
            '[statement.properties]\nstate = "state"',
            20,
            "belongs to a statement of the kind",
        ),
        ('email = "^.contact.email"', 'email = "^"', 25, "statement.2.identifiers.email: '^' is not a path"),
        ('label = "consent"', 'needs = ["phone"]', 17, "statement.2.needs: must be a list of namespaces"),
        (
            '[[ignore]]\nwhen = { state = "draft" }',
            '[proof]\nmethod = "magic"',
            28,
            "proof.method: is 'magic'; allowed are",
        ),
        ('id = "job"', "id = ", 4, "line 4"),
    ],
)
def test_an_error_names_file_line_key_and_what_is_allowed(old: str, new: str, line: int, message: str) -> None:
    # given
    assert old in MAPPING
    # when
    with pytest.raises(InvalidInput) as raised:
        mapping_file.parse(MAPPING.replace(old, new), "repairs", "mappings/repairs.toml")
    # then
    assert raised.value.message.startswith("mappings/repairs.toml")
    assert f"line {line}" in raised.value.message
    assert message in raised.value.message


def test_a_mapping_is_named_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(MAPPING)
    assert mapping_file.named(str(tmp_path / "own.toml")).title == "Repairs"
    assert mapping_file.named("segment").name == "segment"
    with pytest.raises(InvalidInput, match=r"'segmant' is not a mapping; there are .*segment"):
        mapping_file.named("segmant")
    with pytest.raises(InvalidInput, match="cannot be read"):
        mapping_file.named(str(tmp_path / "missing.toml"))


@pytest.mark.parametrize("name", mapping_file.shipped_names())
def test_all_mappings_that_ship_can_be_read(name: str) -> None:
    mapping = mapping_file.shipped(name)
    assert mapping.title
    assert not re.search(r"\s$", mapping.title)


@pytest.mark.parametrize(
    ("proof", "message"),
    [
        ('{ method = "hmac" }', "proof.method: is 'hmac'; allowed are none,"),
        (
            '{ method = "hmac-sha256", heder = "X-Hmac" }',
            "proof.heder: is not a key of the proof hmac-sha256; did you mean header",
        ),
        ('{ method = "basic", header = "X-Key" }', "proof.header: is not a key of the proof basic"),
        (
            '{ method = "hmac-sha256", signed = "both" }',
            "proof.signed: is 'both'; allowed are method, url, body, timestamp with + between",
        ),
        ('{ method = "hmac-sha256", signed = ["a"] }', "proof.signed: is a list of paths in the body; then signature"),
        (
            '{ method = "hmac-sha256", signed = ["a"], signature = "", timestamp = "a" }',
            "proof.signature: '' is not a path",
        ),
    ],
)
def test_an_option_of_a_proof_that_is_not_known_is_an_error(proof: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(message)):
        mapping_file.parse(MAPPING.replace('title = "Repairs"', f"proof = {proof}"), "repairs")
