"""Scalars and enums: what they are as they are, and how the others are made to fit."""

from collections.abc import Callable
from enum import Enum
from math import isfinite
from typing import Any

from graphql import GraphQLLeafType, is_enum_type

_MOST_INT, _LEAST_INT = 2**31 - 1, -(2**31)
PLAIN: dict[str, type] = {"String": str, "ID": str, "Boolean": bool}
"""Built-in types to the class whose values are what the answer holds, without looking at them."""


def coercion(leaf: GraphQLLeafType) -> Callable[[Any], Any]:
    """How values are made to fit; numbers that fit are not looked at twice."""
    coerce = leaf.coerce_output_value
    if leaf.name == "Int":
        return lambda value: value if value.__class__ is int and _LEAST_INT <= value <= _MOST_INT else coerce(value)
    if leaf.name == "Float":
        return lambda value: value if value.__class__ is float and isfinite(value) else coerce(value)
    if is_enum_type(leaf):
        return _remembered(coerce)
    return coerce


def _remembered(coerce: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The names of an enum's members, each asked for once."""
    names: dict[Any, Any] = {}

    def run(value: Any) -> Any:
        if not isinstance(value, Enum):
            return coerce(value)
        name = names.get(value)
        if name is None:
            name = names[value] = coerce(value)
        return name

    return run
