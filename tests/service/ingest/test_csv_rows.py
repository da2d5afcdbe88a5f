"""A broken row of a CSV file costs itself: rows accepted, rejected and blank are all rows of the file."""

import csv
import io
import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.domain.model.errors import InvalidInput
from tests.builders.input_files import read_file

FILES = Path(__file__).parent / "files"
HEADER = "id,source,seenAt,crm_id,evidence\n"
ROW = "{0},crm,2026-03-01T10:00:00Z,C-{0},plain\n"


def test_an_open_quote_that_a_later_row_closes_costs_only_the_broken_rows() -> None:
    # when
    file = read_file(FILES / "06-open-quote-silent.csv")
    # then: the rows of C-2 and C-4 are complete; those of C-1 and C-3 both open a quote that they do not close
    assert {line: statement.id for line, statement in file.accepted.items()} == {3: "2", 5: "4"}
    assert {line: reason.partition(":")[0] for line, reason in file.rejected.items()} == {
        2: "is not CSV",
        4: "is not CSV",
    }
    assert file.rows == 4
    assert file.lines[0].text.endswith('"size 5')


def test_a_file_of_windows_is_read_with_its_cell_of_two_lines() -> None:
    # when
    file = read_file(FILES / "07-cp1252-in-quoted-cell.csv")
    # then
    assert {line: statement.values["family_name"] for line, statement in file.accepted.items()} == {
        2: "Ann Müller",
        4: "Meier",
        5: "Kunz",
    }


BROKEN = {
    "an open quote": '9,crm,"2026-03-01T10:00:00Z,C-9,x\n',
    "an open quote at the end": '9,crm,2026-03-01T10:00:00Z,C-9,"\n',
    "text behind a quote": '9,crm,2026-03-01T10:00:00Z,"C-9"x,y\n',
    "a cell too few": "9,crm,C-9,y\n",
    "a cell too many": "9,crm,2026-03-01T10:00:00Z,C-9,x,y\n",
    "bytes in another encoding": "9,crm,2026-03-01T10:00:00Z,C-9,caf\udce9\n",
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("place", [0, 2, 4])
def test_a_broken_row_costs_itself(tmp_path: Path, broken: str, place: int) -> None:
    # given: rows with letters beyond ASCII, with a cell of two lines, and with a doubled quote
    rows = [
        ROW.format(1),
        "2,crm,2026-03-01T10:00:00Z,C-2,Müller\n",
        '3,crm,2026-03-01T10:00:00Z,C-3,"two\nlines"\n',
        '4,crm,2026-03-01T10:00:00Z,C-4,"size 5"""\n',
    ]
    rows.insert(place, broken)
    # when
    file = read_file(tmp_path / "f.csv", (HEADER + "".join(rows)).encode("utf-8", "surrogateescape"))
    # then
    assert [statement.id for statement in file.accepted.values()] == ["1", "2", "3", "4"]
    assert len(file.rejected) == 1
    assert file.rows == 5
    assert file.blank == 0


def test_undecodable_bytes_in_a_cell_of_two_lines_cost_that_row(tmp_path: Path) -> None:
    # given
    content = HEADER.encode() + "2,crm,,C-2,Müller\n".encode() + b'1,crm,,C-1,"a\nM\xfcller"\n' + ROW.format(3).encode()
    # when
    file = read_file(tmp_path / "f.csv", content)
    # then
    assert file.rejected == {3: "has bytes that are not in the encoding of the file"}
    assert file.lines[1].text == '1,crm,,C-1,"a\nM\\xfcller"'
    assert sorted(file.accepted) == [2, 5]


def test_blank_rows_are_counted(tmp_path: Path) -> None:
    # when
    file = read_file(tmp_path / "f.csv", f"\n{HEADER}\n{ROW.format(1)},,,,\n  \n,,,\n{ROW.format(2)}\n")
    # then
    assert [sorted(file.accepted), file.rejected, file.blank] == [[4, 8], {}, 5]


def test_a_null_of_a_database_is_an_empty_cell(tmp_path: Path) -> None:
    # when
    file = read_file(tmp_path / "f.csv", HEADER + "1,crm,\\N,C-1,\\N\n")
    # then
    assert (file.accepted[2].seen_at, file.accepted[2].evidence) == (None, "")


def test_a_cell_in_a_column_without_a_name_rejects_its_row(tmp_path: Path) -> None:
    # when
    file = read_file(tmp_path / "f.csv", "source,crm_id,,\ncrm,C-1,,\ncrm,C-2,x,\n")
    # then
    assert sorted(file.accepted) == [2]
    assert "column 3, which has no name" in file.rejected[3]


@pytest.mark.parametrize(
    ("content", "accepted", "reason"),
    [
        (
            'sku,reportedAt,name\nA-1,2026-01-01,"Monitor\nA-2,2026-01-01,Monitor 27"\nA-3,2026-01-01,x\n',
            [3, 4],
            "a quote is open",
        ),
        (
            'sku,name,reportedAt\nA-1,"Monitor 24,2026-01-01\nA-2,Monitor 27",2026-01-01\nA-3,x,2026-01-01\n',
            [3, 4],
            "a quote is open",
        ),
        ('crm_id,email\nC-1,"ann@example.com\nC-2,bob@example.com"\nC-3,c@example.com\n', [4], "a quote is open"),
        ('crm_id,email\nC-1,a@example.com\nC-2","b@example.com"\n', [2], "crm_id has a quote in it"),
        ("crm_id,email\nC-1,a@example.com\ncrm_id,email\nC-2,b@example.com\n", [2, 4], "repeats the header"),
    ],
)
def test_a_row_with_a_quote_or_a_header_too_many_is_rejected(
    tmp_path: Path, content: str, accepted: list[int], reason: str
) -> None:
    # when
    file = read_file(tmp_path / "f.csv", content)
    # then
    assert sorted(file.accepted) == accepted
    assert all(reason in message or "quote in it" in message for message in file.rejected.values())
    assert len(file.accepted) + len(file.rejected) == content.count("\n") - 1


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ('"=""0012"""', '="0012"'),
        ('"""Lee, Ann"" <ann@example.com>"', '"Lee, Ann" <ann@example.com>'),
        ('"C-1"', "C-1"),
    ],
)
def test_quotes_that_mean_something_stay_in_an_identifier(tmp_path: Path, cell: str, value: str) -> None:
    # when
    file = read_file(tmp_path / "f.csv", f"crm_id,cookie\n{cell},ck-1\n")
    # then
    assert file.accepted[2].identifiers[0] == ("crm_id", value)


