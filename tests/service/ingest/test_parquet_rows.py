"""Parquet files with columns of all types."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from graph.domain.model.errors import InvalidInput
from tests.builders.input_files import read_file

polars = pytest.importorskip("polars")

FILES = Path(__file__).parent / "files"


def test_integers_are_identifiers() -> None:
    # when
    file = read_file(FILES / "11-integer-ids.parquet")
    # then
    assert [s.identifiers for s in file.accepted.values()] == [
        (("crm_id", "4711"), ("email", "ann@example.com")),
        (("crm_id", "4712"), ("email", "bob@example.com")),
    ]
    assert file.rows == 2


def test_nested_cells_are_the_values_of_ndjson(tmp_path: Path) -> None:
    # given
    path = tmp_path / "orders.parquet"
    moment = datetime(2026, 3, 1, 12)
    polars.DataFrame(
        {
            "source": ["shop"],
            "number": [1001],
            "placedAt": [moment],
            "reportedAt": polars.Series([moment]).dt.replace_time_zone("Europe/Berlin"),
            "currency": ["EUR"],
            "total": [Decimal("59.90")],
            "email": [["a@example.com", None]],
            "lines": [[{"sku": "A", "quantity": 1.5, "total": "59.90", "name": None}]],
        }
    ).write_parquet(path)
    # when
    (order,) = read_file(path).accepted.values()
    # then
    assert (order.order.number, str(order.order.total)) == ("1001", "59.9")
    assert order.order.placed_at - order.order.reported_at == 3_600_000_000
    assert order.identifiers == (("email", "a@example.com"),)
    assert (order.order.lines[0].quantity, order.order.lines[0].name) == (Decimal("1.5"), "")


@pytest.mark.parametrize(
    "values",
    [
        polars.Series([2**64 - 1, 1], dtype=polars.UInt64),
        polars.Series([timedelta(seconds=1), None]),
        polars.Series([b"\xff", b"ab"]),
        polars.Series(["a", "b"], dtype=polars.Categorical),
        polars.Series([Decimal("1.50"), None]),
        polars.Series([None, None]),
        polars.Series([float("inf"), float("nan")]),
        polars.Series([datetime(2026, 1, 1), None]).cast(polars.Datetime("ns")),
        polars.Series([2**62, -(2**62)]).cast(polars.Datetime("ms")),
        polars.Series([2**31 - 1, -(2**31)], dtype=polars.Int32).cast(polars.Date),
        polars.Series([2**62, 1]).cast(polars.Duration("ms")),
        polars.Series([[1, 2], [None]]),
        polars.Series([[2**62], None]).cast(polars.List(polars.Datetime("us"))),
        polars.Series([{"a": b"\xff"}, None]),
        polars.Series([[1, 2], [3, 4]], dtype=polars.Array(polars.Int8, 2)),
    ],
    ids=lambda values: str(values.dtype),
)
@pytest.mark.parametrize("name", ["crm_id", "seenAt", "id", "attributes.name", "identifiers", "line.sku", "country"])
def test_no_type_ends_a_run(tmp_path: Path, name: str, values: object) -> None:
    # given
    path = tmp_path / "f.parquet"
    polars.DataFrame({"source": ["a", "b"], "email": ["x@example.com"] * 2, name: values}).write_parquet(path)
    # when
    file = read_file(path)
    # then
    assert file.rows == 2


def test_times_beyond_the_calendar_cost_their_row(tmp_path: Path) -> None:
    # given
    path = tmp_path / "f.parquet"
    days = polars.Series([2**31 - 1, 20_513, None], dtype=polars.Int32).cast(polars.Date)
    polars.DataFrame({"source": ["a"] * 3, "crm_id": [1, 2, 3], "seenAt": days}).write_parquet(path)
    # when
    file = read_file(path)
    # then
    assert file.rejected == {1: "seenAt is a time that is not in the years 1 to 9999"}
    assert (file.accepted[2].seen_at, file.accepted[3].seen_at) == (
        (date(2026, 3, 1) - date(1970, 1, 1)).days * 86_400_000_000,
        None,
    )


def test_a_file_that_is_not_parquet_is_invalid_input(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"f\.parquet cannot be read as Parquet"):
        read_file(tmp_path / "f.parquet", b"no")


def test_identifiers_in_single_precision_are_taken_only_where_they_are_exact(tmp_path: Path) -> None:
    # given
    numbers = polars.Series("crm_id", [4711, 16_777_217, None], polars.Float32)
    frame = polars.DataFrame([numbers, polars.Series("email", [f"{name}@example.com" for name in ("a", "b", "c")])])
    frame.write_parquet(tmp_path / "f.parquet")
    # when
    file = read_file(tmp_path / "f.parquet")
    # then
    assert [statement.identifiers[0][1] for statement in file.accepted.values()] == ["4711", "c@example.com"]
    assert "has been rounded" in file.rejected[2]
