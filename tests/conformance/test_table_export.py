"""Tables of both stores: what they contain, and that a whole export and all changes since are one whole export."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from graph.ports import Store
from tests.builders.clients import Client
from tests.builders.runs import Run
from tests.builders.safeguards import ListSafeguards
from tests.builders.stores import Fresh
from tests.builders.strategies import SETTINGS
from tests.builders.table_exports import Changing, export, merged, only, rows_in, steps, values
from tests.builders.transfers import send_every_kind


def test_every_table_has_the_rows_of_the_store(store: Store, run: Run, tmp_path: Path) -> None:
    # given
    client = Client(store, run, safeguards=ListSafeguards())
    send_every_kind(client, run)
    # when
    manifest = export(client, run, tmp_path / "out")
    # then
    tables = rows_in(tmp_path / "out")
    assert {table.name: table.rows for table in manifest.tables} == {name: len(rows) for name, rows in tables.items()}
    assert values(tables["orders"], "number") == ["S-1", "S-2"]
    assert [only(row, "sku", "quantity", "total", "currency") for row in tables["order_lines"].values()] == [
        {"sku": "shoe", "quantity": "1", "total": "5", "currency": "EUR"}
    ]
    assert values(tables["interactions"], "type") == ["note", "product_viewed"]
    (consent,) = tables["consents"].values()
    assert only(consent, "identifier_value", "channel", "decision", "in_effect") == {
        "identifier_value": "ann@example.com",
        "channel": "EMAIL",
        "decision": "GIVEN",
        "in_effect": True,
    }
    assert values(tables["segment_members"], "segment_name") == ["Buyers", "Buyers"]
    # and the restricted customer has its id alone
    (restricted,) = (row for row in tables["customers"].values() if row["restricted"])
    assert [name for name, value in restricted.items() if value] == ["customer_id", "restricted"]
    assert "cat@example.com" not in values(tables["identifiers"], "value")
    # and rows refer to rows that are there
    for name, column, target in (
        ("identifiers", "customer_id", "customers"),
        ("orders", "order_id", "identifiers"),
        ("order_lines", "order_id", "orders"),
        ("interactions", "identifier_id", "identifiers"),
        ("consents", "identifier_id", "identifiers"),
        ("links", "identifier_a_id", "identifiers"),
        ("segment_members", "customer_id", "customers"),
    ):
        assert {row[column] for row in tables[name].values()} <= tables[target].keys(), name


ANN, COOKIE = "email=ann@example.com", "cookie=ck-011"
REVOKED_AND_ERASED = [
    [("see", [ANN, COOKIE], 1), ("interact", [COOKIE], 1), ("consent", [ANN], "GIVEN"), ("order", [ANN], 1)],
    [("revoke", [ANN], 1), ("segment", [ANN], 1)],
    [("erase", [ANN], 1)],
]


@settings(SETTINGS, max_examples=6)
@example(sequences=REVOKED_AND_ERASED)
@given(sequences=st.lists(st.lists(steps, min_size=8, max_size=12), min_size=3, max_size=3))
def test_a_whole_export_and_the_changes_since_are_a_whole_export(
    fresh: Fresh, run: Run, sequences: Sequence[Sequence[tuple[str, list[str], Any]]]
) -> None:
    # given
    store = fresh()
    client = Client(store, run, safeguards=ListSafeguards())
    changing = Changing(client, run)
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        tables: dict[str, Any] = {}
        # when
        for number, sequence in enumerate(sequences):
            changing.do(sequence)
            since = folder / f"{number - 1}" if number else None
            export(client, run, folder / f"{number}", since=since)
            tables = merged(tables, rows_in(folder / f"{number}"))
        export(client, run, folder / "whole")
        # then
        assert tables == rows_in(folder / "whole")
        # and nothing has changed since
        export(client, run, folder / "nothing", since=folder / "whole")
        assert not any(rows_in(folder / "nothing").values())
