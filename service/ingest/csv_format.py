"""How a CSV file is written: what separates its cells, how quotes in cells are written, where its header is."""

import csv
import re
from io import StringIO
from itertools import islice
from pathlib import Path

from msgspec import Struct

from graph.domain.model.errors import InvalidInput
from service.ingest.columns import Matcher
from service.ingest.raw_lines import ReadOptions
from service.ingest.text_encoding import Encoding
from service.ingest.text_lines import TextLines, is_broken

DELIMITERS = (",", ";", "\t", "|")
SAMPLE_LINES = 5_000
"""Lines from which the writing of quotes is found."""
_SHOWN = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars", " ": "blanks"}
_SEP = re.compile(r'"?sep=(?P<delimiter>[^"\r\n])"?[\s,;]*', re.IGNORECASE)
"""A first line that Excel reads as the delimiter, and not as data."""
_ESCAPED_QUOTE = re.compile(r'(?<!\\)((?:\\\\)*)\\"')


class CsvFormat(Struct, frozen=True):
    """How a file is written. `header_line` is the number of the line with the header, 0 if the file has none."""

    delimiter: str
    escapes_quotes: bool
    header: tuple[str, ...]
    header_line: int
    findings: tuple[str, ...]


def unescaped(line: str) -> str:
    """Return a line with quotes in cells doubled, as the CSV reader reads them, instead of behind a backslash."""
    return _ESCAPED_QUOTE.sub(r'\1""', line)


def find_format(path: Path, encoding: Encoding, known: Matcher, options: ReadOptions) -> CsvFormat:
    """Return how a file is written. Raises `InvalidInput` if a chosen delimiter or the header cannot be used."""
    chosen, finding = _chosen(options.delimiter), ", as given" if options.delimiter else ""
    lines = TextLines(path, encoding)
    try:
        header = next((line for line in lines if line.strip()), "")
        if sep := _SEP.fullmatch(header.strip("\r\n")):
            if not chosen:
                chosen, finding = sep["delimiter"], ", as its first line says"
            header = next((line for line in lines if line.strip()), "")
        if not header:
            return CsvFormat(chosen or ",", False, (), 0, ("no header, because the file is empty",))
        if is_broken(header):
            message = f"{path}: the header cannot be decoded; name the encoding of the file with --encoding"
            raise InvalidInput("INVALID_FILE", message)
        header_line = lines.line
        delimiter = chosen or max(DELIMITERS, key=lambda delimiter: known.count(_cells(path, header, delimiter)))
        names = _cells(path, header, delimiter)
        escapes = _escapes_quotes(lines, delimiter, len(names))
    finally:
        lines.close()
    separated = f"cells separated by {_SHOWN.get(delimiter, delimiter)}{finding}"
    quotes = ('quotes in cells written as \\"',) if escapes else ()
    return CsvFormat(delimiter, escapes, tuple(names), header_line, (separated, *quotes))


def _chosen(delimiter: str) -> str:
    if delimiter.lower() in ("tab", "\\t"):
        return "\t"
    if len(delimiter) > 1 or delimiter in ('"', "\r", "\n"):
        message = f"the delimiter is {delimiter[:20]!r}; one character is allowed, or the word tab"
        raise InvalidInput("INVALID_SETTING", message, ("delimiter",))
    return delimiter


def _cells(path: Path, header: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([header], delimiter=delimiter))
    except csv.Error as error:
        raise InvalidInput("INVALID_FILE", f"{path}: the header is not CSV: {error}") from None


def _escapes_quotes(lines: TextLines, delimiter: str, width: int) -> bool:
    """Whether more lines with a backslash before a quote are rows if it belongs to the quote than if it does not."""
    suspects = [line for line in islice(lines, SAMPLE_LINES) if '\\"' in line]
    escaped = sum(_is_row(unescaped(line), delimiter, width) for line in suspects)
    return escaped > sum(_is_row(line, delimiter, width) for line in suspects)


def csv_reason(error: csv.Error) -> str:
    """Return why a row is not CSV."""
    return f"is not CSV: {'a quote is open' if 'end of data' in str(error) else error}"


def split_row(text: str, delimiter: str, width: int) -> list[str]:
    """Return the cells of a row that may have several lines. Raises `ValueError` if it has another number of cells."""
    candidates = (text, unescaped(text)) if '\\"' in text else (text,)
    reason = "is not CSV"
    for candidate in candidates:
        try:
            rows = list(csv.reader(StringIO(candidate, newline=""), delimiter=delimiter, strict=True))
        except csv.Error as error:
            reason = csv_reason(error)
            continue
        if len(rows) == 1 and len(rows[0]) == width:
            return rows[0]
        reason = f"has {sum(map(len, rows))} cells, but the header has {width}"
    raise ValueError(reason)


def _is_row(line: str, delimiter: str, width: int) -> bool:
    try:
        return len(next(csv.reader([line], delimiter=delimiter, strict=True))) == width
    except csv.Error:
        return False
