"""Consecutive rows of one order are one record, and what was sent may hold its records as a text."""

import pytest

from graph.domain.model.errors import InvalidInput
from service.connectors import mapping_file
from service.connectors.unpack import unpack

MAPPING = """
format = "csv"
group_by = "Name"
at = "Created"

[[statement]]
kind = "order"
[statement.fields]
number = "Name"
placedAt = "Created"
total = "Total"
currency = { value = "EUR" }
[statement.fields.lines]
each = "rows"
fields = { sku = "SKU", quantity = "Quantity", total = { multiply = ["Price", "Quantity"] } }
"""
FILE = b"""Name,Created,Total,SKU,Quantity,Price
#1,2026-03-01T10:00:00Z,25.00,A,1,5.00
#1,,,B,2,10.00
,2026-03-01T10:30:00Z,1.00,X,1,1.00
,2026-03-01T10:31:00Z,1.00,X,1,1.00
#2,2026-03-01T11:00:00Z,5.00,A,1,5.00
"""


def test_consecutive_rows_of_a_group_are_one_record() -> None:
    # given
    mapping = mapping_file.parse(MAPPING, "orders")
    # when
    records, _ = mapping.split(unpack(FILE, "csv"), {})
    # then
    made = [(mapping.map(record, {}) or [None])[0] for record in records]
    assert [statement and statement.fields["number"] for statement in made] == ["#1", None, None, "#2"]
    assert made[0] is not None
    assert made[0].fields["total"] == "25.00"
    assert made[0].fields["lines"] == [
        {"sku": "A", "quantity": "1", "total": "5.00"},
        {"sku": "B", "quantity": "2", "total": "20.00"},
    ]


def test_records_may_be_json_in_a_field_of_a_form() -> None:
    # given
    text = MAPPING.replace('"csv"', '"form"').replace(
        'group_by = "Name"', 'records = { path = "payload", steps = "json" }'
    )
    mapping = mapping_file.parse(text, "orders")
    # when
    records, _ = mapping.split(unpack(b"payload=%7B%22Name%22%3A%22%231%22%7D&domain=x", "form"), {})
    # then
    assert records == [{"Name": "#1"}]
    with pytest.raises(InvalidInput) as raised:
        mapping.split(unpack(b"payload=%7B", "form"), {})
    assert raised.value.code == "INVALID_BODY"


def test_each_entry_of_a_text_makes_a_statement_and_all_values_are_taken() -> None:
    # given
    mapping = mapping_file.parse(
        """
        id = "id"
        [[statement]]
        kind = "interaction"
        each = { path = "people", steps = "split:;" }
        fields = { type = { value = "call" } }
        identifiers = { crm_id = ".", phone = { list = ["^.phone", "^.mobile", "^.fax"] } }
        """,
        "calls",
    )
    # when
    made = mapping.map({"id": 7, "people": "1; 2", "phone": "+4930901820", "mobile": "+491701234567", "fax": ""}, {})
    # then
    assert made is not None
    assert [statement.fields["id"] for statement in made] == ["7/0", "7/1"]
    assert [[one["value"] for one in statement.fields["identifiers"]] for statement in made] == [
        ["1", "+4930901820", "+491701234567"],
        ["2", "+4930901820", "+491701234567"],
    ]
