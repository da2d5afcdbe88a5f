"""Open files of all formats: NDJSON, CSV, Parquet and spreadsheets, by the ending of the name."""

from collections.abc import Iterator
from pathlib import Path

from graph.domain.model.errors import InvalidInput
from graph.domain.model.rules import Rules
from service.ingest.columns import Columns, KnownColumns, Matcher
from service.ingest.csv_format import find_format
from service.ingest.csv_rows import read_rows
from service.ingest.json_lines import check_lines, read_lines
from service.ingest.order_rows import with_orders
from service.ingest.parquet_rows import read_parquet
from service.ingest.raw_lines import AS_FOUND, Lines, RawLine, ReadOptions
from service.ingest.report_lines import ReportReader, is_report
from service.ingest.text_encoding import find_encoding
from service.ingest.xlsx_rows import SUFFIXES, read_spreadsheet

TEXT_TABLES = frozenset({".csv", ".tsv"})
_MARKS = (
    (b"PK\x03\x04", "a spreadsheet", ".xlsx"),
    (b"\xd0\xcf\x11\xe0", "a spreadsheet", ".xlsx"),
    (b"PAR1", "Parquet", ".parquet"),
)
"""The first bytes of formats that are not texts; the content of a spreadsheet decides whether it is an old one."""


class InputFile:
    """An open file. `findings` say what was found in it; `blank` counts its blank lines as they are read."""

    def __init__(self, lines: Lines, findings: list[str]) -> None:
        self.findings = tuple(findings)
        self.blank = 0
        self._lines = lines

    def lines(self) -> Iterator[RawLine]:
        """Yield the lines that are not blank. `records.parse_record` parses them, possibly in another process."""
        for line in self._lines:
            if line is None:
                self.blank += 1
            else:
                yield line


def open_file(path: Path, rules: Rules, options: ReadOptions = AS_FOUND) -> InputFile:
    """Find how a file is written and check its header, once, before its first line.

    Raises `InvalidInput` that names the file if it cannot be used as a whole.
    """
    try:
        return open_with(path, KnownColumns(rules), options, path.suffix)
    except OSError as error:
        raise InvalidInput("INVALID_FILE", f"{path} cannot be read: {error.strerror}") from error


def open_with(path: Path, known: Matcher, options: ReadOptions, suffix: str) -> InputFile:
    """Open a file of the format of a suffix, as `open_file` does; what its columns hold, the matcher knows."""
    suffix = suffix.lower()
    if suffix == ".parquet":
        columns, lines = read_parquet(path, known, options)
        return InputFile(_joined(columns, lines), columns.findings())
    if suffix in SUFFIXES:
        sheet, lines, findings = read_spreadsheet(path, known, options)
        if sheet is None:
            return InputFile(lines, findings)
        return InputFile(_joined(sheet, lines), findings + sheet.findings())
    _check_is_text(path)
    encoding = find_encoding(path, options.encoding)
    if suffix not in TEXT_TABLES:
        lines = read_lines(path, encoding)
        if is_report(path, encoding):
            lines = with_orders(ReportReader(path, known, options).read(lines))
            return InputFile(lines, [encoding.finding, "a report, of which the rejected lines are read"])
        check_lines(path, encoding)
        return InputFile(lines, [encoding.finding])
    csv_format = find_format(path, encoding, known, options)
    findings = [encoding.finding, *csv_format.findings]
    if not csv_format.header:
        return InputFile(iter(()), findings)
    columns = known.match(csv_format.header, options, path, csv_format.delimiter)
    lines = read_rows(path, encoding, csv_format, columns)
    return InputFile(_joined(columns, lines), findings + columns.findings())


def _joined(columns: Columns, lines: Lines) -> Lines:
    return with_orders(lines) if columns.header.has_order_lines else lines


def _check_is_text(path: Path) -> None:
    """Raise `InvalidInput` if a file that should be a text begins as another format does."""
    with path.open("rb") as file:
        start = file.read(8)
    for mark, format, suffix in _MARKS:
        if start.startswith(mark):
            raise InvalidInput("INVALID_FILE", f"{path} is {format}: name it {suffix}")
