"""The formats of exports: every type, read back by readers that others wrote."""

import csv
import io
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars
import pyarrow
import pyarrow.parquet
import pytest

from graph.domain.tables.columns import TABLES, Column, ColumnType, Table
from service.export.formats import Format, arrow_schema, time_text, writer

TYPED = Table(
    "typed",
    "",
    tuple(Column(type.name.lower(), type, f"a {type.value}", "", nullable=True) for type in ColumnType),
    "",
)
BEFORE_1970 = -1_500_000
ROW = (
    'a, "b"\n•é',
    2**62,
    0.5,
    Decimal("-999999999999999999.999999"),
    True,
    BEFORE_1970,
    ("a", 'b"'),
    '{"a":[1,null]}',
)
EMPTY = ("key", *(None for _ in range(7)))


def written(format: Format, *blocks: list[tuple[Any, ...]]) -> bytes:
    file = io.BytesIO()
    output = writer(format, TYPED, file)
    for block in blocks:
        output.write(block)
    output.close()
    return file.getvalue()


def test_parquet_has_exact_types_and_a_row_group_for_each_block() -> None:
    # when
    content = written(Format.PARQUET, [(*ROW, False)], [(*EMPTY, True)])
    # then
    table = pyarrow.parquet.read_table(io.BytesIO(content))
    assert [(field.name, str(field.type), field.nullable) for field in table.schema] == [
        ("text", "string", False),
        ("integer", "int64", True),
        ("float", "double", True),
        ("decimal", "decimal128(24, 6)", True),
        ("boolean", "bool", True),
        ("time", "timestamp[us, tz=UTC]", True),
        ("texts", "list<element: string>", True),
        ("json", "string", True),
        ("_deleted", "bool", False),
    ]
    first, second = table.to_pylist()
    time = datetime(1969, 12, 31, 23, 59, 58, 500_000, UTC)
    assert tuple(first.values()) == (*ROW[:5], time, ["a", 'b"'], ROW[7], False)
    assert tuple(second.values()) == (*EMPTY, True)
    assert pyarrow.parquet.ParquetFile(io.BytesIO(content)).num_row_groups == 2
    # and another reader agrees
    assert polars.read_parquet(content)["decimal"].to_list() == [ROW[3], None]


def test_csv_is_read_back_with_nothing_for_null() -> None:
    content = written(Format.CSV, [(*ROW, False)], [(*EMPTY, True)]).decode()
    header, first, second = csv.reader(io.StringIO(content, newline=""))
    assert header == [*(column.name for column in TYPED.columns), "_deleted"]
    assert first == [
        ROW[0], "4611686018427387904", "0.5", "-999999999999999999.999999", "true", "1969-12-31T23:59:58.500000Z",
        '["a", "b\\""]', ROW[7], "false",
    ]  # fmt: skip
    assert second == ["key", "", "", "", "", "", "", "", "true"]
    assert content.endswith("\r\n")


def test_ndjson_has_values_and_decimals_as_texts() -> None:
    lines = written(Format.NDJSON, [(*ROW, False), (*EMPTY, True)]).decode().splitlines()
    first, second = map(json.loads, lines)
    assert first == {
        "text": ROW[0], "integer": 2**62, "float": 0.5, "decimal": "-999999999999999999.999999", "boolean": True,
        "time": "1969-12-31T23:59:58.500000Z", "texts": ["a", 'b"'], "json": {"a": [1, None]}, "_deleted": False,
    }  # fmt: skip
    assert second == dict.fromkeys(first) | {"text": "key", "_deleted": True}


@pytest.mark.parametrize("format", Format)
def test_a_table_without_rows_is_a_file_that_can_be_read(format: Format) -> None:
    content = written(format)
    if format is Format.PARQUET:
        assert pyarrow.parquet.read_table(io.BytesIO(content)).num_rows == 0
    else:
        assert len(content.splitlines()) == (format is Format.CSV)


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_parquet_describes_its_columns(table: Table) -> None:
    schema = arrow_schema(table)
    assert schema.names == [*(column.name for column in table.columns), "_deleted"]
    assert [field.name for field in schema if not field.nullable] == [table.key.name, "_deleted"]
    assert schema.field(table.key.name).metadata[b"description"].decode() == table.key.description


def test_times_sort_as_texts() -> None:
    times = [-62_135_596_800_000_000, BEFORE_1970, -1, 0, 1, 253_402_300_799_999_999]
    assert sorted(map(time_text, times)) == list(map(time_text, times))
