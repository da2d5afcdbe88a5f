"""Read the rows of a CSV file, so that a broken row costs itself and none of the rows behind it."""

import csv
import re
from pathlib import Path
from typing import Self

from service.ingest.columns import Columns
from service.ingest.csv_format import CsvFormat, csv_reason, unescaped
from service.ingest.raw_lines import Lines, RawLine
from service.ingest.table_rows import is_blank, rejected, row_line
from service.ingest.text_encoding import Encoding
from service.ingest.text_lines import NOT_DECODED, TextLines, is_broken, shown

MAX_ROW_LINES = 1_000
"""Lines of the file that one row may have, in quoted cells."""
_QUOTES = re.compile(r"""\s*=?"|.*<""")
"""Quotes that an identifier may have: those of spreadsheets (`="0012"`), and those of the name in an email address."""
END_OF_COPY = "\\."
"""The last line of a table that PostgreSQL's COPY has written."""
NULL = "\\N"
"""How databases export a value that is not there."""


def read_rows(path: Path, encoding: Encoding, csv_format: CsvFormat, columns: Columns) -> Lines:
    """Yield the rows of a file behind its header, each with the number of its first line."""
    lines = TextLines(path, encoding)
    try:
        for _ in range(csv_format.header_line):
            next(lines)
        yield from _Rows(lines, csv_format, columns).read()
    finally:
        lines.close()


class _Rows:
    def __init__(self, lines: TextLines, csv_format: CsvFormat, columns: Columns) -> None:
        self._lines = lines
        self._delimiter = csv_format.delimiter
        self._columns = columns
        self._row = _RowLines(lines, csv_format.escapes_quotes)
        self._reader = csv.reader(self._row, delimiter=csv_format.delimiter, strict=True)

    def read(self) -> Lines:
        lines, delimiter, columns, width = self._lines, self._delimiter, self._columns, self._columns.width
        for line in lines:
            if '"' in line:
                yield self._quoted(line)
                continue
            # Without quotes this is what the reader does, in a fifth of the time.
            cells = line.rstrip("\r\n").split(delimiter)
            if len(cells) != width or not line.isascii() or "\\" in line or cells[0] == columns.names[0]:
                yield self._checked(cells, line, lines.line)
            else:
                yield row_line(columns, cells, lines.line, lines.read_bytes, line)

    def _quoted(self, line: str) -> RawLine | None:
        """Read a row with quotes, which may have more lines than this one."""
        number = self._lines.line
        self._row.begin(line)
        try:
            cells = next(self._reader)
        except csv.Error as error:
            return self._broken(number, csv_reason(error))
        taken = self._row.taken
        if len(taken) > 1 and (len(cells) != self._columns.width or self._contains_rows(cells, taken)):
            return self._broken(number, "is not CSV: a quote is open, and rows follow before the next quote")
        for name, cell in self._columns.single_line_cells(cells):
            if "\n" in cell:
                return self._broken(number, f"is not CSV: a quote is open, or {name} has a line break")
            if '"' in cell and not _QUOTES.match(cell):
                return self._broken(number, f"is not CSV: {name} has a quote in it")
        return self._checked(cells, "".join(taken), number)

    def _broken(self, number: int, reason: str) -> RawLine:
        """Reject the first line of a row, and read on behind it."""
        first, *others = self._row.taken
        self._lines.push_back(others)
        return rejected(number, self._lines.read_bytes, reason, shown(first), self._columns.header)

    def _contains_rows(self, cells: list[str], lines: list[str]) -> bool:
        """Whether lines behind the first are rows of their own, which an open quote has swallowed."""
        first, *others = lines
        # The last line ends the quoted cell. If others precede that cell, it has too few cells to be a row of its own.
        begins_inside = self._delimiter in first[: first.rindex('"')]
        for line in others:
            if '"' in line and not begins_inside:
                continue
            inner = next(csv.reader([line], delimiter=self._delimiter), [])
            if self._columns.looks_like_row(inner, cells):
                return True
        return False

    def _checked(self, cells: list[str], text: str, number: int) -> RawLine | None:
        read_bytes, header = self._lines.read_bytes, self._columns.header
        if text.rstrip() == END_OF_COPY:
            return None
        if is_broken(text):
            return rejected(number, read_bytes, NOT_DECODED, shown(text), header)
        if NULL in cells:
            cells = ["" if cell == NULL else cell for cell in cells]
        if is_blank(cells[self._columns.width :]):
            cells = cells[: self._columns.width]
        if tuple(map(str.strip, cells)) == self._columns.names:
            return rejected(number, read_bytes, "repeats the header", shown(text), header)
        missing = self._columns.names[len(cells) :]
        if missing and not any(missing):
            cells = [*cells, *missing]
        if len(cells) != self._columns.width:
            if is_blank(cells):
                return None
            reason = f"has {len(cells)} cells, but the header has {self._columns.width}"
            return rejected(number, read_bytes, reason, shown(text), header)
        return row_line(self._columns, cells, number, read_bytes, text)


class _RowLines:
    """The lines of one row: the first, and those that the CSV reader needs to close a quote."""

    def __init__(self, lines: TextLines, escapes_quotes: bool) -> None:
        self._lines = lines
        self._escapes_quotes = escapes_quotes
        self._first = ""
        self.taken: list[str] = []

    def begin(self, first: str) -> None:
        """Begin a row with its first line."""
        self._first = first
        self.taken = []

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        if len(self.taken) == MAX_ROW_LINES:
            raise StopIteration
        line = next(self._lines) if self.taken else self._first
        self.taken.append(line)
        return unescaped(line) if self._escapes_quotes else line