def test_empty_cells_beyond_the_header_are_left_out(tmp_path: Path) -> None:
    # when
    file = read_file(tmp_path / "f.csv", "crm_id,email\nC-1,a@example.com,,\nC-2,b@example.com\n")
    # then
    assert sorted(file.accepted) == [2, 3]


def test_missing_cells_of_columns_without_a_name_are_empty(tmp_path: Path) -> None:
    # when
    file = read_file(tmp_path / "f.csv", "crm_id,email,,\nC-1,a@example.com\nC-2,b@example.com,,\nC-3\n")
    # then
    assert sorted(file.accepted) == [2, 3]
    assert sorted(file.rejected) == [4]


def test_the_end_of_a_copy_of_postgresql_is_blank(tmp_path: Path) -> None:
    # when
    file = read_file(tmp_path / "f.tsv", "crm_id\temail\nC-1\t\\N\n\\.\n")
    # then
    assert file.accepted[2].identifiers == (("crm_id", "C-1"),)
    assert (file.rejected, file.blank) == ({}, 1)


cells = st.text(st.sampled_from('ab,"\n;\r é'), max_size=12)


@given(st.lists(st.tuples(cells, cells), max_size=8), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
def test_what_a_csv_writer_writes_is_read_as_it_was(rows: list[tuple[str, str]], quoting: int) -> None:
    # given
    out = io.StringIO()
    writer = csv.writer(out, quoting=quoting)
    writer.writerow(["seenAt", "text", "type", "cookie"])
    rows = [(text, re.sub(r'["\n\r|]', "", cookie)) for text, cookie in rows]
    for text, cookie in rows:
        writer.writerow(["2026-03-01T10:00:00Z", text, "page_viewed", f"c{cookie}"])
    # when
    with TemporaryDirectory() as folder:
        file = read_file(Path(folder) / "f.csv", out.getvalue())
    # then
    assert file.rejected == {}
    assert [(s.interaction.text, s.identifiers[0][1]) for s in file.accepted.values()] == [
        (text.strip(), f"c{cookie}") for text, cookie in rows
    ]


@given(st.binary(max_size=200) | st.text(st.sampled_from('a1,"\n\\;é|'), max_size=80).map(str.encode))
def test_no_content_ends_a_run(content: bytes) -> None:
    # given
    header = b"source,crm_id,evidence\n"
    with TemporaryDirectory() as folder:
        for name in ("f.csv", "f.ndjson"):
            try:
                # when
                file = read_file(Path(folder) / name, header + content)
            except InvalidInput:
                continue
            # then: each line of the file is in one line that was read
            assert 0 <= file.rows - content.endswith(b"\n") <= len(content.splitlines()) + 2
            assert file.blank + len(file.accepted) + len(file.rejected) == file.rows


@given(st.lists(st.sampled_from([*BROKEN.values(), ROW.format(1), ROW.format(2)]), max_size=12))
def test_rows_behind_broken_rows_are_accepted(rows: list[str]) -> None:
    # when
    with TemporaryDirectory() as folder:
        content = (HEADER + "2,crm,,C-2,Müller\n" + "".join(rows)).encode("utf-8", "surrogateescape")
        file = read_file(Path(folder) / "f.csv", content)
    # then
    good = [line for line, row in enumerate(rows, 3) if row not in BROKEN.values()]
    assert sorted(file.accepted) == [2, *good]
    assert file.rows == len(rows) + 1
