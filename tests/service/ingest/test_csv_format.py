"""How a CSV file is written is found from its header and its first lines, and said."""

from pathlib import Path

import pytest

from graph.domain.model.errors import InvalidInput
from service.ingest.csv_format import unescaped
from tests.builders.input_files import read_file


@pytest.mark.parametrize(
    ("delimiter", "name"), [(",", "commas"), (";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")]
)
def test_the_delimiter_is_the_one_with_most_known_names(tmp_path: Path, delimiter: str, name: str) -> None:
    # given
    content = "id,source,seenAt,crm_id\n1,crm,2026-03-01T10:00:00Z,C-1\n".replace(",", delimiter)
    # when
    file = read_file(tmp_path / "f.csv", content)
    # then
    assert file.accepted[2].identifiers == (("crm_id", "C-1"),)
    assert f"cells separated by {name}" in file.findings


def test_the_line_of_excel_that_names_the_delimiter_is_not_data(tmp_path: Path) -> None:
    # when
    file = read_file(tmp_path / "f.csv", "sep=;\r\nsource;crm_id\r\ncrm;C-1\r\n")
    # then
    assert file.accepted[3].identifiers == (("crm_id", "C-1"),)
    assert "cells separated by semicolons, as its first line says" in file.findings


@pytest.mark.parametrize("chosen", ["tab", "TAB", "\\t", "\t"])
def test_a_chosen_delimiter_is_used(tmp_path: Path, chosen: str) -> None:
    # when
    file = read_file(tmp_path / "f.csv", "source\tcrm_id\ncrm\tC-1\n", delimiter=chosen)
    # then
    assert file.accepted[2].source == "crm"
    assert "cells separated by tabs, as given" in file.findings


@pytest.mark.parametrize("chosen", ["::", '"', "\n"])
def test_a_delimiter_that_cannot_be_used_is_invalid_input(tmp_path: Path, chosen: str) -> None:
    with pytest.raises(InvalidInput, match="one character is allowed"):
        read_file(tmp_path / "f.csv", "source,crm_id\n", delimiter=chosen)


def test_quotes_behind_a_backslash_are_found(tmp_path: Path) -> None:
    # given
    content = 'source,crm_id,evidence\ncrm,C-1,"size 5\\", blue"\ncrm,C-2,"a ""b"" c"\n'
    # when
    file = read_file(tmp_path / "f.csv", content)
    # then
    assert [line.evidence for line in file.accepted.values()] == ['size 5", blue', 'a "b" c']
    assert 'quotes in cells written as \\"' in file.findings


def test_a_backslash_at_the_end_of_a_cell_is_kept(tmp_path: Path) -> None:
    # when
    file = read_file(tmp_path / "f.csv", 'source,crm_id,evidence\ncrm,C-1,"C:\\dir\\"\n')
    # then
    assert file.accepted[2].evidence == "C:\\dir\\"


def test_an_escaped_backslash_before_a_quote_stays() -> None:
    assert unescaped(r'"a\"b","c\\"') == r'"a""b","c\\"'


def test_an_empty_file_has_no_lines(tmp_path: Path) -> None:
    assert read_file(tmp_path / "f.csv", "").rows == 0
