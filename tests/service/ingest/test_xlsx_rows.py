"""Spreadsheets: the first sheet with data, its types, and the errors of its cells."""

import sys
from datetime import date, datetime
from pathlib import Path

import pytest

from graph.domain.model.errors import InvalidInput
from tests.builders.input_files import RULES, read_file
from tests.builders.spreadsheets import EmptyText, Formula, Uncomputed, write_spreadsheet

pytest.importorskip("python_calamine")

HEADER = ["id", "source", "Seen At", "crm_id", "email", None]


def test_the_first_sheet_with_data_is_read(tmp_path: Path) -> None:
    # given
    path = write_spreadsheet(
        tmp_path / "f.xlsx",
        cover=[],
        people=[
            [None],
            HEADER,
            [1, "crm", datetime(2026, 3, 1, 10), 4711, "a@example.com"],
            [None],
            [2, "crm", date(2026, 3, 2), '="0012"', "b@example.com"],
            [3, "crm", 46115.4, "C-3", "c@example.com"],
            [4, "crm", None, 4711.5, "d@example.com"],
            [5, "crm", None, "C-5", None, "x"],
        ],
        others=[["x"]],
    )
    # when
    file = read_file(path)
    # then: rows have the numbers that the spreadsheet shows
    assert {line: (s.id, s.seen_at, s.identifiers[0]) for line, s in file.accepted.items()} == {
        3: ("1", 1_772_359_200_000_000, ("crm_id", "4711")),
        5: ("2", 1_772_409_600_000_000, ("crm_id", '="0012"')),
    }
    assert sorted(file.rejected) == [6, 7, 8]
    assert "day number of a spreadsheet" in file.rejected[6]
    assert "crm_id is 4711.5" in file.rejected[7]
    assert file.rejected[8] == "has more cells than the header, which has 5"
    assert (file.rows, file.blank) == (6, 1)
    assert file.findings[:2] == ("sheet people", "other sheets are not read: others")


def test_an_error_in_a_cell_is_not_an_empty_cell(tmp_path: Path) -> None:
    # given
    rows = [HEADER, [1, "crm", None, "C-1", Formula("#N/A")], [2, "crm", Formula("#REF!"), "C-2", None]]
    # when
    file = read_file(write_spreadsheet(tmp_path / "f.xlsx", people=rows))
    # then
    (namespace, value) = file.accepted[2].identifiers[1]
    assert (namespace, value) == ("email", "#N/A")
    assert not isinstance(RULES.normalize_value(namespace, value), str)
    assert "'#REF!' is not an ISO 8601 date" in file.rejected[3]


def test_an_empty_spreadsheet_has_no_lines(tmp_path: Path) -> None:
    assert read_file(write_spreadsheet(tmp_path / "f.xlsx", empty=[])).rows == 0


@pytest.mark.parametrize("result", ["", "<v></v>", "<v/>", "<v />"])
def test_a_formula_without_a_result_rejects_its_row(tmp_path: Path, result: str) -> None:
    # given: also in the last cell of the last row, where no cell has a value
    empty = Uncomputed(result)
    rows = [
        [*HEADER[:-1], "Memo"],
        [1, "crm", None, empty, "a@example.com"],
        [2, "crm", None, "C-2", EmptyText()],
        [3, "crm", None, "C-3", "c@example.com", empty],
        [None, None, None, None, empty],
    ]
    # when
    file = read_file(write_spreadsheet(tmp_path / "f.xlsx", people=rows), ignored_columns=frozenset({"Memo"}))
    # then
    reason = "is a formula without a result; open and save the file in the spreadsheet program"
    assert file.rejected == {2: f"crm_id {reason}", 5: f"email {reason}"}
    assert {line: s.identifiers for line, s in file.accepted.items()} == {
        3: (("crm_id", "C-2"),),
        4: (("crm_id", "C-3"), ("email", "c@example.com")),
    }
    assert file.lines[0].text["crm_id"] == {"invalid": ""}


def test_formulas_without_a_result_are_found_in_large_sheets(tmp_path: Path) -> None:
    # given: more than a part of the sheet that is read at a time
    rows = [HEADER[:-1], *([n, "crm", None, Uncomputed("<v>1</v>") if n % 50 else Uncomputed()] for n in range(2_000))]
    # when
    file = read_file(write_spreadsheet(tmp_path / "f.xlsx", people=rows))
    # then
    assert sorted(file.rejected) == list(range(2, 2_002, 50))


def test_the_content_of_a_file_decides_about_its_format(tmp_path: Path) -> None:
    # given
    text, sheet = tmp_path / "f.xlsx", tmp_path / "f.csv"
    text.write_text("source,email\n")
    write_spreadsheet(sheet, people=[["source", "email"]])
    # then
    with pytest.raises(InvalidInput, match=r"f\.xlsx is not a spreadsheet: name it \.csv"):
        read_file(text)
    with pytest.raises(InvalidInput, match=r"f\.csv is a spreadsheet: name it \.xlsx"):
        read_file(sheet)
    with pytest.raises(InvalidInput, match=r"g\.csv is a spreadsheet: name it \.xlsx"):
        read_file(tmp_path / "g.csv", b"\xd0\xcf\x11\xe0" + bytes(40))


@pytest.mark.parametrize("content", [b"", b"\0no", b"PK\x03\x04" + bytes(40)])
def test_a_file_that_is_not_a_spreadsheet_is_invalid_input(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"f\.xlsx cannot be read as a spreadsheet"):
        read_file(tmp_path / "f.xlsx", content)


def test_without_the_extra_the_error_says_what_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # given
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    # when
    with pytest.raises(InvalidInput) as caught:
        read_file(tmp_path / "f.xlsx", b"")
    # then
    assert caught.value.code == "MISSING_EXTRA"
    assert "requires the extra `xlsx`" in str(caught.value)
    assert "save the sheet as CSV UTF-8" in str(caught.value)


def test_a_hidden_sheet_is_not_read(tmp_path: Path) -> None:
    # given
    old, new = [["crm_id", "email"], ["C-1", "ann@example.com"]], [["crm_id", "email"], ["C-2", "bob@example.com"]]
    path = write_spreadsheet(tmp_path / "f.xlsx", hidden=["Old"], Old=old, New=new)
    # when
    file = read_file(path)
    # then
    assert "sheet New" in file.findings
    assert [statement.identifiers[0] for statement in file.accepted.values()] == [("crm_id", "C-2")]
