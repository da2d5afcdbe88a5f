"""The views of a SQLite file: read without Kith, they have the rows of an export."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.domain.tables.columns import TABLES, ColumnType, Table
from graph.stores.sqlite import SQLiteStore
from tests.builders.clients import Client
from tests.builders.operations import decide, interaction, record
from tests.builders.restrictions import restrict
from tests.builders.runs import Run
from tests.builders.safeguards import ListSafeguards
from tests.builders.strategies import SETTINGS
from tests.builders.table_exports import Changing, Rows, export, rows_in, steps
from tests.builders.transfers import send_every_kind

WITH_VIEWS = [table for table in TABLES.values() if table.view]


@pytest.fixture
def sqlite_store(run: Run, tmp_path: Path) -> Iterator[SQLiteStore]:
    store = SQLiteStore(tmp_path / "kith.db")
    run(store.migrate())
    yield store
    run(store.close())


def _value(column_type: ColumnType, value: Any) -> Any:
    """A value of a view or an export in a form that can be compared."""
    match column_type:
        case ColumnType.DECIMAL:
            return Decimal(value)
        case ColumnType.BOOLEAN:
            return None if value is None else bool(value)
        case ColumnType.TEXTS | ColumnType.JSON:
            return json.dumps(json.loads(value) if isinstance(value, str) else value, sort_keys=True)
        case _:
            return value


def in_views(path: str, table: Table) -> list[tuple[Any, ...]]:
    """The rows of a view, sorted."""
    columns = [column for column in table.columns if column.in_view]
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        found = connection.execute(f"SELECT * FROM {table.view}")
        assert [name for name, *_ in found.description] == [column.name for column in columns]
        rows = [tuple(_value(column.type, value) for column, value in zip(columns, row, strict=True)) for row in found]
    return sorted(rows, key=repr)


def in_export(rows: Rows, table: Table) -> list[tuple[Any, ...]]:
    """The same rows of an export."""
    columns = [column for column in table.columns if column.in_view]
    return sorted(
        (tuple(_value(column.type, row[column.name]) for column in columns) for row in rows.values()), key=repr
    )


def assert_equal_to_the_export(store: SQLiteStore, client: Client, run: Run, folder: Path) -> None:
    export(client, run, folder)
    tables = rows_in(folder)
    for table in WITH_VIEWS:
        assert in_views(str(store.path), table) == in_export(tables[table.name], table), table.view


def test_the_views_have_the_rows_of_an_export(sqlite_store: SQLiteStore, run: Run, tmp_path: Path) -> None:
    # given
    client = Client(sqlite_store, run, safeguards=ListSafeguards())
    send_every_kind(client, run)
    record(
        client,
        interaction(
            "email_clicked", "cookie=ck-77777", at="1969-12-31T23:59:59.25Z", properties={"a": [1, {"b": "é"}]}
        ),
        interaction("offer_viewed", "cookie=ck-77777", at="2026-01-01T00:00:00Z", offerType="new", channel="email"),
    )
    new = "email=new@example.com"
    for day, decision, channel in (
        (1, "GIVEN", None),
        (2, "WITHDRAWN", "EMAIL"),
        (2, "GIVEN", "EMAIL"),
        (3, "GIVEN", "SMS"),
    ):
        more = {} if channel is None else {"channel": channel, "method": "FORM", "policyVersion": "3"}
        decide(client, new, decision=decision, at=f"2026-02-0{day}T00:00:00Z", **more)
    restrict(client, "login=bob")
    # then
    assert_equal_to_the_export(sqlite_store, client, run, tmp_path / "out")


@settings(SETTINGS, max_examples=10)
@given(sequence=st.lists(steps, min_size=3, max_size=12))
def test_they_are_equal_after_any_changes(run: Run, sequence: list[tuple[str, list[str], Any]]) -> None:
    with TemporaryDirectory() as temporary:
        # given
        store = SQLiteStore(Path(temporary) / "kith.db")
        run(store.migrate())
        client = Client(store, run, safeguards=ListSafeguards())
        # when
        Changing(client, run).do(sequence)
        # then
        assert_equal_to_the_export(store, client, run, Path(temporary) / "out")
        run(store.close())


def test_nobody_writes_through_a_view(sqlite_store: SQLiteStore) -> None:
    for table in WITH_VIEWS:
        with closing(sqlite3.connect(sqlite_store.path)) as connection, pytest.raises(sqlite3.OperationalError):
            connection.execute(f"DELETE FROM {table.view}")
