"""`kith import --as`: files of other systems in all formats, by a mapping."""

import gzip
import json
import shlex
from pathlib import Path

import pytest

from tests.builders.pipelines import HEADER, MAPPING, contact, kith, observations, row, stored, write
from tests.builders.spreadsheets import write_spreadsheet

pytestmark = pytest.mark.usefixtures("own_logging")


def test_a_table_is_imported_by_a_mapping_and_again_without_effect(tmp_path: Path) -> None:
    # given
    write(tmp_path, count=1200)
    # when
    first = kith(tmp_path, "import", "contacts.csv", "--as", "crm.toml")
    second = kith(tmp_path, "import", "contacts.csv", "--as", "crm.toml")
    # then
    assert first.returncode == second.returncode == 0, first.stderr
    assert "1200 lines accepted, 0 duplicates, 0 rejected" in first.stdout
    assert "cells separated by commas" in first.stdout
    assert "0 lines accepted, 1200 duplicates, 0 rejected" in second.stdout
    assert "Ann 7" in stored(tmp_path, 7)
    assert "crm" in stored(tmp_path, 7)


@pytest.mark.parametrize(
    "name", ["c.ndjson", "c.jsonl", "c.json", "lines.json", "c.xlsx", "c.parquet", "c.tsv", "c.xml"]
)
def test_the_ending_tells_the_format(tmp_path: Path, name: str) -> None:
    # given
    mapping = MAPPING.replace('format = "csv"', 'records = ["contacts", "export.contact"]')
    (tmp_path / "crm.toml").write_text(mapping)
    contacts = [contact(number) for number in range(3)]
    file = tmp_path / name
    match file.suffix if name != "lines.json" else ".ndjson":
        case ".json":
            file.write_text(json.dumps({"contacts": contacts}, indent=1))
        case ".ndjson" | ".jsonl":
            file.write_text("".join(json.dumps(one) + "\n" for one in contacts))
        case ".tsv":
            file.write_text("\n".join([HEADER, *map(row, range(3))]).replace(",", "\t"), "utf-16")
        case ".xml":
            inner = ("".join(f"<{key}>{value}</{key}>" for key, value in one.items()) for one in contacts)
            file.write_text(f"<export>{''.join(f'<contact>{one}</contact>' for one in inner)}</export>")
        case ".parquet":
            pytest.importorskip("polars").DataFrame(contacts).write_parquet(file)
        case ".xlsx":
            pytest.importorskip("python_calamine")
            write_spreadsheet(file, sheet=[list(contacts[0]), *(list(one.values()) for one in contacts)])
    # when
    done = kith(tmp_path, "import", name, "--as", "crm.toml", "--source", "hubspot")
    # then
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 lines accepted" in done.stdout
    assert "Ann 2" in stored(tmp_path, 2)


def test_refused_records_are_in_the_report_and_are_read_again_from_it(tmp_path: Path) -> None:
    # given: a row that is cut, one without identifiers, one of a test
    file = write(tmp_path)
    rows = [row(3, id="", email=""), "C4,cut", row(5, id="", email="", first_name="Test"), row(6, updated_at="soon")]
    file.write_text(file.read_text() + "\n".join(rows) + "\n")
    # when
    done = kith(tmp_path, "import", "contacts.csv", "--as", "crm.toml")
    # then
    assert done.returncode == 1
    assert "3 lines accepted, 0 duplicates, 3 rejected, 0 blank, 1 ignored" in done.stdout
    report = tmp_path / "contacts.csv-report.ndjson"
    entries = sorted(map(json.loads, report.read_text().splitlines()), key=lambda entry: entry["line"])
    assert [(entry["line"], entry["code"]) for entry in entries] == [
        (5, "NOT_MAPPED"),
        (6, "INVALID_LINE"),
        (8, "INVALID_FIELD"),
    ]
    assert entries[2]["content"]["email"] == "c6@example.com"
    assert "c6@example.com" not in done.stdout + done.stderr
    # when: they are corrected in the report
    text = report.read_text().replace('"soon"', '"2026-03-02"').replace('"C4,cut"', json.dumps(row(4)))
    report.write_text(text)
    command = done.stdout.rpartition("read them again: ")[2].strip()
    again = kith(tmp_path, *shlex.split(command)[1:])
    # then
    assert command == "kith import contacts.csv-report.ndjson --as crm.toml"
    assert "2 lines accepted, 0 duplicates, 1 rejected" in again.stdout
    assert "Ann 4" in stored(tmp_path, 4)
    # and nothing is kept in the store that the report has
    assert "Ann 6" in stored(tmp_path, 6)


def test_a_dry_run_shows_what_records_become_and_stores_nothing(tmp_path: Path) -> None:
    # given
    file = write(tmp_path)
    file.write_text(file.read_text() + row(4, updated_at="soon") + "\n")
    # when
    done = kith(tmp_path, "import", "contacts.csv", "--as", "crm.toml", "--dry-run")
    # then
    assert done.returncode == 1, done.stderr
    assert "3 lines accepted, 0 duplicates, 1 rejected" in done.stdout
    assert "not used: internal note" in done.stdout
    assert "line 5: INVALID_FIELD" in done.stdout
    assert not (tmp_path / "kith.db").exists()


def test_records_without_a_time_have_that_of_their_file(tmp_path: Path) -> None:
    # given
    (tmp_path / "crm.toml").write_text(
        MAPPING.replace('at = "updated_at"', "").replace(', "updated_at"]', ', "email"]')
    )
    (tmp_path / "c.csv").write_text("id,email,first_name\nC1,c1@example.com,Ann\n")
    # when
    first = kith(tmp_path, "import", "c.csv", "--as", "crm.toml")
    count = observations(tmp_path)
    second = kith(tmp_path, "import", "c.csv", "--as", "crm.toml")
    # then
    assert "1 lines accepted" in first.stdout
    assert "0 lines accepted, 1 duplicates" in second.stdout
    assert observations(tmp_path) == count


@pytest.mark.parametrize(
    ("name", "content", "words", "reason"),
    [
        ("c.json", b"{", (), "c.json: the body is not JSON"),
        ("c.csv", b"PK\x03\x04", (), "is a spreadsheet: name it .xlsx"),
        ("c.csv", b"id\n1\n", ("--ignore-columns", "id"), "--ignore-columns is not for --as"),
        ("c.csv", b"id\n1\n", ("--as", "none.toml"), "none.toml cannot be read"),
        ("c.csv", b"id\n1\n", ("--source", "a b"), "'a b' is not a source"),
        ("c.xml", b"<!DOCTYPE a><a/>", (), "DOCTYPE"),
        ("c.ndjson", gzip.compress(b"{}"), (), "compressed"),
    ],
)
def test_a_file_that_cannot_be_used_is_an_error(
    tmp_path: Path, name: str, content: bytes, words: tuple[str, ...], reason: str
) -> None:
    # given
    (tmp_path / "crm.toml").write_text(MAPPING)
    (tmp_path / name).write_bytes(content)
    # when
    done = kith(tmp_path, "import", name, "--as", "crm.toml", *words)
    # then
    assert done.returncode == 2
    assert reason in done.stderr
