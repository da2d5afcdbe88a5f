"""Scalars, in and out.

A date or an amount that cannot be read is handed on as `Unreadable`: so one bad value in a batch costs its own item and
not the whole request.
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
"""Microseconds since 1970 inside, ISO 8601 in UTC outside."""
Amount = NewType("Amount", Decimal)
"""A decimal inside, a string outside."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# RFC 3339, and besides: a space for the T, no offset (read as UTC), no seconds.
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(?P<fraction>[.]\d{1,9})?)?([Zz]|[+-]\d{2}:?\d{2})?")


class Unreadable(Struct, frozen=True):
    """A value that is no date or amount, with the reason."""

    problem: Problem


def microseconds(text: str) -> int:
    """ISO 8601 text as microseconds since 1970; a time without an offset is taken as UTC. Raises `ValueError`."""
    written = _TIME.fullmatch(text)
    if written is None:
        raise ValueError(text)
    fraction = written["fraction"]
    whole = text.replace(fraction, "") if fraction else text
    moment = datetime.fromisoformat(whole)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    micro = int(fraction[1:].ljust(6, "0")[:6]) if fraction else 0
    return (moment - _EPOCH) // _MICROSECOND + micro


@lru_cache(maxsize=20_000)
def iso(value: int) -> str:
    """Microseconds since 1970 as ISO 8601 in UTC."""
    seconds, micro = divmod(value, 1_000_000)
    day, second = divmod(seconds, 86_400)
    minute, second = divmod(second, 60)
    fraction = f".{micro:06}" if micro else ""
    return f"{_date(day)}T{minute // 60:02}:{minute % 60:02}:{second:02}{fraction}Z"


@lru_cache(maxsize=4_096)
def _date(day: int) -> str:
    """The date of a day since 1970: answers hold the same few over and over."""
    return (_EPOCH + timedelta(days=day)).date().isoformat()


def _parse_time(value: Any) -> int | Unreadable:
    try:
        return microseconds(value)
    except (TypeError, ValueError, OverflowError):
        message = f"{str(value)[:60]!r} is not a date and time of ISO 8601 such as 2026-03-01T12:00:00Z"
        return Unreadable(Problem("BAD_DATE", message))


def _parse_amount(value: Any) -> Decimal | Unreadable:
    # A JSON number with a fraction has gone through a float; its shortest notation is what was written.
    text = repr(value) if isinstance(value, float) else str(value)
    try:
        # A thousand digits are no amount, and an exponent could make one of them.
        return Decimal("x" if isinstance(value, bool) or len(text) > 40 else text.strip())
    except InvalidOperation:
        return Unreadable(Problem("BAD_AMOUNT", f"{text[:60]!r} is not a decimal number such as 12.50"))


def _literal(node: ValueNode) -> str:
    if isinstance(node, StringValueNode | IntValueNode | FloatValueNode):
        return node.value
    raise GraphQLError("a string is expected", node)


def _time_literal(node: ValueNode, variables: object = None) -> int | Unreadable:
    return _parse_time(_literal(node))


def _amount_literal(node: ValueNode, variables: object = None) -> Decimal | Unreadable:
    return _parse_amount(_literal(node))


def readable(value: Any, name: str) -> Any:
    """A scalar's value; raises `InvalidInput` with the field's name where it could not be read."""
    if isinstance(value, Unreadable):
        raise InvalidInput(value.problem.code, f"{name}: {value.problem.message}", (name,))
    return value


def _plain(value: Any) -> str:
    """An amount without exponent."""
    text = str(value)
    return format(value, "f") if "E" in text else text


SCALARS: dict[object, ScalarDefinition] = {
    Timestamp: strawberry.scalar(
        name="DateTime",
        description="A moment in ISO 8601, such as `2026-03-01T12:00:00Z`; answers are in UTC. "
        "Without an offset UTC is assumed.",
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
