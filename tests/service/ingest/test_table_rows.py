"""Rows of a table: those that are blank, and those that cannot be read."""

from pathlib import Path

from graph.domain.model.errors import Problem
from service.ingest.columns import Columns, KnownColumns, match_header
from service.ingest.raw_lines import ReadOptions
from service.ingest.table_rows import named_cells, row_line
from tests.builders.input_files import RULES


def columns(*names: str) -> Columns:
    return match_header(names, KnownColumns(RULES), ReadOptions(), Path("f.csv"), ";")


def test_a_row_has_the_header_of_its_table() -> None:
    # when
    line = row_line(columns("source", "Crm Id"), ["crm", "C1"], 7, 100)
    # then
    assert line is not None
    assert line.value == {"source": "crm", "identifiers": [{"namespace": "crm_id", "value": "C1"}]}
    assert (line.header.names, line.header.delimiter, line.header.fields) == (
        ("source", "Crm Id"),
        ";",
        {"source": "source"},
    )


def test_a_row_of_empty_cells_is_blank() -> None:
    assert row_line(columns("source", "email"), ["", "  "], 7, 100) is None


def test_a_row_that_cannot_be_read_is_its_text_or_its_cells() -> None:
    # given
    table, cells = columns("source", "email", ""), ["crm", "", "x"]
    # when
    text, named = row_line(table, cells, 7, 100, "crm;;x\n"), row_line(table, cells, 7, 100)
    # then
    assert isinstance(text.value, Problem)
    assert (text.text, named.text) == ("crm;;x", {"source": "crm", "email": "", "column 3": "x"})
    assert named_cells(table, ["crm", None, None, 1]) == {"source": "crm", "column 4": 1}
