"""Scalars: timestamps, amounts and JSON, as values and in documents, and values that cannot be parsed."""

from decimal import Decimal

import pytest
from graphql import parse_value
from hypothesis import example, given
from hypothesis import strategies as st
from strawberry.scalars import JSON

from graph.domain.model.json_text import check_json
from schema.shared.scalars import SCALARS, Amount, InvalidScalar, Timestamp, iso

json_literal = SCALARS[JSON].parse_literal
parse_amount = SCALARS[Amount].parse_value
parse_time = SCALARS[Timestamp].parse_value


@given(st.integers())
@example(253_402_300_800_000_000)
def test_any_stored_time_can_be_written(value: int) -> None:
    """Older versions stored times that they did not understand."""
    assert iso(value).endswith("Z")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
        (253_402_300_800_000_000, "+010000-01-01T00:00:00Z"),
        (-62_135_596_800_000_001, "0000-12-31T23:59:59.999999Z"),
        (-62_198_755_200_000_000, "-000001-01-01T00:00:00Z"),
        (2**63 - 1, "+294247-01-10T04:00:54.775807Z"),
    ],
)
def test_years_beyond_four_digits_have_a_sign(value: int, text: str) -> None:
    assert iso(value) == text


@pytest.mark.parametrize("value", ["2026-03-03T08:00:00Z", "2026-03-03 08:00", 1772524800, 1772524800000, 1772524800.0])
def test_times_are_texts_or_numbers(value: object) -> None:
    assert parse_time(value) == 1_772_524_800_000_000


@pytest.mark.parametrize("literal", ['"2026-03-03T08:00:00Z"', "1772524800000", "1.7725248e12", "1772524800.0"])
def test_times_in_the_document_are_texts_or_numbers(literal: str) -> None:
    assert SCALARS[Timestamp].parse_literal(parse_value(literal)) == 1_772_524_800_000_000


@pytest.mark.parametrize(
    "value", ["", "today", "2026-13-01T00:00:00Z", "2026-W01-1T00:00Z", "9999-12-31T23:59-02:00", 5, None, True, [1]]
)
def test_an_invalid_time_is_reported(value: object) -> None:
    parsed = parse_time(value)
    assert isinstance(parsed, InvalidScalar)
    assert parsed.problem.code == "INVALID_TIMESTAMP"


@pytest.mark.parametrize(
    ("stored", "text"),
    [("1E+3", "1000"), ("12.50", "12.50"), ("1E-7", "0.0000001"), ("1E+999999999", "1E+999999999"), ("NaN", "NaN")],
)
def test_any_stored_amount_can_be_written(stored: str, text: str) -> None:
    assert SCALARS[Amount].serialize(Decimal(stored)) == text


@pytest.mark.parametrize("value", [object(), {"a": [b"bytes"]}, [{1, 2}]])
def test_what_is_not_json_is_an_error_of_its_field(value: object) -> None:
    with pytest.raises(TypeError, match="is not JSON"):
        SCALARS[JSON].serialize(value)


@pytest.mark.parametrize(("value", "text"), [("12.50", "12.50"), (12.5, "12.5"), (7, "7"), (" 1 ", "1"), (0.1, "0.1")])
def test_amounts_are_decimals(value: object, text: str) -> None:
    assert str(parse_amount(value)) == text


@pytest.mark.parametrize("value", ["", "1,5", "ten", True, "9" * 41, None, [1]])
def test_an_invalid_amount_is_reported(value: object) -> None:
    assert isinstance(parse_amount(value), InvalidScalar)


def test_a_json_literal_is_a_json_value() -> None:
    # when
    value = json_literal(
        parse_value('{a: [1, 2.5, "x", true, null, RED, $sent, $missing], b: $missing}'), {"sent": [1]}
    )
    # then variables that were not sent are left out, or null in a list
    assert value == {"a": [1, 2.5, "x", True, None, "RED", [1], None]}


@pytest.mark.parametrize("depth", [32, 33, 100])
def test_a_deep_json_literal_is_cut_where_it_is_not_allowed(depth: int) -> None:
    # given
    literal = parse_value("[" * depth + "]" * depth)
    # then
    assert (check_json(json_literal(literal), "properties") is None) == (depth <= 32)


def test_what_a_store_holds_is_written_as_json_that_is_allowed() -> None:
    assert SCALARS[JSON].serialize({"a": 2**64, "b": float("inf")}) == {"a": 2.0**64, "b": "inf"}
