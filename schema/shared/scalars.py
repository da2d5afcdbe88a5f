"""Custom scalars: timestamps and amounts.

A value that cannot be parsed is passed on as `InvalidScalar`, so that an invalid value in a batch rejects only its own
item and not the whole request.
"""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, NewType

import strawberry
from graphql import FloatValueNode, GraphQLError, IntValueNode, StringValueNode, ValueNode
from msgspec import Struct
from strawberry.types.scalar import ScalarDefinition

from graph.domain.model.errors import InvalidInput, Problem

Timestamp = NewType("Timestamp", int)
"""Microseconds since 1970; ISO 8601 in UTC in the API."""
Amount = NewType("Amount", Decimal)
"""A decimal number; a string in the API."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# RFC 3339; a space instead of the T, a missing offset (UTC) and missing seconds are allowed too.
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(?P<fraction>[.]\d{1,9})?)?([Zz]|[+-]\d{2}:?\d{2})?")


class InvalidScalar(Struct, frozen=True):
    """A value that is not a timestamp or an amount, with the reason."""

    problem: Problem


def microseconds(text: str) -> int:
    """Parse ISO 8601 text into microseconds since 1970. A time without an offset is UTC. Raises `ValueError`."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(text)
    fraction = match["fraction"]
    without_fraction = text.replace(fraction, "") if fraction else text
    moment = datetime.fromisoformat(without_fraction)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    micro = int(fraction[1:].ljust(6, "0")[:6]) if fraction else 0
    return (moment - _EPOCH) // _MICROSECOND + micro


@lru_cache(maxsize=20_000)
def iso(value: int) -> str:
    """Format microseconds since 1970 as ISO 8601 in UTC."""
    seconds, micro = divmod(value, 1_000_000)
    day, second = divmod(seconds, 86_400)
    minute, second = divmod(second, 60)
    fraction = f".{micro:06}" if micro else ""
    return f"{_date(day)}T{minute // 60:02}:{minute % 60:02}:{second:02}{fraction}Z"


@lru_cache(maxsize=4_096)
def _date(day: int) -> str:
    """Format the date of a day since 1970. Cached, because answers contain the same few days again and again."""
    return (_EPOCH + timedelta(days=day)).date().isoformat()


def _parse_time(value: Any) -> int | InvalidScalar:
    try:
        return microseconds(value)
    except (TypeError, ValueError, OverflowError):
        message = f"{str(value)[:60]!r} is not an ISO 8601 date and time such as 2026-03-01T12:00:00Z"
        return InvalidScalar(Problem("INVALID_TIMESTAMP", message))


def _parse_amount(value: Any) -> Decimal | InvalidScalar:
    # A JSON number with a fraction has been parsed as a float; its shortest notation is the text that was sent.
    text = repr(value) if isinstance(value, float) else str(value)
    try:
        # A thousand digits are not an amount, and a long exponent could produce them.
        return Decimal("x" if isinstance(value, bool) or len(text) > 40 else text.strip())
    except InvalidOperation:
        return InvalidScalar(Problem("INVALID_AMOUNT", f"{text[:60]!r} is not a decimal number such as 12.50"))


def _literal(node: ValueNode) -> str:
    if isinstance(node, StringValueNode | IntValueNode | FloatValueNode):
        return node.value
    raise GraphQLError("a string is expected", node)


def _time_literal(node: ValueNode, variables: object = None) -> int | InvalidScalar:
    return _parse_time(_literal(node))


def _amount_literal(node: ValueNode, variables: object = None) -> Decimal | InvalidScalar:
    return _parse_amount(_literal(node))


def require_valid(value: Any, name: str) -> Any:
    """Return a scalar's value. Raises `InvalidInput` with the field's name if it could not be parsed."""
    if isinstance(value, InvalidScalar):
        raise InvalidInput(value.problem.code, f"{name}: {value.problem.message}", (name,))
    return value


def _plain(value: Any) -> str:
    """Format an amount without an exponent."""
    text = str(value)
    return format(value, "f") if "E" in text else text


SCALARS: dict[object, ScalarDefinition] = {
    Timestamp: strawberry.scalar(
        name="DateTime",
        description="An ISO 8601 date and time, such as `2026-03-01T12:00:00Z`. Output is in UTC. "
        "Input without an offset is UTC.",
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
}
