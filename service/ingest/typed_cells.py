"""Cells that have a type, of Parquet files and spreadsheets, as the values that records hold."""

import base64
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from math import isfinite, isnan
from typing import Any

from msgspec import Struct

from graph.domain.model.cleaning import MAX_EXACT_DIGITS
from graph.domain.model.json_text import MAX_JSON_DEPTH
from graph.domain.model.orders import format_decimal
from service.ingest.any_columns import ANY
from service.ingest.columns import ATTRIBUTE, IDENTIFIER, IGNORED, Columns
from service.ingest.raw_lines import RawLine
from service.ingest.record_fields import MAX_EXACT
from service.ingest.table_rows import named_cells, rejected, row_line

_MIDNIGHT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T00:00:00(?:Z|\+00:00)?")


class InvalidCell(ValueError):
    """A cell that no record can hold; the message of that of a row names the column.

    `cells` is the row with an object in place of each such cell, so that it must be corrected before it is read again.
    """

    def __init__(self, message: str, cells: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.cells = cells


class Unusable(Struct, frozen=True):
    """A cell of which only the reason is known why it cannot be used, and a text that shows what it is."""

    reason: str
    shown: str = ""

    def __str__(self) -> str:
        return self.shown


def typed_row(
    columns: Columns, cells: Sequence[Any], line: int, read_bytes: int, is_spreadsheet: bool
) -> RawLine | None:
    """Return the line of a row with as many cells as there are columns."""
    try:
        return row_line(columns, record_cells(cells, columns, is_spreadsheet), line, read_bytes)
    except InvalidCell as error:
        return rejected(line, read_bytes, str(error), named_cells(columns, error.cells), columns.header)


def record_cells(cells: Sequence[Any], columns: Columns, is_spreadsheet: bool) -> list[Any]:
    """Return the cells of a row as texts, lists, objects and `None`. Raises `InvalidCell`."""
    converted: list[Any] = []
    reason = ""
    for name, kind, cell in zip(columns.names, columns.kinds, cells, strict=True):
        try:
            converted.append(None if kind == IGNORED and name else _converted(cell, kind, is_spreadsheet))
        except InvalidCell as error:
            reason = reason or f"{name} {error}"
            converted.append({"invalid": str(cell)})
    if reason:
        raise InvalidCell(reason, converted)
    return converted


def _converted(cell: Any, kind: str, is_spreadsheet: bool) -> Any:
    if kind == IDENTIFIER:
        return _identifiers(cell, is_spreadsheet)
    if kind == ANY and isinstance(cell, float) and cell.is_integer():
        # It may be an identifier, of which a digit more or less makes another one.
        _check_exact(cell, is_spreadsheet)
    value = _value(cell, 0)
    # The type of a date of birth is often that of a time.
    return _midnight_as_date(value) if kind == ATTRIBUTE and isinstance(value, str) else value


def _midnight_as_date(text: str) -> str:
    match = _MIDNIGHT.fullmatch(text)
    return match[1] if match else text


def _identifiers(cell: Any, is_spreadsheet: bool) -> str | list[str] | None:
    if isinstance(cell, list | tuple):
        values = [_identifier(value, is_spreadsheet) for value in cell]
        return [value for value in values if value is not None]
    return _identifier(cell, is_spreadsheet)


def _identifier(cell: Any, is_spreadsheet: bool) -> str | None:
    if isinstance(cell, float) and not isnan(cell):
        _check_exact(cell, is_spreadsheet)
    if isinstance(cell, date | time | timedelta):
        raise InvalidCell(f"is the date or time {cell}, which may have been something else before")
    if isinstance(cell, Mapping | list | tuple):
        raise InvalidCell("is a list or an object, which cannot be an identifier")
    value: str | None = _value(cell, 0)
    return value


def _check_exact(number: float, is_spreadsheet: bool) -> None:
    if not number.is_integer():
        raise InvalidCell(f"is {number!r}, which is not a whole number and may have been rounded")
    # Spreadsheets keep 15 digits and write 0 for all others.
    is_cut = is_spreadsheet and abs(number) >= 10**MAX_EXACT_DIGITS and number % 10 == 0
    if abs(number) > MAX_EXACT or is_cut:
        raise InvalidCell(f"is {number:.0f}, which is a number that a spreadsheet has rounded; format it as text")


def _value(cell: Any, depth: int) -> Any:
    match cell:
        case None | str():
            return cell
        case bool():
            return "true" if cell else "false"
        case int():
            return str(cell)
        case float():
            return _float(cell)
        case Decimal():
            return _decimal(cell)
        case datetime() | date() | time():
            return cell.isoformat()
        case timedelta():
            return str(cell)
        case bytes():
            return _text(cell)
        case Unusable():
            raise InvalidCell(cell.reason)
        case Mapping() | list() | tuple():
            return _nested(cell, depth + 1)
        case _:
            raise InvalidCell(f"has a value of the type {type(cell).__name__}, which cannot be read")


def _float(cell: float) -> str | None:
    if isnan(cell):
        return None
    if not isfinite(cell):
        raise InvalidCell("is an infinite number")
    return str(int(cell)) if cell.is_integer() and abs(cell) <= MAX_EXACT else format(Decimal(repr(cell)), "f")


def _decimal(cell: Decimal) -> str | None:
    if cell.is_nan():
        return None
    if not cell.is_finite():
        raise InvalidCell("is an infinite number")
    return format_decimal(cell)


def _text(cell: bytes) -> str:
    try:
        return cell.decode()
    except UnicodeDecodeError:
        shown = base64.b64encode(cell[:12]).decode()
        raise InvalidCell(f"holds bytes that are not text (in Base64 {shown})") from None


def _nested(cell: Any, depth: int) -> Any:
    """Return lists and objects as NDJSON has them, with numbers as numbers."""
    if depth > MAX_JSON_DEPTH:
        raise InvalidCell(f"is nested deeper than {MAX_JSON_DEPTH} levels")
    if isinstance(cell, Mapping):
        return {str(name): _inner(value, depth) for name, value in cell.items()}
    return [_inner(value, depth) for value in cell]


def _inner(cell: Any, depth: int) -> Any:
    if isinstance(cell, bool | int):
        return cell
    if isinstance(cell, float) and isfinite(cell):
        return cell
    return _value(cell, depth)
