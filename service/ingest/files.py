"""Files line by line as they stand: NDJSON, or CSV and Parquet with a column a field and a namespace."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from msgspec import Struct

from graph.domain.model.errors import InvalidInput, Problem
from graph.domain.model.rules import Rules

ATTRIBUTE = "attributes."
"""What the column of an attribute begins with in CSV."""
MANY = "|"
"""Separates several values of one namespace in a CSV cell."""


Value = bytes | Mapping[str, Any] | Problem
"""What a line holds: as it stands, as an object, or why it cannot be read."""


class Raw(Struct, frozen=True):
    """One line of a file with its number and the bytes up to its end."""

    line: int
    read_bytes: int
    value: Value


def raw_lines(path: Path, rules: Rules) -> Iterator[Raw]:
    """The lines of a file as they stand, to be read by `read`, perhaps elsewhere."""
    match path.suffix.lower():
        case ".parquet":
            yield from _parquet(path, rules)
        case ".csv":
            with path.open("rb") as file:
                yield from _csv(file, rules)
        case _:
            read = 0
            with path.open("rb") as file:
                for number, line in enumerate(file, 1):
                    read += len(line)
                    if line.strip():
                        yield Raw(number, read, line)


def _csv(file: BinaryIO, rules: Rules) -> Iterator[Raw]:
    state = {"read": 0, "line": 0}
    bad: list[Raw] = []

    def lines() -> Iterator[str]:
        for raw in file:
            state["read"] += len(raw)
            state["line"] += 1
            try:
                yield raw.decode("utf-8-sig" if state["line"] == 1 else "utf-8")
            except UnicodeDecodeError:
                bad.append(Raw(state["line"], state["read"], Problem("BAD_LINE", "is not UTF-8")))

    rows = csv.reader(lines(), strict=True)
    header: list[str] | None = None
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            yield Raw(state["line"], state["read"], Problem("BAD_LINE", f"is not CSV: {error}"))
            continue
        yield from bad
        bad.clear()
        if row is None:
            return
        if header is None:
            header = [name.strip() for name in row]
            continue
        if not any(row):
            continue
        if len(row) != len(header):
            message = f"has {len(row)} cells, the header {len(header)}"
            yield Raw(state["line"], state["read"], Problem("BAD_LINE", message))
            continue
        yield Raw(state["line"], state["read"], _from_cells(dict(zip(header, row, strict=True)), rules))


PARQUET_ROWS = 50_000
"""Rows of a Parquet file that are in memory at a time."""


def _parquet(path: Path, rules: Rules) -> Iterator[Raw]:
    """The rows of a Parquet file, numbered from 1: columns as in CSV; values may be lists, structures and times too."""
    try:
        import polars
    except ImportError as error:
        raise InvalidInput("BAD_FILE", f"{path}: Parquet is read by the extra kith[bulk], which is not here") from error
    try:
        frame = polars.scan_parquet(path).with_columns(polars.selectors.datetime().dt.epoch("us"))
        total, size = frame.select(polars.len()).collect().item(), path.stat().st_size
        for start in range(0, total, PARQUET_ROWS):
            part = frame.slice(start, PARQUET_ROWS).collect()
            for number, row in enumerate(part.iter_rows(named=True), start + 1):
                yield Raw(number, size * number // total, _from_cells(row, rules))
    except polars.exceptions.PolarsError as error:
        raise InvalidInput("BAD_FILE", f"{path} cannot be read as Parquet: {error}") from error


def _from_cells(cells: Mapping[str, Any], rules: Rules) -> dict[str, Any]:
    """A row as the object it would be in NDJSON; empty cells are left out."""
    value: dict[str, Any] = {}
    identifiers: list[dict[str, str]] = []
    # A file of orders has a column `number`; in any other file `order` is a namespace like the rest.
    for name, cell in cells.items():
        if cell is None or (isinstance(cell, str) and not cell.strip()):
            continue
        if name in rules.by_name:
            parts = cell.split(MANY) if isinstance(cell, str) else cell
            identifiers += [{"namespace": name, "value": part} for part in parts]
        elif name.startswith(ATTRIBUTE):
            value.setdefault("attributes", {})[name.removeprefix(ATTRIBUTE)] = _stripped(cell)
        else:
            value[name] = _stripped(cell)
    value.setdefault("identifiers", []).extend(identifiers)
    return value


def _stripped(cell: Any) -> Any:
    return cell.strip() if isinstance(cell, str) else cell
