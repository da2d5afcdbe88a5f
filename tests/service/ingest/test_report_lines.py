"""The rejected lines of a report are read again: objects, texts of rows under their header, rows of orders."""

import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from service.ingest.located import located
from service.ingest.records import parse_record
from service.ingest.report import Report
from tests.builders.input_files import ReadFile, read_file

LINE = '{"source": "café", "identifiers": [{"namespace": "email", "value": "a@example.com"}]}\n'
ENTRY = {"file": "f.csv", "line": 7, "result": "REJECTED", "code": "INVALID_LINE", "reason": "r", "path": []}


def test_the_rejected_lines_of_a_report_are_read(tmp_path: Path) -> None:
    # given
    content = orjson.loads(LINE)
    rejected = ENTRY
    entries = [
        {**rejected, "content": content},
        {"file": "f.csv", "line": 8, "result": "DROPPED", "namespace": "phone", "value": "1", "code": "INVALID"},
        {**rejected, "content": LINE},
        {**rejected, "content": "2,crm,text of a row"},
        content,
    ]
    lines = b"".join(orjson.dumps(entry) + b"\n" for entry in entries)
    doubled = b'{"file":"f","line":9,"result":"REJECTED","content":{"source":"a","source":"b"}}\n'
    # when
    file = read_file(tmp_path / "f-report.ndjson", lines + doubled)
    # then
    assert sorted(file.accepted) == [1, 3, 5]
    assert {line: reason.partition(";")[0] for line, reason in file.rejected.items()} == {
        4: "is the text of a line that could not be read",
        6: "has the key 'source' twice",
    }
    assert (file.rows, file.blank) == (6, 1)
    assert "a report, of which the rejected lines are read" in file.findings


def reported(path: Path, **options: Any) -> list[dict[str, Any]]:
    """The entries of the report of a file, as an import writes them."""
    report = Report(path.with_name("f-report.ndjson"))
    for line in read_file(path, **options).lines:
        problem = parse_record(line.value, "crm").statement
        if hasattr(problem, "code"):
            report.reject(path, line, located(problem, line))
    report.close()
    return [json.loads(entry) for entry in report.path.read_bytes().splitlines()]


def read_again(folder: Path, entries: list[dict[str, Any]], **options: Any) -> ReadFile:
    return read_file(folder / "f-report.ndjson", b"".join(orjson.dumps(entry) + b"\n" for entry in entries), **options)


def test_a_broken_row_is_corrected_as_a_row(tmp_path: Path) -> None:
    # given: an open quote, a cell too many, and a row of two lines
    file = tmp_path / "f.csv"
    file.write_text(
        'id;Crm Id;E-Mail;memo;evidence\n1;C1;"a@example.com;;x\n2;C2;b@example.com;;x;y\n3;C3;;"a\nb"c;z\n'
    )
    entries = reported(file, ignored_columns=frozenset({"memo"}))
    assert [entry["columns"] for entry in entries] == [["id", "Crm Id", "E-Mail", "memo", "evidence"]] * 4
    # when
    unchanged = read_again(tmp_path, entries, ignored_columns=frozenset({"memo"}))
    entries[0]["content"] = entries[0]["content"].replace('"', "")
    entries[1]["content"] = entries[1]["content"].removesuffix(";y")
    entries[2]["content"] = '3;C3;;m;"two\nlines"'
    corrected = read_again(tmp_path, entries, ignored_columns=frozenset({"memo"}))
    # then
    assert len(unchanged.rejected) == 4
    assert not unchanged.accepted
    assert [(s.id, s.identifiers[0]) for s in corrected.accepted.values()] == [
        (number, ("crm_id", f"C{number}")) for number in "123"
    ]
    assert corrected.accepted[3].evidence == "two lines"
    assert list(corrected.rejected) == [4]
    # and without the option, the column that it names is not known
    assert "unknown columns: 'memo'" in read_again(tmp_path, entries).rejected[1]


def test_the_quotes_of_a_row_may_be_behind_backslashes(tmp_path: Path) -> None:
    # given
    entry = {**ENTRY, "columns": ["crm_id", "evidence"], "delimiter": ",", "content": r'C1,"5\" wide, new"'}
    # then
    assert read_again(tmp_path, [entry]).accepted[1].evidence == '5" wide, new'


def test_bytes_that_could_not_be_decoded_must_be_corrected(tmp_path: Path) -> None:
    # given
    entry = {**ENTRY, "columns": ["crm_id", "attributes.family_name"], "delimiter": ",", "content": r"C1,M\xfcller"}
    # then
    assert "has bytes that are not in the encoding" in read_again(tmp_path, [entry]).rejected[1]
    (person,) = read_again(tmp_path, [{**entry, "content": "C1,Müller"}]).accepted.values()
    assert person.values == {"family_name": "Müller"}


def test_cells_that_have_a_type_are_corrected_by_their_columns(tmp_path: Path) -> None:
    # given
    content = {"Crm Id": {"invalid": "4711.5"}, "Seen At": "2026-03-01"}
    entry = {**ENTRY, "columns": ["Crm Id", "Seen At"], "content": content}
    # when
    file = read_again(
        tmp_path, [entry, {**entry, "content": {**content, "Crm Id": "C1"}}, {**entry, "content": {"crm": "C1"}}]
    )
    # then
    assert file.rejected == {
        1: "Crm Id is a list or an object, which cannot be an identifier",
        3: "has cells that are in no column of the header: crm",
    }
    assert file.accepted[2].identifiers == (("crm_id", "C1"),)


HEADER = "source,number,placedAt,reportedAt,total,line.Sku,line.quantity,line.total\n"
ROW = "shop,W-1,2026-03-01T12:00:00Z,2026-03-01T12:00:00Z,15,A,1,10\n"


@pytest.mark.parametrize("broken", [ROW.replace(",A,", ",,"), ROW.replace("A,1", "B")], ids=["a line", "a row"])
def test_the_rows_of_an_order_become_one_order_again(tmp_path: Path, broken: str) -> None:
    # given: an order with a broken row
    file = tmp_path / "f.csv"
    file.write_text(HEADER + ROW + broken + ROW.replace("A,1,10", "C,1,5"))
    entries = reported(file)
    assert [entry["line"] for entry in entries] == [2, 3, 4]
    # when
    if isinstance(entries[1]["content"], str):
        entries[1]["content"] = ROW.replace("A,1", "B,2").strip()
    else:
        entries[1]["content"]["lines"][0]["sku"] = "B"
    # then
    (order,) = read_again(tmp_path, entries).accepted.values()
    assert [line.sku for line in order.order.lines] == ["A", "B", "C"]
