"""`kith refused`, run as a process."""

import json
from pathlib import Path

import pytest

from graph.domain.model.refused_records import RefusedRecord
from graph.stores.sqlite import SQLiteStore
from tests.builders.clients import Client
from tests.builders.refused_records import refused
from tests.builders.runs import Run
from tests.builders.services import kith

EVENT = {"type": "identify", "messageId": "m1", "userId": "u-1", "traits": {"email": "ann@example.com"}}
RECORDS = [
    refused(json.dumps(EVENT), source="web", code="NOT_MAPPED", at=1_780_000_000_000_000, record_id="m1"),
    refused('{"email": "ben@example.com"}', source="till", mapping="unknown", at=1_780_000_001_000_000),
]


@pytest.fixture
def folder(run: Run, tmp_path: Path) -> Path:
    """A folder with a store that keeps refused records."""
    store = SQLiteStore(tmp_path / "kith.db")
    client = Client(store, run)
    run(client.wiring.prepare())
    run(client.graph.refused.keep(RECORDS))
    run(client.graph.close())
    return tmp_path


def test_records_are_listed_without_values(folder: Path) -> None:
    # when
    done = kith(folder, "refused", "list")
    # then
    assert (done.returncode, done.stderr) == (0, "")
    till, web = RECORDS[1].id, RECORDS[0].id
    assert done.stdout.splitlines() == [
        f"2026-05-28T20:26:41Z  {till}  till  NO_VALID_IDENTIFIERS  identifiers.0  once",
        f"2026-05-28T20:26:40Z  {web}  web  NOT_MAPPED  identifiers.0  once",
        "till  NO_VALID_IDENTIFIERS  records: 1, deliveries: 1",
        "web  NOT_MAPPED  records: 1, deliveries: 1",
    ]
    # when, then
    chosen = kith(folder, "refused", "list", "--source", "web", "--limit", "1").stdout
    assert (web in chosen, till in chosen) == (True, False)
    assert kith(folder, "refused", "list", "--code", "OTHER").stdout == "no refused records\n"
    late = kith(folder, "refused", "list", "--since", "2026-05-28T20:26:41Z").stdout
    assert (web in late, till in late) == (False, True)
    wrong = kith(folder, "refused", "list", "--since", "soon")
    assert (wrong.returncode, wrong.stderr.startswith("kith: --since:")) == (2, True)


def test_records_are_shown_with_their_content(folder: Path) -> None:
    # when
    shown = kith(folder, "refused", "show", RECORDS[0].id)
    lines = kith(folder, "refused", "list", "--json").stdout.splitlines()
    # then
    record = json.loads(shown.stdout)
    assert json.loads(record["content"]) == EVENT
    assert (record["recordId"], record["deliveries"], record["cut"]) == ("m1", 1, False)
    assert [json.loads(line)["id"] for line in lines] == [RECORDS[1].id, RECORDS[0].id]
    # when, then
    missing = kith(folder, "refused", "show", "rfr_none")
    assert (missing.returncode, missing.stdout, missing.stderr) == (1, "", "there is no refused record rfr_none\n")


def test_in_production_values_are_shown_for_a_purpose_and_audited(folder: Path) -> None:
    # given
    assert kith(folder, "keys", "add", "dpo", "--role", "privacy").returncode == 0
    # when
    unexplained = kith(folder, "refused", "show", RECORDS[0].id)
    explained = kith(folder, "refused", "show", RECORDS[0].id, "--purpose", "mend the mapping")
    # then
    assert (unexplained.returncode, unexplained.stdout) == (2, "")
    assert "--purpose" in unexplained.stderr
    assert "ann@example.com" in explained.stdout
    assert kith(folder, "refused", "list").returncode == 0
    entries = kith(folder, "audit", "entries", "--purpose", "review").stdout
    assert entries.count("mend the mapping") == 1


def test_records_are_taken_in_again_and_deleted(folder: Path) -> None:
    # when
    done = kith(folder, "refused", "retry")
    # then
    assert done.returncode == 1
    first, second = done.stdout.splitlines()
    assert first == "taken in: 1"
    assert second.startswith("refused with UNKNOWN_MAPPING: 1, such as: 'unknown' is not a mapping")
    assert "ann@example.com" in kith(folder, "lookup", "email=ann@example.com").stdout
    # when, then
    retried = kith(folder, "refused", "retry", "--source", "till", "--as", "segment")
    assert (retried.returncode, "refused with NOT_MAPPED: 1" in retried.stdout) == (1, True)
    assert kith(folder, "refused", "delete", "--source", "till").stdout == "deleted: 1\n"
    assert kith(folder, "refused", "list").stdout == "no refused records\n"
    assert kith(folder, "refused", "retry").returncode == 0


@pytest.mark.parametrize("arguments", [(), ("rfr_1", "--source", "web"), ("--code", "NOT_MAPPED")])
def test_what_is_deleted_is_named_in_one_way(folder: Path, arguments: tuple[str, ...]) -> None:
    # when
    done = kith(folder, "refused", "delete", *arguments)
    # then
    assert (done.returncode, done.stderr) == (2, "kith: name either the ids of refused records, or --source\n")


def test_records_are_deleted_by_id(folder: Path) -> None:
    # given
    record: RefusedRecord = RECORDS[0]
    # when
    done = kith(folder, "refused", "delete", record.id, "rfr_none")
    # then
    assert (done.returncode, done.stdout) == (0, "deleted: 1\n")
    assert record.id not in kith(folder, "refused", "list").stdout
