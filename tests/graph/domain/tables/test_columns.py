"""The columns of exports are a contract: what was released stays, and every column says where it comes from."""

import csv
import re

import pytest
from graphql import GraphQLInterfaceType, GraphQLObjectType

from graph.domain.access.scopes import DESCRIPTIONS
from graph.domain.tables.columns import DELETED, SCHEMA_VERSION, TABLES, Table
from schema.root import schema
from tests.builders.repository import ROOT
from tools.docs import reference

RELEASED = ROOT / "schema" / "released-columns.csv"
ALL = pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)


def test_a_released_column_keeps_its_place_type_and_nulls() -> None:
    # given: only a column that has no null before may go on to have none
    with RELEASED.open(newline="") as file:
        released = list(csv.DictReader(file))
    assert len(released) > 80
    for line in released:
        if int(line["schema_version"]) != SCHEMA_VERSION:
            continue
        # when
        table = TABLES[line["table"]]
        found = {column.name: column for column in table.columns}[line["column"]]
        # then
        assert (found.type.value, "yes" if found.nullable else "") == (line["type"], line["nullable"]), line
        assert (found is table.key) == (line["key"] == "yes"), line


def test_columns_that_are_not_released_yet_come_last() -> None:
    with RELEASED.open(newline="") as file:
        released = [(line["table"], line["column"]) for line in csv.DictReader(file)]
    for table in TABLES.values():
        names = [(table.name, column.name) for column in table.columns]
        count = sum(name in released for name in names)
        assert all(name in released for name in names[:count]), f"add columns of {table.name} at its end"


def test_the_file_to_compare_with_can_be_written_again() -> None:
    text = reference.released_columns()
    assert text.splitlines()[0] == RELEASED.read_text().splitlines()[0]


@ALL
def test_a_table_has_a_key_and_known_scopes(table: Table) -> None:
    names = [column.name for column in table.columns]
    assert len(set(names)) == len(names)
    assert DELETED not in names
    assert not table.key.nullable
    assert table.scope in DESCRIPTIONS
    assert all(not column.scope or column.scope in DESCRIPTIONS for column in table.columns)


@ALL
def test_a_column_names_a_field_of_the_api(table: Table) -> None:
    for column in table.columns:
        for type_name, field in re.findall(r"`(\w+)\.(\w+)", column.source):
            type = schema._schema.type_map[type_name]
            assert isinstance(type, GraphQLObjectType | GraphQLInterfaceType)
            assert field in type.fields, f"{table.name}.{column.name}: {column.source}"
