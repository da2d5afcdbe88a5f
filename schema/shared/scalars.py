"""Custom scalars: timestamps, amounts and JSON.

A value that cannot be parsed is passed on as `InvalidScalar`, so that an invalid value in a batch rejects only its own
item and not the whole request.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NewType

import strawberry
from graphql import (
    FloatValueNode,
    GraphQLError,
    IntValueNode,
    ListValueNode,
    ObjectValueNode,
    StringValueNode,
    Undefined,
    ValueNode,
    value_from_ast_untyped,
)
from msgspec import Struct
from strawberry.scalars import JSON
from strawberry.types.scalar import ScalarDefinition

from graph.domain.model.errors import InvalidInput, Problem
from graph.domain.model.json_text import MAX_JSON_DEPTH, readable
from graph.domain.model.times import iso, parse_time

Timestamp = NewType("Timestamp", int)
"""Microseconds since 1970; ISO 8601 in UTC in the API."""
Amount = NewType("Amount", Decimal)
"""A decimal number; a string in the API."""


_MAX_AMOUNT_LENGTH = 40
"""Characters of an amount."""


class InvalidScalar(Struct, frozen=True):
    """A value that is not a timestamp or an amount, with the reason."""

    problem: Problem


def _parse_time(value: Any) -> int | InvalidScalar:
    try:
        return parse_time(value).microseconds
    except ValueError as error:
        return InvalidScalar(Problem("INVALID_TIMESTAMP", str(error)))


def _parse_amount(value: Any) -> Decimal | InvalidScalar:
    # A JSON number with a fraction has been parsed as a float; its shortest notation is the text that was sent.
    text = repr(value) if isinstance(value, float) else str(value)
    try:
        # A thousand digits are not an amount, and a long exponent could produce them.
        return Decimal("x" if isinstance(value, bool) or len(text) > _MAX_AMOUNT_LENGTH else text.strip())
    except InvalidOperation:
        return InvalidScalar(Problem("INVALID_AMOUNT", f"{text[:60]!r} is not a decimal number such as 12.50"))


def _literal(node: ValueNode) -> str:
    if isinstance(node, StringValueNode | IntValueNode | FloatValueNode):
        return node.value
    raise GraphQLError("a string is expected", node)


def _time_literal(node: ValueNode, variables: object = None) -> int | InvalidScalar:
    text = _literal(node)
    return _parse_time(float(text) if isinstance(node, FloatValueNode) else text)


def _amount_literal(node: ValueNode, variables: object = None) -> Decimal | InvalidScalar:
    return _parse_amount(_literal(node))


def _json_literal(node: ValueNode, variables: Mapping[str, Any] | None = None, depth: int = 1) -> Any:
    """Return a literal as a JSON value, cut below the first level that is not allowed. Variables may be left out."""
    if isinstance(node, ListValueNode):
        items = node.values if depth <= MAX_JSON_DEPTH else ()
        values = (_json_literal(item, variables, depth + 1) for item in items)
        return [None if value is Undefined else value for value in values]
    if isinstance(node, ObjectValueNode):
        fields = node.fields if depth <= MAX_JSON_DEPTH else ()
        named = {field.name.value: _json_literal(field.value, variables, depth + 1) for field in fields}
        return {name: value for name, value in named.items() if value is not Undefined}
    return value_from_ast_untyped(node, dict(variables or {}))


def require_valid(value: Any, name: str) -> Any:
    """Return a scalar's value. Raises `InvalidInput` with the field's name if it could not be parsed."""
    if isinstance(value, InvalidScalar):
        raise InvalidInput(value.problem.code, f"{name}: {value.problem.message}", (name,))
    return value


def _plain(value: Any) -> str:
    """Format an amount without an exponent, unless that makes more digits than an amount has."""
    text = str(value)
    return format(value, "f") if "E" in text and abs(value.adjusted()) < _MAX_AMOUNT_LENGTH else text


SCALARS: dict[object, ScalarDefinition] = {
    Timestamp: strawberry.scalar(
        name="DateTime",
        description="An ISO 8601 date and time, such as `2026-03-01T12:00:00Z`. Output is in UTC. "
        "Input without an offset is UTC, and a date alone is 00:00 UTC. A number is read as seconds, "
        "milliseconds, microseconds or nanoseconds since 1970, whichever results in a time from 2001-09-09 to 2262.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=iso,
        parse_value=_parse_time,
        parse_literal=_time_literal,
    ),
    Amount: strawberry.scalar(
        name="Decimal",
        description='A decimal number as a string, such as `"12.50"`; never a float. Numbers are accepted too.',
        specified_by_url="https://speleotrove.com/decimal/daconvs.html",
        serialize=_plain,
        parse_value=_parse_amount,
        parse_literal=_amount_literal,
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="A JSON value as specified by "
        "[ECMA-404](https://ecma-international.org/wp-content/uploads/ECMA-404_2nd_edition_december_2017.pdf). "
        f"Input may have {MAX_JSON_DEPTH} levels, and numbers of 64 bits.",
        specified_by_url="https://ecma-international.org/wp-content/uploads/ECMA-404_2nd_edition_december_2017.pdf",
        serialize=readable,
        parse_value=lambda value: value,
        parse_literal=_json_literal,
    ),
}
