"""Tables of other systems: rows become objects under the names of the header, whatever they are."""

from pathlib import Path
from typing import Any

import pytest

from service.ingest.any_columns import AnyColumns
from service.ingest.file_formats import InputFile, open_with
from service.ingest.raw_lines import AS_FOUND
from tests.builders.spreadsheets import write_spreadsheet


def opened(path: Path) -> InputFile:
    return open_with(path, AnyColumns(), AS_FOUND, path.suffix)


def values(path: Path) -> list[Any]:
    return [line.value for line in opened(path).lines()]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_header_is_taken_as_it_is(tmp_path: Path, delimiter: str) -> None:
    # given: a name that Kith knows too, one it does not know, an empty one, a name of two columns
    file = tmp_path / "a.csv"
    rows = [
        ["Email", "Lead Status", "", "image", "image"],
        ["a@x.example", "New, hot" * (delimiter != ","), "x", "1", "2"],
    ]
    file.write_text("\n".join(delimiter.join(row) for row in rows))
    # then
    found = {"Email": "a@x.example", "image": ["1", "2"]}
    if delimiter != ",":
        found["Lead Status"] = "New, hot"
    assert values(file) == [found]
    assert "columns Email, Lead Status, image, image" in opened(file).findings


def test_a_row_with_an_open_quote_costs_itself_only(tmp_path: Path) -> None:
    # given
    file = tmp_path / "a.csv"
    file.write_text('id,name,note\n1,"Ann,x\n2,Bob,y\n3,"Cy\nlia",z\n')
    # when
    lines = list(opened(file).lines())
    # then
    assert [line.value for line in lines[1:]] == [
        {"id": "2", "name": "Bob", "note": "y"},
        {"id": "3", "name": "Cy\nlia", "note": "z"},
    ]
    assert "is not CSV" in lines[0].value.message


def test_a_number_that_a_spreadsheet_has_rounded_is_no_text(tmp_path: Path) -> None:
    # given
    file = write_spreadsheet(tmp_path / "a.xlsx", sheet=[["id", "total"], [4711, 12.5], [1234567890123456000, 1]])
    # when
    first, second = opened(file).lines()
    # then
    assert first.value == {"id": "4711", "total": "12.5"}
    assert "id is 1234567890123456000, which is a number that a spreadsheet has rounded" in second.value.message
