"""Scalars and enums: values that are returned unchanged, and the coercion of all others."""

from collections.abc import Callable
from enum import Enum
from math import isfinite
from typing import Any

from graphql import GraphQLLeafType, is_enum_type

_MAX_INT, _MIN_INT = 2**31 - 1, -(2**31)
EXACT_TYPES: dict[str, type] = {"String": str, "ID": str, "Boolean": bool}
"""Built-in types by name, with the exact class whose values need no coercion."""


def coercion(leaf: GraphQLLeafType) -> Callable[[Any], Any]:
    """Return the coercion of a leaf's values, with a shortcut for numbers that are valid as they are."""
    coerce = leaf.coerce_output_value
    if leaf.name == "Int":
        return lambda value: value if value.__class__ is int and _MIN_INT <= value <= _MAX_INT else coerce(value)
    if leaf.name == "Float":
        return lambda value: value if value.__class__ is float and isfinite(value) else coerce(value)
    if is_enum_type(leaf):
        return _cached_names(coerce)
    return coerce


def _cached_names(coerce: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Cache the names of an enum's members, by identity: members are never freed, and their hash is slow."""
    names: dict[int, Any] = {}

    def run(value: Any) -> Any:
        name = names.get(id(value))
        if name is None:
            name = coerce(value)
            if isinstance(value, Enum):
                names[id(value)] = name
        return name

    return run
