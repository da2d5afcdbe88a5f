"""`kith import` and `kith backfill` as processes: counts, the report, exit status and the dry run."""

import json
import shlex
from pathlib import Path

import pytest

from tests.builders.clients import identifiers
from tests.builders.services import kith

LINES = [
    {"source": "crm", "id": "1", "identifiers": identifiers("crm_id=C1", "email=ann@example.com", "phone=unknown")},
    {"source": "crm", "id": "2", "identifiers": identifiers("crm_id=C2", "email=ann@example.com")},
    {"source": "crm", "id": "2", "identifiers": identifiers("crm_id=C2", "email=ann@example.com")},
    {"source": "crm", "id": "2", "identifiers": identifiers("crm_id=C3")},
    {"source": "crm", "id": "3", "identifiers": identifiers("nonsense=1")},
]
"""Two lines to accept, a duplicate, a conflict, and a namespace that the rules do not have."""
SECRET = "0176-5550-nobody"


def write(folder: Path, lines: list[dict[str, object]], name: str = "f.ndjson") -> Path:
    """A file of lines, with a blank one and one that is not JSON at the end."""
    path = folder / name
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + "\n{nope\n", "utf-8")
    return path


def report(folder: Path, name: str = "f.ndjson-report.ndjson") -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / name).read_text("utf-8").splitlines()]


@pytest.mark.parametrize("command", ["import", "backfill"])
def test_rejected_lines_and_dropped_identifiers_are_reported_and_end_with_status_1(
    tmp_path: Path, command: str
) -> None:
    # given
    write(tmp_path, LINES)
    # when
    done = kith(tmp_path, command, "f.ndjson")
    # then
    assert done.returncode == 1, done.stderr
    assert "2 lines accepted, 1 duplicates, 3 rejected, 1 blank; 1 identifiers dropped" in done.stdout
    assert "rejected lines (ID_CONFLICT 1, INVALID_LINE 1, UNKNOWN_NAMESPACE 1)" in done.stdout
    assert "dropped identifiers (BLOCKED 1) are in f.ndjson-report.ndjson" in done.stdout
    entries = sorted(report(tmp_path), key=lambda entry: entry["line"])
    assert [(entry["line"], entry["result"], entry["code"]) for entry in entries] == [
        (1, "DROPPED", "BLOCKED"),
        (4, "REJECTED", "ID_CONFLICT"),
        (5, "REJECTED", "UNKNOWN_NAMESPACE"),
        (7, "REJECTED", "INVALID_LINE"),
    ]
    assert (entries[0]["namespace"], entries[0]["value"]) == ("phone", "unknown")
    assert [entry["content"] for entry in entries[1:]] == [LINES[3], LINES[4], "{nope"]


@pytest.mark.parametrize("command", ["import", "backfill"])
@pytest.mark.parametrize(
    ("option", "status"), [("--allow-rejected=3", 0), ("--allow-refused=3", 0), ("--allow-rejected=2", 1)]
)
def test_some_rejected_lines_can_be_allowed(tmp_path: Path, command: str, option: str, status: int) -> None:
    write(tmp_path, LINES)
    assert kith(tmp_path, command, "f.ndjson", option).returncode == status


def test_a_corrected_report_is_imported(tmp_path: Path) -> None:
    # given
    write(tmp_path, LINES)
    kith(tmp_path, "import", "f.ndjson")
    path = tmp_path / "f.ndjson-report.ndjson"
    path.write_text(
        path.read_text().replace("nonsense", "crm_id").replace("{nope", json.dumps(json.dumps(LINES[0]))[1:-1])
    )
    # when
    again = kith(tmp_path, "import", "f.ndjson-report.ndjson")
    # then: the dropped identifier counts as blank, and the conflict remains
    assert again.returncode == 1
    assert "1 lines accepted, 1 duplicates, 1 rejected, 1 blank; 1 identifiers dropped" in again.stdout
    entries = report(tmp_path, "f.ndjson-report.ndjson-report.ndjson")
    assert {entry["code"] for entry in entries} == {"ID_CONFLICT", "BLOCKED"}


def test_the_report_can_be_elsewhere_but_not_in_the_place_of_a_file(tmp_path: Path) -> None:
    # given
    file = write(tmp_path, LINES)
    content = file.read_bytes()
    # when
    elsewhere = kith(tmp_path, "import", "f.ndjson", "--report", "other.ndjson")
    rejected = kith(tmp_path, "import", "f.ndjson", "--report", "f.ndjson")
    # then
    assert (elsewhere.returncode, rejected.returncode) == (1, 2)
    assert len(report(tmp_path, "other.ndjson")) == 4
    assert not (tmp_path / "f.ndjson-report.ndjson").exists()
    assert "is one of the files to read" in rejected.stderr.replace("\n", " ")
    assert file.read_bytes() == content


