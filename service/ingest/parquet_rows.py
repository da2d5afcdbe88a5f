"""Read the rows of a Parquet file. They are numbered from 1."""

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from math import isfinite
from pathlib import Path
from typing import Any

from graph.domain.model.dates import DAY
from graph.domain.model.errors import InvalidInput
from service.ingest.columns import IDENTIFIER, Columns, Matcher
from service.ingest.raw_lines import Lines, ReadOptions
from service.ingest.table_rows import rejected
from service.ingest.typed_cells import Unusable, typed_row

CHUNK_ROWS = 50_000
"""Rows that are held in memory at the same time."""
_UNITS = {"ms": Fraction(1_000), "us": Fraction(1), "ns": Fraction(1, 1_000)}
"""The microseconds of a unit of time."""
FIRST_ROUNDED_SINGLE = 2**24
"""The first whole number that another one is rounded to in single precision."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_parquet(path: Path, known: Matcher, options: ReadOptions) -> tuple[Columns, Lines]:
    """Return the columns of a file, and its rows. Raises `InvalidInput` if the file cannot be read."""
    try:
        import polars
    except ImportError as error:
        message = f"{path}: reading Parquet requires the extra `bulk`: from a checkout, pip install '.[bulk]'"
        raise InvalidInput("MISSING_EXTRA", message) from error
    try:
        names = polars.read_parquet_schema(path)
        frame = polars.scan_parquet(path)
        total: int = frame.select(polars.len()).collect().item()
    except (polars.exceptions.PolarsError, OSError) as error:
        raise InvalidInput("INVALID_FILE", f"{path} cannot be read as Parquet: {_first_line(error)}") from error
    columns = known.match(list(names), options, path)
    # Numbers, because Python has no times beyond the year 9999.
    units: dict[int, int | Fraction] = {
        at: _UNITS[kind.time_unit] for at, kind in enumerate(names.values()) if isinstance(kind, polars.Datetime)
    }
    units |= {at: DAY for at, kind in enumerate(names.values()) if kind == polars.Date}
    frame = frame.with_columns(polars.nth(*units).to_physical()) if units else frame
    kinds = zip(columns.kinds, names.values(), strict=True)
    single = frozenset(at for at, (kind, type) in enumerate(kinds) if kind == IDENTIFIER and type == polars.Float32)
    return columns, _rows(path, frame, total, columns, units, single)


def _rows(
    path: Path,
    frame: Any,
    total: int,
    columns: Columns,
    units: Mapping[int, int | Fraction],
    single: Collection[int],
) -> Lines:
    """Yield the rows. `units` are those of columns with times; `single` are the identifiers in single precision."""
    import polars

    size = path.stat().st_size
    for start in range(0, total, CHUNK_ROWS):
        try:
            part = frame.slice(start, CHUNK_ROWS).collect()
        except polars.exceptions.PolarsError as error:
            raise InvalidInput("INVALID_FILE", f"{path} cannot be read as Parquet: {_first_line(error)}") from error
        for number, cells in enumerate(_cells(part), start + 1):
            read_bytes = size * number // total
            if isinstance(cells, ValueError):
                yield rejected(number, read_bytes, str(cells), "", columns.header)
                continue
            if units:
                cells = [_time(cell, units[at]) if at in units else cell for at, cell in enumerate(cells)]
            if single:
                cells = [_exact(cell) if at in single else cell for at, cell in enumerate(cells)]
            yield typed_row(columns, cells, number, read_bytes, is_spreadsheet=False)


def _exact(number: float | None) -> float | Unusable | None:
    """Return a number of single precision, if it is as it was before."""
    if number is None or abs(number) < FIRST_ROUNDED_SINGLE or not isfinite(number):
        return number
    return Unusable("is a number of 32 bits (Float32), which has been rounded; write it as text", str(number))


def _time(number: int | None, unit: int | Fraction) -> date | Unusable | None:
    """Return the time or (with the unit of a day) the date of a number since 1970."""
    if number is None:
        return None
    try:
        if unit == DAY:
            return _EPOCH.date() + timedelta(days=number)
        return _EPOCH + timedelta(microseconds=int(number * unit // 1))
    except OverflowError:
        return Unusable("is a time that is not in the years 1 to 9999", str(number))


def _cells(part: Any) -> Iterator[Any]:
    """Yield the cells of each row, or why the row cannot be read: a value may have no counterpart in Python."""
    try:
        yield from part.rows()
    except (ValueError, OverflowError):
        for at in range(part.height):
            try:
                yield part.row(at)
            except (ValueError, OverflowError) as error:
                yield ValueError(f"has a value that cannot be read: {error}")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
