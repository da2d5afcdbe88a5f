"""Selections of every field that some scopes allow."""

from collections.abc import Mapping, Sequence
from typing import Any

from graphql import (
    GraphQLObjectType,
    get_named_type,
    is_interface_type,
    is_leaf_type,
    is_required_argument,
    is_union_type,
)

from schema.execution.access import coordinates
from schema.root import schema

CORE = schema._schema
SCOPES = coordinates(CORE)


def selection(
    type: Any, scopes: frozenset[str], arguments: Mapping[str, str], depth: int, path: Sequence[str] = ()
) -> str:
    """Return the fields of a type, to a depth; types that are selected already are not selected again.

    `arguments` are those of the fields that require some, by their coordinates; other such fields are left out.
    """
    if is_union_type(type) or is_interface_type(type):
        parts = ((each.name, selection(each, scopes, arguments, depth, path)) for each in CORE.get_possible_types(type))
        return " ".join(["__typename", *(f"... on {name} {{ {inner} }}" for name, inner in parts if inner)])
    assert isinstance(type, GraphQLObjectType)
    fields: list[str] = []
    for name, definition in type.fields.items():
        coordinate = f"{type.name}.{name}"
        needs_arguments = any(map(is_required_argument, definition.args.values())) and coordinate not in arguments
        if SCOPES.get(coordinate) not in scopes or needs_arguments:
            continue
        inner: Any = get_named_type(definition.type)
        # Two members of a union may have fields of one name and different types.
        alias = f"{type.name}_{name}: "
        if is_leaf_type(inner):
            fields.append(f"{alias}{name}{arguments.get(coordinate, '')}")
        elif depth and inner.name not in path:
            selected = selection(inner, scopes, arguments, depth - 1, (*path, type.name))
            if selected:
                fields.append(f"{alias}{name}{arguments.get(coordinate, '')} {{ {selected} }}")
    return " ".join(fields)