@pytest.mark.parametrize("command", ["import", "backfill"])
def test_values_of_dropped_identifiers_are_in_the_report_only(tmp_path: Path, command: str) -> None:
    # given
    line = {"source": "crm", "id": "1", "identifiers": identifiers("crm_id=C1", f"email={SECRET}")}
    write(tmp_path, [line])
    # when
    done = kith(tmp_path, command, "f.ndjson")
    # then
    assert SECRET not in done.stdout + done.stderr
    assert SECRET in (tmp_path / "f.ndjson-report.ndjson").read_text()


def test_a_run_without_entries_leaves_no_report(tmp_path: Path) -> None:
    # given
    write(tmp_path, LINES)
    kith(tmp_path, "import", "f.ndjson")
    # when
    (tmp_path / "f.ndjson").write_text(json.dumps(LINES[1]) + "\n")
    done = kith(tmp_path, "import", "f.ndjson")
    # then
    assert done.returncode == 0
    assert not (tmp_path / "f.ndjson-report.ndjson").exists()


def test_the_command_for_the_report_has_the_options_that_were_given(tmp_path: Path) -> None:
    # given: a row without a cell, and a column that is ignored
    (tmp_path / "crm.csv").write_text("id,crm_id,My memo\n1,C1\n")
    options = ("--source", "crm", "--store", "sqlite:///other.db", "--ignore-columns", "My memo")
    # when
    done = kith(tmp_path, "import", "crm.csv", *options)
    # then
    command = done.stdout.rpartition("read them again: ")[2].strip()
    assert command == (
        "kith import crm.csv-report.ndjson --source crm --ignore-columns 'My memo' --store sqlite:///other.db"
    )
    path = tmp_path / "crm.csv-report.ndjson"
    path.write_text(path.read_text().replace("1,C1", "1,C1,x"))
    assert kith(tmp_path, *shlex.split(command)[1:]).returncode == 0


def test_the_error_about_a_header_is_one_line(tmp_path: Path) -> None:
    # given
    names = [f"Spalte {number}" for number in range(30)]
    (tmp_path / "crm.csv").write_text(f"source,email,{','.join(names)}\n")
    # when
    done = kith(tmp_path, "import", "crm.csv")
    # then
    assert done.stderr.count("\n") == 1
    assert f"--ignore-columns '{','.join(names)}' leaves them out" in done.stderr


def test_all_files_are_judged_before_the_first_is_imported(tmp_path: Path) -> None:
    # given
    write(tmp_path, LINES)
    (tmp_path / "bad.csv").write_text("source,id,emial\ncrm,1,ann@example.com\n")
    # when
    done = kith(tmp_path, "import", "f.ndjson", "bad.csv")
    # then
    assert done.returncode == 2
    assert "emial" in done.stderr
    assert kith(tmp_path, "lookup", "crm_id=C1").returncode == 1


def test_columns_can_be_ignored_and_the_delimiter_and_the_encoding_given(tmp_path: Path) -> None:
    # given
    (tmp_path / "crm.csv").write_bytes(
        "source;id;crm_id;attributes.family_name;memo\ncrm;1;C1;Grün;x\n".encode("cp1250")
    )
    options = ("--delimiter", ";", "--encoding", "cp1250", "--ignore-columns", "memo, other")
    # when
    done = kith(tmp_path, "import", "crm.csv", *options)
    # then
    assert done.returncode == 0, done.stderr
    assert "Grün" in kith(tmp_path, "lookup", "crm_id=C1").stdout


ORDER_ROWS = """number,source,placedAt,reportedAt,currency,total,email,line.sku,line.quantity,line.total
1,shop,2026-01-01T00:00:00Z,2026-01-01T00:00:00Z,EUR,20,ann@example.com,A,1,5
1,shop,2026-01-01T00:00:00Z,2026-01-01T00:00:00Z,EUR,20,ann@example.com,B,1,15
2,shop,2026-01-01T00:00:00Z,2026-01-01T00:00:00Z,XXL,20,ann@example.com,A,1,5
2,shop,2026-01-01T00:00:00Z,2026-01-01T00:00:00Z,XXL,20,ann@example.com,B,1,15
,,,,,,,,,
1,shop,2026-01-01T00:00:00Z,2026-01-01T00:00:00Z,EUR,20,ann@example.com,A,1,5
1,shop,2026-01-01T00:00:00Z,2026-01-01T00:00:00Z,EUR,20,ann@example.com,B,1,15
"""
"""An order, one with an unknown currency, an empty row, and the first order again."""


