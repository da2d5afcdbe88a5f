"""Rows: the columns of files, and values that other programs would misread."""

import csv as csv_reader
import io
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.destinations.adapter import AudienceRef
from service.destinations.files.rows import FIXED, ColumnConflict, Row, columns_of, csv, parquet, row_of
from tests.builders.file_drops import WINBACK, update

NOON = 1_764_504_000_000_000


def read_csv(content: bytes) -> list[list[str]]:
    return list(csv_reader.reader(io.StringIO(content.decode(), newline=""), strict=True))


def test_who_is_added_has_fields_and_who_is_removed_has_none() -> None:
    # given
    fields = {"first_name": "Ann"}
    # when
    added = row_of(update("a@x.example", fields=fields, customer_id="c1", expires_at=NOON))
    removed = row_of(update("b@x.example", present=False, fields=fields))
    erased = row_of(update("c@x.example", present=False, erased=True))
    # then
    fixed = {"audience": "winback", "namespace": "email"}
    assert added == {
        "op": "add", **fixed, "value": "a@x.example", "customer_id": "c1", "expires_at": NOON, "first_name": "Ann",
    }  # fmt: skip
    nobody = {"customer_id": None, "expires_at": None}
    assert removed == {"op": "remove", **fixed, "value": "b@x.example", **nobody}
    assert erased == {"op": "erase", **fixed, "value": "c@x.example", **nobody}


def test_an_address_has_a_column_for_each_part() -> None:
    # given
    audience = AudienceRef("aud_1", "seg_1", "", fields=("name", "home"))
    home = {"street": "Kastanienallee 7", "postal_code": "10435", "city": "Berlin"}
    # when
    row = row_of(update("a@x.example", audience, fields={"name": "Ann", "home": home}))
    # then
    parts = ["home_street", "home_postal_code", "home_city", "home_region", "home_country"]
    assert columns_of(audience, [row]) == [*FIXED, "name", *parts]
    assert row["home_postal_code"] == "10435"


def test_fields_have_columns_in_every_file_of_an_audience() -> None:
    assert columns_of(WINBACK, [row_of(update("a@x.example", present=False))]) == [*FIXED, "first_name"]


@pytest.mark.parametrize("fields", [{"op": "x"}, {"value": 1}, {"a_b": 1, "a": {"b": 2}}])
def test_a_field_with_the_column_of_another_is_a_conflict(fields: dict[str, Any]) -> None:
    with pytest.raises(ColumnConflict, match=r"the column (op|value|a_b)"):
        row_of(update("a@x.example", fields=fields))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"), (7, "7"), (0.5, "0.5"), (Decimal("1E+3"), "1000"), (["a", 1], '["a",1]'), ("\ud800x", "?x"),
        ("", ""), (None, None),
    ],
)  # fmt: skip
def test_values_are_texts(value: Any, text: str | None) -> None:
    assert row_of(update("a@x.example", fields={"f": value}))["f"] == text


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("plain", "plain"), ("", '""'), (None, ""), (" x", '" x"'), ('say "hi"', '"say ""hi"""'), ("a;b", '"a;b"'),
        ("a\tb", '"a\tb"'), ("a\r\nb", '"a\r\nb"'), ("a\u2028b", '"a\u2028b"'), ("a\x85b", '"a\x85b"'),
        ("O'Neil", '"O\'Neil"'), ("Zoë", "Zoë"), (NOON, "2025-11-30T12:00:00Z"),
    ],
)  # fmt: skip
def test_what_could_be_misread_is_quoted(text: str | int | None, cell: str) -> None:
    assert csv(["f"], [{"f": text}], formula_guard=False).decode() == f"f\r\n{cell}\r\n"


@pytest.mark.parametrize(
    ("text", "guarded"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"), ("@sum", "'@sum"), ("-1+2", "'-1+2"), ("\t=1", "'\t=1"), ("＝1", "'＝1"),
        ("+4930901820", "+4930901820"), ("-3.5", "-3.5"), ("a=b", "a=b"),
    ],
)  # fmt: skip
def test_a_guard_keeps_spreadsheets_from_computing_texts_but_leaves_numbers(text: str, guarded: str) -> None:
    assert read_csv(csv(["f"], [{"f": text}], formula_guard=True))[1] == [guarded]
    assert read_csv(csv(["f"], [{"f": text}], formula_guard=False))[1] == [text]


@given(st.lists(st.tuples(*[st.none() | st.text(st.characters(exclude_categories=["Cs"]))] * 3), max_size=5))
def test_any_text_comes_back(rows: list[tuple[str | None, ...]]) -> None:
    # given
    columns = ["a", "b,\n", "c"]
    named: list[Row] = [dict(zip(columns, row, strict=True)) for row in rows]
    # then
    assert read_csv(csv(columns, named, formula_guard=False)) == [columns, *[[x or "" for x in row] for row in rows]]
    assert polars.read_parquet(io.BytesIO(parquet(columns, named))).rows() == rows


def test_parquet_has_a_time_and_texts_also_without_rows() -> None:
    # given
    columns = [*FIXED, "first_name"]
    # when
    row = row_of(update("a@x.example", fields={"first_name": "Ann"}, expires_at=NOON))
    frames = [polars.read_parquet(io.BytesIO(parquet(columns, rows))) for rows in ([row], [])]
    # then
    for frame in frames:
        types = {name: polars.Datetime("us", "UTC") if name == "expires_at" else polars.String for name in columns}
        assert frame.schema == types
    assert frames[0]["expires_at"].to_list() == [datetime(2025, 11, 30, 12, tzinfo=UTC)]
