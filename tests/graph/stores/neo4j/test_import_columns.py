"""Cells of import files hold what was put in, whatever the text contains."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.stores.neo4j.import_columns import SEPARATOR, Columns, time

TYPES = {"text": "string", "list": "string[]", "count": "long", "part": "double", "flag": "boolean", "more": "string"}
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)))


@given(
    text=texts,
    items=st.lists(texts.filter(bool), min_size=1),
    count=st.integers(-(2**63), 2**63 - 1),
    part=st.floats(allow_nan=False, allow_infinity=False),
    flag=st.booleans(),
)
def test_a_row_of_csv_holds_the_values(text: str, items: list[str], count: int, part: float, flag: bool) -> None:
    # given
    columns = Columns([":ID"], TYPES)
    values = {"text": text, "list": items, "count": count, "part": part, "flag": flag, "more": None}
    # when
    line = columns.cells(values)
    # then
    (row,) = csv.reader(io.StringIO(line, newline=""))
    assert (row[0], row[1].split(SEPARATOR), int(row[2]), float(row[3])) == (text, items, count, part)
    assert row[4:] == [str(flag).lower(), ""]
    assert line.startswith('"')
    assert line.endswith(",")


def test_a_property_without_a_column_is_an_error() -> None:
    columns = Columns([":ID"], {"a": "long", "b": "long"})
    assert columns.header == ":ID,a:long,b:long\n"
    assert columns.cells({"b": 2, "a": 1}) == "1,2"
    with pytest.raises(ValueError, match=r"other properties than \['b', 'c'\]"):
        columns.cells({"a": 1, "c": 2})


@pytest.mark.parametrize(
    ("microseconds", "cell"),
    [
        (1_800_000_000_123_999, "2027-01-15T08:00:00.123Z"),
        (0, "1970-01-01T00:00:00.000Z"),
        (-1_999, "1969-12-31T23:59:59.999Z"),
    ],
)
def test_times_are_cut_off_as_cypher_does(microseconds: int, cell: str) -> None:
    assert time(microseconds) == cell