@pytest.mark.parametrize("command", [["import"], ["import", "--dry-run"], ["backfill"]])
def test_every_row_of_an_order_counts(tmp_path: Path, command: list[str]) -> None:
    # given
    (tmp_path / "orders.csv").write_text(ORDER_ROWS)
    # when
    done = kith(tmp_path, *command, "orders.csv")
    # then
    assert "2 lines accepted, 2 duplicates, 2 rejected, 1 blank" in done.stdout
    (entry,) = report(tmp_path, "orders.csv-report.ndjson")
    assert (entry["line"], entry["code"]) == (4, "UNKNOWN_CURRENCY")
    assert [line["sku"] for line in entry["content"]["lines"]] == ["A", "B"]


def test_notes_on_times_are_printed(tmp_path: Path) -> None:
    # given
    times = [1_767_225_600_000, 1_767_312_000_000, "2026-01-03"]
    lines = [{"source": "crm", "seenAt": time, "identifiers": identifiers("crm_id=C1")} for time in times]
    (tmp_path / "f.ndjson").write_text("\n".join(map(json.dumps, lines)))
    # when
    done = kith(tmp_path, "import", "f.ndjson")
    # then
    assert "2 times were epoch milliseconds" in done.stdout
    assert "1 date had no time of day: 00:00 UTC was assumed" in done.stdout


def test_products_are_imported(tmp_path: Path) -> None:
    # given
    product = {"source": "pim", "sku": "A-17", "name": "Kettle", "reportedAt": "2026-01-01T00:00:00Z"}
    lines = [product, {**product, "name": ""}, LINES[1]]
    (tmp_path / "f.ndjson").write_text("\n".join(map(json.dumps, lines)))
    # when
    backfilled = kith(tmp_path, "backfill", "f.ndjson", "--store", "sqlite:///history.db")
    imported = kith(tmp_path, "import", "f.ndjson")
    # then: a backfill leaves products to the import of its report
    assert "1 lines accepted, 0 duplicates, 2 rejected" in backfilled.stdout
    assert "2 lines accepted, 0 duplicates, 1 rejected" in imported.stdout
    assert [(entry["line"], entry["content"]["name"]) for entry in report(tmp_path)] == [(2, "")]


def test_a_dry_run_shows_what_an_import_would_do_and_stores_nothing(tmp_path: Path) -> None:
    # given
    write(tmp_path, LINES)
    # when
    dry = kith(tmp_path, "import", "f.ndjson", "--dry-run")
    files = {path.name for path in tmp_path.iterdir()}
    dry_report = sorted(map(json.dumps, report(tmp_path)))
    real = kith(tmp_path, "import", "f.ndjson")
    # then
    assert files == {"f.ndjson", "f.ndjson-report.ndjson"}
    assert (dry.returncode, real.returncode) == (1, 1)
    counts = "2 lines accepted, 1 duplicates, 3 rejected, 1 blank; 1 identifiers dropped"
    assert counts in dry.stdout
    assert counts in real.stdout
    assert "email=ann@example.com" in dry.stdout
    assert "dropped: phone=unknown" in dry.stdout
    assert "line 7: INVALID_LINE: is not JSON" in dry.stdout
    assert "conflicts with what is stored are not known" in dry.stdout
    assert [(entry["line"], entry["code"]) for entry in map(json.loads, dry_report)] == [
        (entry["line"], entry["code"]) for entry in map(json.loads, sorted(map(json.dumps, report(tmp_path))))
    ]


def test_a_dry_run_uses_the_rules_of_the_store_and_leaves_its_file_unchanged(tmp_path: Path) -> None:
    # given: a store whose rules have one namespace only
    (tmp_path / "rules.toml").write_text("[[namespace]]\nname = 'crm_id'\n")
    kith(tmp_path, "migrate", "--rules", "rules.toml")
    stored, files = (tmp_path / "kith.db").read_bytes(), set(tmp_path.glob("kith.db*"))
    write(tmp_path, LINES)
    # when
    dry = kith(tmp_path, "import", "f.ndjson", "--dry-run")
    # then
    assert "dry run under version 1 of the store's rules" in dry.stdout
    assert "line 1: UNKNOWN_NAMESPACE" in dry.stdout
    assert (tmp_path / "kith.db").read_bytes() == stored
    assert set(tmp_path.glob("kith.db*")) == files


def test_a_repeated_import_after_a_stop_counts_duplicates(tmp_path: Path) -> None:
    # given
    (tmp_path / "f.ndjson").write_text("\n".join(map(json.dumps, LINES[:2])))
    first = kith(tmp_path, "import", "f.ndjson")
    # when
    second = kith(tmp_path, "import", "f.ndjson")
    # then
    assert (first.returncode, second.returncode) == (0, 0)
    assert "2 lines accepted, 0 duplicates, 0 rejected" in first.stdout
    assert "0 lines accepted, 2 duplicates, 0 rejected" in second.stdout
