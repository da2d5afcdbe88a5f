"""The report: rejected lines as they were, and dropped identifiers."""

import json
from pathlib import Path

import pytest

from graph.domain.model.errors import InvalidInput, Problem
from graph.domain.model.rules import DroppedIdentifier, DroppedIdentifierCode
from service.ingest.raw_lines import Header, RawLine
from service.ingest.report import Report

FILE = Path("crm.ndjson")
PROBLEM = Problem("INVALID_FIELD", "id: must be a text", ("id",))


def rejected(folder: Path, line: RawLine) -> bytes:
    """What the report contains after a line was rejected."""
    report = Report(folder / "report.ndjson")
    report.reject(FILE, line, PROBLEM)
    report.close()
    return report.path.read_bytes()


def test_a_rejected_line_has_its_place_its_reason_and_its_content(tmp_path: Path) -> None:
    # given
    content = {"id": "1", "identifiers": [{"namespace": "email", "value": "ann@example.com"}]}
    # when
    entry = json.loads(rejected(tmp_path, RawLine(7, 0, content)))
    # then
    assert entry == {
        "file": "crm.ndjson",
        "line": 7,
        "result": "REJECTED",
        "code": "INVALID_FIELD",
        "reason": "id: must be a text",
        "path": ["id"],
        "content": content,
    }


def test_nothing_of_who_was_erased_is_in_the_report(tmp_path: Path) -> None:
    # given
    report = Report(tmp_path / "report.ndjson")
    suppressed = Problem("IDENTIFIER_SUPPRESSED", "every identifier of it is suppressed", ("identifiers",))
    # when
    report.reject(FILE, RawLine(7, 0, {"id": "ann-1", "identifiers": []}), suppressed)
    report.drop(
        FILE, 8, DroppedIdentifier("email", "ann@example.com", DroppedIdentifierCode.SUPPRESSED, "is suppressed")
    )
    report.close()
    # then
    text = report.path.read_text("utf-8")
    assert "ann" not in text
    assert [json.loads(line)["result"] for line in text.splitlines()] == ["SUPPRESSED", "DROPPED"]
    assert (report.counts.rejected, report.counts.suppressed, report.counts.dropped) == (0, 1, 1)


@pytest.mark.parametrize("line", [b'{"id": "1", "id": "2"}', b'{"n": 123456789012345678901234567890}', b'{"n":1.10}'])
def test_an_object_is_in_the_report_exactly_as_it_was(tmp_path: Path, line: bytes) -> None:
    assert rejected(tmp_path, RawLine(1, 0, line + b"\n")).endswith(b'"content":' + line + b"}\n")


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (RawLine(1, 0, b"{nope\n"), "{nope"),
        (RawLine(1, 0, b"[1, 2]\n"), "[1, 2]"),
        (RawLine(1, 0, b'{"name": "J\xfcrgen"}'), '{"name": "J\\xfcrgen"}'),
        (RawLine(1, 0, Problem("INVALID_LINE", "has 2 cells"), text="a,b"), "a,b"),
        (RawLine(1, 0, Problem("INVALID_LINE", "has 2 cells"), text="a\udc80,b"), "a\\udc80,b"),
    ],
)
def test_a_line_that_cannot_be_read_is_in_the_report_as_text(tmp_path: Path, line: RawLine, text: str) -> None:
    assert json.loads(rejected(tmp_path, line))["content"] == text


def test_a_line_that_could_be_read_is_in_the_report_as_an_object(tmp_path: Path) -> None:
    # given: a number beyond 64 bits, half of a surrogate pair, and a row of an order
    rows = Header(("number",), {"number": "number"}, ",", has_order_lines=True)
    # then
    assert b'"content":{"number": 1000000000000000000000000000000}}' in rejected(
        tmp_path, RawLine(1, 0, {"number": 10**30})
    )
    assert json.loads(rejected(tmp_path, RawLine(1, 0, {"id": "\ud800"})))["content"] == {"id": "\\ud800"}
    entry = json.loads(rejected(tmp_path, RawLine(1, 0, {"number": "W-1"}, header=rows).rejected(PROBLEM)))
    assert (entry["content"], entry["orderRow"]) == ({"number": "W-1"}, True)
    assert "columns" not in entry


@pytest.mark.parametrize(
    ("delimiter", "content"), [(";", "a;b;c"), ("", {"source": "a", "email": "b", "column 3": "c"})]
)
def test_a_row_that_cannot_be_read_has_the_header_of_its_table(
    tmp_path: Path, delimiter: str, content: str | dict[str, str]
) -> None:
    # given
    header = Header(("source", "E-Mail"), {"source": "source"}, delimiter)
    # when
    entry = json.loads(rejected(tmp_path, RawLine(1, 0, PROBLEM, text=content, header=header)))
    # then
    assert (entry["content"], entry["columns"]) == (content, ["source", "E-Mail"])
    assert entry.get("delimiter", "") == delimiter


def test_a_dropped_identifier_has_its_line_and_its_reason(tmp_path: Path) -> None:
    # given
    report = Report(tmp_path / "report.ndjson")
    dropped = DroppedIdentifier("phone", "unknown", DroppedIdentifierCode.BLOCKED, "is a blocked placeholder")
    # when
    report.drop(FILE, 3, dropped)
    report.close()
    # then
    assert json.loads(report.path.read_bytes()) == {
        "file": "crm.ndjson",
        "line": 3,
        "result": "DROPPED",
        "namespace": "phone",
        "value": "unknown",
        "code": "BLOCKED",
        "reason": "is a blocked placeholder",
    }


def test_the_first_entry_creates_the_file(tmp_path: Path) -> None:
    # given
    report = Report.beside([tmp_path / "crm.csv", tmp_path / "web.csv"])
    # when
    report.close()
    # then
    assert report.path == tmp_path / "crm.csv-report.ndjson"
    assert not report.is_written
    assert not report.path.exists()


def test_a_report_never_replaces_a_file_that_is_read(tmp_path: Path) -> None:
    # given
    file = tmp_path / "crm.csv"
    file.write_text("source,id,email\n")
    # when / then
    with pytest.raises(InvalidInput, match="is one of the files to read"):
        Report.beside([file], tmp_path / "." / "crm.csv")
    with pytest.raises(InvalidInput, match="cannot be written"):
        Report.beside([file], tmp_path / "nowhere" / "report.ndjson")
    with pytest.raises(InvalidInput, match="cannot be written"):
        Report.beside([file], tmp_path)
    (tmp_path / "linked.csv").hardlink_to(file)
    with pytest.raises(InvalidInput, match="is one of the files to read"):
        Report.beside([file], tmp_path / "linked.csv")


def test_an_earlier_report_is_deleted_and_nothing_else(tmp_path: Path) -> None:
    # given
    rejected(tmp_path, RawLine(1, 0, b"{nope"))
    (tmp_path / "report.ndjson").rename(tmp_path / "crm.csv-report.ndjson")
    (tmp_path / "other.csv").write_text("source,id,email\n")
    # when
    report = Report.beside([tmp_path / "crm.csv"])
    # then
    assert report.path.exists()
    report.delete_earlier()
    assert not report.path.exists()
    with pytest.raises(InvalidInput, match="exists and is not a report"):
        Report.beside([tmp_path / "crm.csv"], tmp_path / "other.csv")
    device = Report.beside([tmp_path / "crm.csv"], Path("/dev/null"))
    device.delete_earlier()
    assert device.path.exists()
