"""The formats in which tables are written. Rows are written in blocks, so that memory is bounded."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from graph.domain.model.errors import InvalidInput
from graph.domain.model.orders import format_decimal
from graph.domain.tables.columns import DELETED, Column, ColumnType, Table

if TYPE_CHECKING:
    import pyarrow

BLOCK_ROWS = 20_000
"""Rows that are held in memory at the same time; also those of a row group in Parquet."""
DIGITS, DECIMALS = 24, 6
"""Digits of a decimal, and those of them after the point: all amounts that Kith accepts."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Values = Sequence[Any]
"""The values of a row, with whether it is deleted at the end."""


class Format(Enum):
    """What is written."""

    PARQUET = "parquet"
    CSV = "csv"
    NDJSON = "ndjson"


class Output(Protocol):
    """Where bytes are written to."""

    def write(self, data: bytes, /) -> int:
        """Write bytes, and return how many."""
        ...


class Writer(Protocol):
    """Writes one table to a file that is open."""

    def write(self, rows: Sequence[Values]) -> None:
        """Write some rows."""
        ...

    def close(self) -> None:
        """Write what ends the file, which stays open."""
        ...


def writer(format: Format, table: Table, file: Output) -> Writer:
    """Return what writes a table. Raises `InvalidInput` if a library is missing."""
    match format:
        case Format.PARQUET:
            return ParquetWriter(table, file)
        case Format.CSV:
            return CsvWriter(table, file)
        case Format.NDJSON:
            return NdjsonWriter(table, file)


def time_text(microseconds: int) -> str:
    """Return a time in ISO 8601, in UTC, always with microseconds: so that texts sort as times do."""
    return (_EPOCH + timedelta(microseconds=microseconds)).isoformat(timespec="microseconds").replace("+00:00", "Z")


class ParquetWriter:
    """Writes Parquet, compressed with zstd. A block is a row group."""

    def __init__(self, table: Table, file: Output) -> None:
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError as error:
            message = "writing Parquet requires the extra `export`: pip install 'kith-graph[export]'"
            raise InvalidInput("MISSING_EXTRA", f"{message} (missing: {error.name})", ("format",)) from error
        self._arrow = pyarrow
        self._schema = arrow_schema(table)
        self._writer = pyarrow.parquet.ParquetWriter(file, self._schema, compression="zstd")

    def write(self, rows: Sequence[Values]) -> None:
        """Write some rows as a row group."""
        columns = zip(*rows, strict=True)
        arrays = [
            self._arrow.array(list(values), type=field.type)
            for values, field in zip(columns, self._schema, strict=True)
        ]
        self._writer.write_table(self._arrow.Table.from_arrays(arrays, schema=self._schema))

    def close(self) -> None:
        """Write the end of the file."""
        self._writer.close()


def arrow_schema(table: Table) -> "pyarrow.Schema":
    """Return the schema of a table in Parquet, with the descriptions of the columns."""
    import pyarrow

    types = {
        ColumnType.TEXT: pyarrow.string(),
        ColumnType.JSON: pyarrow.string(),
        ColumnType.INTEGER: pyarrow.int64(),
        ColumnType.FLOAT: pyarrow.float64(),
        ColumnType.DECIMAL: pyarrow.decimal128(DIGITS, DECIMALS),
        ColumnType.BOOLEAN: pyarrow.bool_(),
        ColumnType.TIME: pyarrow.timestamp("us", "UTC"),
        ColumnType.TEXTS: pyarrow.list_(pyarrow.string()),
    }
    fields = [
        pyarrow.field(column.name, types[column.type], column is not table.key, {"description": column.description})
        for column in table.columns
    ]
    return pyarrow.schema([*fields, pyarrow.field(DELETED, pyarrow.bool_(), nullable=False)])


class CsvWriter:
    """Writes CSV as RFC 4180 has it, in UTF-8 with a header. Nothing between two commas is null; no text is empty."""

    def __init__(self, table: Table, file: Output) -> None:
        self._text = io.StringIO()
        self._file = file
        self._rows = csv.writer(self._text, lineterminator="\r\n")
        self._rows.writerow([*(column.name for column in table.columns), DELETED])
        self._write_cells = [*map(_cell, table.columns), _boolean]
        self.write(())

    def write(self, rows: Sequence[Values]) -> None:
        """Write some rows."""
        for row in rows:
            cells = zip(row, self._write_cells, strict=True)
            self._rows.writerow(["" if value is None else as_cell(value) for value, as_cell in cells])
        self._file.write(self._text.getvalue().encode())
        self._text.seek(0)
        self._text.truncate()

    def close(self) -> None:
        """Write nothing more."""


def _cell(column: Column) -> Callable[[Any], Any]:
    match column.type:
        case ColumnType.TIME:
            return time_text
        case ColumnType.DECIMAL:
            return format_decimal
        case ColumnType.BOOLEAN:
            return _boolean
        case ColumnType.TEXTS:
            return lambda texts: json.dumps(list(texts), ensure_ascii=False)
        case _:
            return lambda value: value


def _boolean(value: bool) -> str:
    return "true" if value else "false"


class NdjsonWriter:
    """Writes a JSON object for each row, with null for nothing. Decimals are texts, so that no reader rounds them."""

    def __init__(self, table: Table, file: Output) -> None:
        self._file = file
        self._names = [*(column.name for column in table.columns), DELETED]
        self._as_json = [*map(_json, table.columns), _unchanged]

    def write(self, rows: Sequence[Values]) -> None:
        """Write some rows."""
        self._file.write(b"".join(map(self._line, rows)))

    def _line(self, row: Values) -> bytes:
        named = zip(self._names, row, self._as_json, strict=True)
        values = {name: None if value is None else as_json(value) for name, value, as_json in named}
        return orjson.dumps(values, option=orjson.OPT_APPEND_NEWLINE)

    def close(self) -> None:
        """Write nothing more."""


def _json(column: Column) -> Callable[[Any], Any]:
    match column.type:
        case ColumnType.TIME:
            return time_text
        case ColumnType.DECIMAL:
            return _decimal
        case ColumnType.JSON:
            return lambda text: orjson.Fragment(text)
        case _:
            return _unchanged


def _decimal(number: Decimal) -> str:
    return format_decimal(number)


def _unchanged(value: Any) -> Any:
    return value
