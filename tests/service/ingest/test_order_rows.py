"""Orders that a file spreads over several rows."""

from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.domain.model.errors import Problem
from graph.domain.model.orders import OrderLine, OrderStatement
from service.ingest.located import located
from tests.builders.input_files import read_file

HEADER = "source,number,placedAt,reportedAt,currency,total,email,line.sku,line.quantity,line.total,line.name\n"
FIRST = "shop,W-1,2026-03-01T12:00:00Z,2026-03-01T12:00:00Z,EUR,15,a@example.com,A,1,10,Kettle\n"
OTHER = FIRST.replace("W-1", "W-2")


def test_consecutive_rows_of_one_order_are_one_order(tmp_path: Path) -> None:
    # when: the second row repeats the fields, the third leaves them empty
    file = read_file(
        tmp_path / "f.csv", HEADER + FIRST + FIRST.replace("A,1,10", "B,2,5") + "shop,W-1,,,,,,C,1,-1,\n" + OTHER
    )
    # then
    order, other = file.accepted[2], file.accepted[5]
    assert isinstance(order, OrderStatement)
    assert order.order.lines == (
        OrderLine("A", Decimal(1), Decimal(10), "Kettle"),
        OrderLine("B", Decimal(2), Decimal(5), "Kettle"),
        OrderLine("C", Decimal(1), Decimal(-1), ""),
    )
    assert order.identifiers == (("email", "a@example.com"),)
    assert other.order.number == "W-2"
    assert [line.rows for line in file.lines] == [3, 1]
    assert file.rows == 4


def test_a_row_that_does_not_agree_with_its_order_is_rejected(tmp_path: Path) -> None:
    # when
    file = read_file(tmp_path / "f.csv", HEADER + FIRST + FIRST.replace("EUR,15", "EUR,16") + OTHER)
    # then
    assert file.rejected == {
        2: "is a row of the same order as line 3: has another total than line 2 of the same order",
        3: "has another total than line 2 of the same order",
    }
    assert list(file.accepted) == [4]
    assert [line.rows for line in file.lines] == [1, 1, 1]
    assert file.lines[0].record["lines"] == [{"sku": "A", "quantity": "1", "total": "10", "name": "Kettle"}]


def test_the_forms_of_a_number_and_of_a_time_are_one_report(tmp_path: Path) -> None:
    # given
    second = FIRST.replace("A,1,10", "B,1,5").replace("W-1", "#w-1").replace(":00Z", ":00.000Z")
    # when
    file = read_file(tmp_path / "f.csv", HEADER + FIRST + second + OTHER)
    # then
    assert file.rejected == {}
    assert [len(order.order.lines) for order in file.accepted.values()] == [2, 1]


def test_a_blank_row_does_not_end_an_order(tmp_path: Path) -> None:
    # when
    file = read_file(tmp_path / "f.csv", HEADER + FIRST + "\n" + FIRST.replace("A,1,10", "B,1,5") + OTHER)
    # then
    assert [len(order.order.lines) for order in file.accepted.values()] == [2, 1]
    assert (file.rows, file.blank) == (4, 1)


BROKEN = "shop,W-1\n"
SECOND = FIRST.replace("A,1,10", "B,1,5")
STRANGER = FIRST.replace("W-1", "W-9").replace(",Kettle", "")


