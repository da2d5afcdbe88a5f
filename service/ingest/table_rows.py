"""From the rows of a table to lines: blank rows, and rows that cannot be read."""

from collections.abc import Mapping, Sequence
from typing import Any

from graph.domain.model.errors import Problem
from service.ingest.columns import Columns
from service.ingest.raw_lines import Header, RawLine
from service.ingest.text_lines import shown


def rejected(
    line: int, read_bytes: int, reason: str, text: str | Mapping[str, Any], header: Header | None = None
) -> RawLine:
    """Return a line that cannot be read."""
    return RawLine(line, read_bytes, Problem("INVALID_LINE", reason), 1, text, None, header)


def row_line(columns: Columns, cells: Sequence[Any], line: int, read_bytes: int, text: str = "") -> RawLine | None:
    """Return the line of a row with as many cells as there are columns; `text` is the row of a text file."""
    try:
        record = columns.record(cells)
    except ValueError as error:
        content = shown(text) if text else named_cells(columns, cells)
        return rejected(line, read_bytes, str(error), content, columns.header)
    if not record and is_blank(cells):
        return None
    return RawLine(line, read_bytes, record, header=columns.header)


def is_blank(cells: Sequence[Any]) -> bool:
    """Whether all cells of a row are empty."""
    return all(cell is None or (isinstance(cell, str) and not cell.strip()) for cell in cells)


def named_cells(columns: Columns, cells: Sequence[Any]) -> dict[str, Any]:
    """Return the cells of a row that are not empty by the names of their columns; unnamed ones by their numbers."""
    names = {at: name for at, name in enumerate(columns.names) if name}
    return {names.get(at, f"column {at + 1}"): cell for at, cell in enumerate(cells) if cell is not None}
