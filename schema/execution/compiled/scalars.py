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
    """The names of an enum's members, each asked for once; found by identity, since members stay, and hash slowly."""
    names: dict[int, Any] = {}

    def run(value: Any) -> Any:
        name = names.get(id(value))
        if name is None:
            name = coerce(value)
            if isinstance(value, Enum):
                names[id(value)] = name
        return name

    return run