@pytest.mark.parametrize(
    ("rows", "rejected"),
    [
        ([FIRST, BROKEN, SECOND, OTHER], [2, 3, 4]),
        ([FIRST, STRANGER, SECOND, OTHER], [2, 3, 4]),
        ([FIRST, SECOND, BROKEN, OTHER], [2, 3, 4]),
        ([OTHER, BROKEN, FIRST, SECOND], [3, 4, 5]),
        ([OTHER, STRANGER, FIRST, SECOND], [3]),
        ([FIRST, SECOND, STRANGER], [4]),
        ([BROKEN, FIRST], [2, 3]),
    ],
)
def test_a_row_that_cannot_be_read_rejects_the_order_that_it_may_belong_to(
    tmp_path: Path, rows: list[str], rejected: list[int]
) -> None:
    # when
    file = read_file(tmp_path / "f.csv", HEADER + "".join(rows))
    # then
    assert sorted(file.rejected) == rejected
    assert file.rows == len(rows)
    assert sum("is a row of the same order as" in reason for reason in file.rejected.values()) == len(rejected) - 1


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (",1,10,", "line.sku is required"),
        ("B,x,10,", 'line.quantity: must be a number such as 12.50, not "x"'),
        ("B,,10,", "line.quantity is required"),
    ],
)
def test_a_line_that_cannot_be_used_names_its_row_and_its_column(tmp_path: Path, cells: str, reason: str) -> None:
    # when
    broken = FIRST.replace("A,1,10,Kettle", cells)
    file = read_file(tmp_path / "f.csv", HEADER + OTHER + FIRST + broken + SECOND)
    # then
    assert file.rejected == {
        3: f"is a row of the same order as line 4: {reason}",
        4: reason,
        5: f"is a row of the same order as line 4: {reason}",
    }
    assert list(file.accepted) == [2]


def test_a_line_that_the_order_as_a_whole_is_rejected_for_names_its_row(tmp_path: Path) -> None:
    # given: only the domain knows how long a SKU may be
    file = read_file(tmp_path / "f.csv", HEADER.replace("line.sku", "Line.SKU") + FIRST + "\n" + SECOND)
    problem = Problem("INVALID_LENGTH", "line 2: sku has 200 characters", ("lines", 1, "sku"))
    # then
    assert located(problem, file.lines[0]).message == "line 4: Line.SKU (line.sku) has 200 characters"


def test_rows_with_another_time_are_another_report_of_the_order(tmp_path: Path) -> None:
    # given: a return of a part follows directly
    later = FIRST.replace("2026-03-01T12:00:00Z,EUR", "2026-03-05T12:00:00Z,EUR")
    # when
    file = read_file(tmp_path / "f.csv", HEADER + FIRST + SECOND + later + later.replace("A,1,10", "B,-1,-5"))
    # then
    first, second = file.accepted[2].order, file.accepted[4].order
    assert [len(order.lines) for order in (first, second)] == [2, 2]
    assert second.reported_at - first.reported_at == 4 * 86_400_000_000
    assert file.rejected == {}


def test_a_line_of_an_order_without_its_number_is_rejected_with_the_order_before(tmp_path: Path) -> None:
    # when
    file = read_file(tmp_path / "f.csv", HEADER + FIRST + ",,,,,,,B,1,5,\n" + SECOND + OTHER)
    alone = read_file(tmp_path / "g.csv", HEADER + ",,,,,,,B,1,5,\n" + OTHER)
    # then
    assert file.rejected[3] == "number is required"
    assert (sorted(file.rejected), sorted(file.accepted)) == ([2, 3, 4], [5])
    assert (alone.rejected, sorted(alone.accepted)) == ({2: "number is required"}, [3])


orders = st.lists(
    st.sampled_from([FIRST, SECOND, OTHER, BROKEN, STRANGER, "\n", ",,,,,,,B,1,5,\n", FIRST.replace(",15,", ",16,")]),
    max_size=12,
)


@given(orders)
def test_all_rows_are_accepted_rejected_or_blank(rows: list[str]) -> None:
    # when
    with TemporaryDirectory() as folder:
        file = read_file(Path(folder) / "f.csv", HEADER + "".join(rows))
    # then
    accepted = [line for line in file.lines if line.line in file.accepted]
    assert sum(line.rows for line in accepted) + len(file.rejected) + file.blank == len(rows)
    assert [line.line for line in file.lines] == sorted(line.line for line in file.lines)


def test_orders_without_identifiers_do_not_state_that_they_have_none(tmp_path: Path) -> None:
    # when
    file = read_file(tmp_path / "f.csv", HEADER + FIRST.replace("a@example.com", ""))
    # then
    assert file.accepted[2].identifiers is None
