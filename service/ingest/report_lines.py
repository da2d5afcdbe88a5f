"""Read the rejected lines of a report of an import, so that they are imported after they were corrected."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from graph.domain.model.errors import InvalidInput, Problem
from service.ingest.columns import Columns, Matcher
from service.ingest.csv_format import split_row
from service.ingest.json_lines import read_lines
from service.ingest.json_objects import parse_object
from service.ingest.raw_lines import Header, Lines, RawLine, ReadOptions
from service.ingest.table_rows import rejected, row_line
from service.ingest.text_encoding import Encoding
from service.ingest.text_lines import NOT_DECODED
from service.ingest.typed_cells import typed_row

RESULTS = ("REJECTED", "DROPPED", "SUPPRESSED", "LARGE")
"""The results of the entries of a report."""
_UNREAD_BYTE = re.compile(r"\\x[89a-f][0-9a-f]")
"""A byte that could not be decoded, as `text_lines.shown` writes it."""
_ORDER_ROW = Header((), {}, has_order_lines=True)
"""The header of rows of orders that could be read: nothing but the rows themselves is known of their file."""


def is_report(path: Path, encoding: Encoding) -> bool:
    """Whether a file is the report of an import, by its first line."""
    first = next((line for line in read_lines(path, encoding) if line is not None), None)
    return first is not None and isinstance(first.value, bytes) and entry_of(first.value) is not None


def entry_of(line: bytes) -> dict[str, Any] | None:
    """Return the entry of a report, if a line is one."""
    try:
        entry = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    is_entry = isinstance(entry, dict) and entry.get("result") in RESULTS and "file" in entry and "line" in entry
    return entry if is_entry else None


class ReportReader:
    """Reads the rejected lines that a report holds. Other entries are as blank lines."""

    def __init__(self, path: Path, known: Matcher, options: ReadOptions) -> None:
        self._path = path
        self._known = known
        self._options = options
        self._columns: dict[tuple[str, ...], Columns] = {}

    def read(self, lines: Lines) -> Lines:
        """Yield the rejected lines of a report, and lines that are not of a report as they are."""
        for line in lines:
            if line is None or not isinstance(line.value, bytes):
                yield line
                continue
            # Parsed as an object, so that a key that occurs twice in the rejected line is found again.
            parsed, entry = parse_object(line.value), entry_of(line.value)
            if isinstance(parsed, Problem):
                text = line.value.decode("utf-8", "backslashreplace")
                yield rejected(line.line, line.read_bytes, parsed.message, text)
            elif entry is None:
                yield line
            elif entry["result"] != "REJECTED":
                yield None
            else:
                yield self._line(line, entry)

    def _line(self, line: RawLine, entry: Mapping[str, Any]) -> RawLine | None:
        content, names = entry.get("content"), entry.get("columns")
        if isinstance(names, list) and isinstance(content, dict | str) and content:
            return self._row(line, content, tuple(map(str, names)), str(entry.get("delimiter") or ","))
        if isinstance(content, dict):
            header = _ORDER_ROW if entry.get("orderRow") is True else None
            return RawLine(line.line, line.read_bytes, content, header=header)
        if isinstance(content, str) and content.lstrip().startswith("{"):
            return RawLine(line.line, line.read_bytes, content.encode("utf-8", "backslashreplace"))
        text = content if isinstance(content, str) else ""
        reason = "is the text of a line that could not be read; correct it first"
        return rejected(line.line, line.read_bytes, reason, text)

    def _row(
        self, line: RawLine, content: str | Mapping[str, Any], names: tuple[str, ...], delimiter: str
    ) -> RawLine | None:
        """Read the text of a row, or its cells by the names of their columns, under the header of its file."""
        try:
            key = (delimiter, *names)
            columns = self._columns.get(key) or self._known.match(names, self._options, self._path, delimiter)
        except InvalidInput as error:
            return rejected(line.line, line.read_bytes, error.message, content, Header(names, {}, delimiter))
        self._columns[key] = columns
        if isinstance(content, str) and _UNREAD_BYTE.search(content):
            reason = f"{NOT_DECODED}, here written as \\x and two digits"
            return rejected(line.line, line.read_bytes, reason, content, columns.header)
        try:
            cells = split_row(content, delimiter, columns.width) if isinstance(content, str) else _cells(content, names)
        except ValueError as error:
            return rejected(line.line, line.read_bytes, str(error), content, columns.header)
        if isinstance(content, str):
            return row_line(columns, cells, line.line, line.read_bytes, content)
        return typed_row(columns, cells, line.line, line.read_bytes, is_spreadsheet=True)


def _cells(content: Mapping[str, Any], names: tuple[str, ...]) -> list[Any]:
    """Return the cells of a row in the order of the columns. Raises `ValueError` if it has others."""
    known = [name or f"column {at}" for at, name in enumerate(names, 1)]
    if others := [name for name in content if name not in known]:
        raise ValueError(f"has cells that are in no column of the header: {', '.join(others)[:200]}")
    return [content.get(name) for name in known]
