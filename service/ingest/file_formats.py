"""Read files line by line: NDJSON, or CSV and Parquet with a column for each field and namespace."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from msgspec import Struct

from graph.domain.model.errors import InvalidInput, Problem
from graph.domain.model.rules import Rules

ATTRIBUTE_COLUMN_PREFIX = "attributes."
"""Prefix of a column that holds an attribute, in CSV and Parquet."""
VALUE_SEPARATOR = "|"
"""Separates several values of one namespace in a CSV cell."""

LineContent = bytes | Mapping[str, Any] | Problem
"""The content of a line: its bytes, an object, or the reason why it cannot be read."""


class RawLine(Struct, frozen=True):
    """One line of a file, with its number and the count of bytes up to its end."""

    line: int
    read_bytes: int
    value: LineContent


def raw_lines(path: Path, rules: Rules) -> Iterator[RawLine]:
    """Yield the lines of a file. `records.parse_record` parses them, possibly in another process."""
    match path.suffix.lower():
        case ".parquet":
            yield from _parquet(path, rules)
        case ".csv":
            with path.open("rb") as file:
                yield from _csv(file, rules)
        case _:
            read_bytes = 0
            with path.open("rb") as file:
                for number, line in enumerate(file, 1):
                    read_bytes += len(line)
                    if line.strip():
                        yield RawLine(number, read_bytes, line)


def _csv(file: BinaryIO, rules: Rules) -> Iterator[RawLine]:
    line = read_bytes = 0
    undecodable: list[RawLine] = []

    def decoded_lines() -> Iterator[str]:
        nonlocal line, read_bytes
        for raw in file:
            read_bytes += len(raw)
            line += 1
            try:
                yield raw.decode("utf-8-sig" if line == 1 else "utf-8")
            except UnicodeDecodeError:
                undecodable.append(RawLine(line, read_bytes, Problem("INVALID_LINE", "is not UTF-8")))

    rows = csv.reader(decoded_lines(), strict=True)
    header: list[str] | None = None
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            yield RawLine(line, read_bytes, Problem("INVALID_LINE", f"is not CSV: {error}"))
            continue
        yield from undecodable
        undecodable.clear()
        if row is None:
            return
        if header is None:
            header = [name.strip() for name in row]
            continue
        if not any(row):
            continue
        if len(row) != len(header):
            message = f"has {len(row)} cells, but the header has {len(header)}"
            yield RawLine(line, read_bytes, Problem("INVALID_LINE", message))
            continue
        yield RawLine(line, read_bytes, _row_to_object(dict(zip(header, row, strict=True)), rules))


PARQUET_ROWS = 50_000
"""Rows of a Parquet file that are held in memory at the same time."""


def _parquet(path: Path, rules: Rules) -> Iterator[RawLine]:
    """Yield the rows of a Parquet file, numbered from 1.

    Columns are as in CSV; cells may also be lists, structures and timestamps.
    """
    try:
        import polars
    except ImportError as error:
        raise InvalidInput(
            "MISSING_EXTRA",
            f"{path}: reading Parquet requires the extra `bulk`: from a checkout, pip install '.[bulk]'",
        ) from error
    try:
        frame = polars.scan_parquet(path).with_columns(polars.selectors.datetime().dt.epoch("us"))
        total, size = frame.select(polars.len()).collect().item(), path.stat().st_size
        for start in range(0, total, PARQUET_ROWS):
            part = frame.slice(start, PARQUET_ROWS).collect()
            for number, row in enumerate(part.iter_rows(named=True), start + 1):
                yield RawLine(number, size * number // total, _row_to_object(row, rules))
    except polars.exceptions.PolarsError as error:
        raise InvalidInput("INVALID_FILE", f"{path} cannot be read as Parquet: {error}") from error


def _row_to_object(cells: Mapping[str, Any], rules: Rules) -> dict[str, Any]:
    """Convert a row to the object that an NDJSON line would hold. Empty cells are left out.

    A file of orders has a column `number`; in any other file `order` is a namespace like the others.
    """
    record: dict[str, Any] = {}
    identifiers: list[dict[str, str]] = []
    for name, cell in cells.items():
        if cell is None or (isinstance(cell, str) and not cell.strip()):
            continue
        if name in rules.by_name:
            values = cell.split(VALUE_SEPARATOR) if isinstance(cell, str) else cell
            identifiers += [{"namespace": name, "value": value} for value in values]
        elif name.startswith(ATTRIBUTE_COLUMN_PREFIX):
            record.setdefault("attributes", {})[name.removeprefix(ATTRIBUTE_COLUMN_PREFIX)] = _stripped(cell)
        else:
            record[name] = _stripped(cell)
    record.setdefault("identifiers", []).extend(identifiers)
    return record


def _stripped(cell: Any) -> Any:
    return cell.strip() if isinstance(cell, str) else cell
