"""`kith connector`: mappings are listed, checked with samples, and begun."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from service.cli.connector import app
from tests.builders.connectors import MAPPING

RECORDS = {
    "jobs": [
        {
            "job": "j-1", "updated": "2026-03-01T10:00:00Z", "state": "done", "by": 7,
            "contact": {"email": "ann@example.com"},
        },
        {"job": "j-2", "state": "lost"},
        {"job": "j-3", "state": "draft"},
    ]
}  # fmt: skip


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    file = tmp_path / "sample.json"
    file.write_text(json.dumps(RECORDS))
    return file


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_the_mappings_that_ship_are_listed() -> None:
    status, output = run("list")
    assert status == 0
    assert "segment" in output


def test_a_check_shows_what_each_record_becomes_and_what_is_not_used(tmp_path: Path, sample: Path) -> None:
    # given
    (tmp_path / "own.toml").write_text(MAPPING)
    # when
    status, output = run("check", tmp_path / "own.toml", "--sample", sample, "--json")
    # then
    first, second, third = (json.loads(line) for line in output.splitlines() if line.startswith("{"))
    assert status == 1
    assert [one["kind"] for one in first["statements"]] == ["interaction"]
    assert first["statements"][0]["fields"]["type"] == "repair_done"
    assert (first["unused"], first["refused"]) == (["by"], False)
    assert (second["refused"], second["statements"]) == (True, [])
    assert third["ignored"] is True
    # and for people
    status, output = run("check", tmp_path / "own.toml", "--sample", sample)
    assert "not used: by" in output
    assert "no statement of the mapping takes this record" in output
    assert "3 records: 1 refused, 1 ignored" in output


def test_a_check_without_a_sample_reads_the_mapping(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(MAPPING)
    status, output = run("check", tmp_path / "own.toml")
    assert (status, "Repairs: 2 statements" in output) == (0, True)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('email = ["contact.email", "^.fallback"]', 'e_mail = "contact.email"', "e_mail"),
        ('label = "consent"', "", "two statements have the id"),
        ('type = { path = "state", prefix = "repair_" }', 'type = { value = "Not A Name" }', "type is 'Not A Name'"),
    ],
)
def test_what_the_graph_would_refuse_is_found(tmp_path: Path, old: str, new: str, message: str) -> None:
    # given
    (tmp_path / "own.toml").write_text(MAPPING.replace(old, new).replace('each = "consents"', ""))
    record = {
        "job": "j-1", "updated": "2026-03-01T10:00:00Z", "state": "received", "name": "newsletter", "consents": 1,
        "contact": {"email": "ann@example.com"},
    }  # fmt: skip
    (tmp_path / "sample.json").write_text(json.dumps([record]))
    # when
    status, output = run("check", tmp_path / "own.toml", "--sample", tmp_path / "sample.json", "--json")
    # then
    assert status == 1
    assert message in output


def test_a_mapping_is_begun_from_a_sample(tmp_path: Path, sample: Path) -> None:
    # when
    file = tmp_path / "begun.toml"
    assert run("new", file, "--sample", sample)[0] == 0
    # then it says what becomes of it at once
    _, output = run("check", file, "--sample", sample, "--json")
    first = json.loads(output.splitlines()[0])
    assert first["statements"][0]["fields"]["identifiers"] == [{"namespace": "email", "value": "ann@example.com"}]
    assert first["statements"][0]["fields"]["seenAt"] == "2026-03-01T10:00:00Z"
    # and is not overwritten
    with pytest.raises(Exception, match="it is not overwritten"):
        run("new", file, "--sample", sample)


def test_nested_lists_are_found_by_a_draft(tmp_path: Path) -> None:
    file, sample = tmp_path / "begun.toml", tmp_path / "sample.json"
    sample.write_text(json.dumps({"data": {"jobs": [{"id": 1, "email": "ann@example.com"}]}}))
    run("new", file, "--sample", sample)
    assert 'records = "data.jobs"' in file.read_text()


def test_a_check_shows_which_identifiers_the_rules_drop(tmp_path: Path) -> None:
    # given
    sample = tmp_path / "sample.json"
    sample.write_text(json.dumps({"type": "identify", "messageId": "m", "userId": "u-1001", "anonymousId": "a-1"}))
    # when
    status, output = run("check", "segment", "--sample", sample)
    _, described = run("check", "segment", "--sample", sample, "--json")
    # then
    assert status == 0
    assert "dropped: cookie 'a-1'" in output
    (dropped,) = json.loads(described.splitlines()[0])["droppedIdentifiers"]
    assert (dropped["namespace"], dropped["value"]) == ("cookie", "a-1")


@pytest.mark.parametrize(
    "record",
    [
        {"id": 7, "email": "ann@example.com", "line_items": [{"id": 1, "sku": "TENT"}]},
        {"event_id": "e-1", "form": {"mail": "ann@example.com", "answers": [{"id": "a", "text": "Fine"}]}},
    ],
)
def test_a_list_in_a_record_is_a_part_of_it(tmp_path: Path, record: dict[str, Any]) -> None:
    # given
    file, sample = tmp_path / "begun.toml", tmp_path / "sample.json"
    sample.write_text(json.dumps(record))
    # when
    run("new", file, "--sample", sample)
    # then
    assert "records =" not in file.read_text()
    assert run("check", file, "--sample", sample)[0] == 0


def test_a_draft_without_identifiers_says_that_one_is_needed(tmp_path: Path) -> None:
    file, sample = tmp_path / "begun.toml", tmp_path / "sample.json"
    sample.write_text(json.dumps({"id": 7, "first_name": "Ann"}))
    run("new", file, "--sample", sample)
    assert "Nothing in the sample looks like an email address or a phone number" in file.read_text()
    assert run("check", file)[0] == 0
