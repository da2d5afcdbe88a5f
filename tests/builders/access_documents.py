"""The smallest documents that select a coordinate of a schema, through every root field that leads to it."""

from collections import defaultdict, deque
from collections.abc import Iterator
from typing import Any

from graphql import (
    GraphQLObjectType,
    GraphQLSchema,
    OperationType,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_enum_type,
    is_input_object_type,
    is_introspection_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
    is_required_input_field,
)
from msgspec import Struct

from schema.shared.cursors import encode

LEAVES = {
    "Int": "1",
    "Float": "1",
    "Boolean": "true",
    "DateTime": '"2026-03-01T12:00:00Z"',
    "Decimal": '"1.00"',
    "JSON": "{}",
    "_Any": '{__typename: "Customer", id: "x"}',
}
"""Literals of scalars; those of all others are `"x"`."""

ARGUMENTS = {"Subscription.changes": f'(after: "{encode(0)}")'}
"""Optional arguments with which a stream sends its first event at once."""


class Step(Struct, frozen=True):
    """A field on the way to a coordinate, of an object type or, with `on`, of an object type behind an abstract one."""

    type: str
    field: str
    on: bool

    @property
    def coordinate(self) -> str:
        return f"{self.type}.{self.field}"


class AccessDocument(Struct, frozen=True):
    """A document, the kind of its operation, and the coordinates that it selects: the last one is the target."""

    kind: OperationType
    text: str
    coordinates: tuple[str, ...]


def literal(type: Any) -> str:
    """The smallest literal of an input type that is not null."""
    if is_non_null_type(type):
        return literal(type.of_type)
    if is_list_type(type):
        return "[]"
    if is_enum_type(type):
        return next(iter(type.values))
    if is_input_object_type(type):
        fields = list(type.fields.items())
        chosen = (
            fields[:1]
            if type.extensions["strawberry-definition"].is_one_of
            else [field for field in fields if is_required_input_field(field[1])]
        )
        return f"{{{', '.join(f'{name}: {literal(field.type)}' for name, field in chosen)}}}"
    return LEAVES.get(type.name, '"x"')


def arguments(field: Any) -> str:
    """The required arguments of a field in parentheses."""
    required = [f"{name}: {literal(of.type)}" for name, of in field.args.items() if is_required_argument(of)]
    return f"({', '.join(required)})" if required else ""


def steps_from(schema: GraphQLSchema, type: Any) -> list[tuple[Step, Any]]:
    """The fields that a selection on a type may contain, with what they return."""
    objects = schema.get_possible_types(type) if is_abstract_type(type) else [type]
    return [
        (Step(of.name, name, is_abstract_type(type)), get_named_type(field.type))
        for of in objects
        for name, field in of.fields.items()
    ]


def text_of(schema: GraphQLSchema, kind: OperationType, steps: tuple[Step, ...]) -> str:
    """The document that selects a chain of fields."""
    text = ""
    for step in reversed(steps):
        field = schema.type_map[step.type].fields[step.field]
        inner = text or ("__typename" if is_composite_type(get_named_type(field.type)) else "")
        given = ARGUMENTS.get(step.coordinate) or arguments(field)
        selected = f"{step.field}{given}{f' {{ {inner} }}' if inner else ''}"
        text = f"... on {step.type} {{ {selected} }}" if step.on else selected
    return f"{kind.value} {{ {text} }}"


def documents(schema: GraphQLSchema) -> dict[str, list[AccessDocument]]:
    """The documents of each coordinate, one for each root field that leads to it; the shortest way comes first."""
    found: dict[str, list[AccessDocument]] = defaultdict(list)
    for kind in OperationType:
        root = schema.get_root_type(kind)
        for name in root.fields if root is not None else ():
            for steps in _ways(schema, root, name):
                coordinates = tuple(step.coordinate for step in steps)
                found[coordinates[-1]].append(AccessDocument(kind, text_of(schema, kind, steps), coordinates))
    return {coordinate: sorted(ways, key=lambda way: len(way.coordinates)) for coordinate, ways in found.items()}


def _ways(schema: GraphQLSchema, root: GraphQLObjectType, name: str) -> Iterator[tuple[Step, ...]]:
    """Yield the shortest way from a root field to each coordinate that it leads to."""
    first = (Step(root.name, name, False),)
    waiting = deque([(first, get_named_type(root.fields[name].type))])
    seen = {first[0].coordinate}
    yield first
    while waiting:
        steps, type = waiting.popleft()
        if not is_composite_type(type):
            continue
        for step, returned in steps_from(schema, type):
            if step.coordinate not in seen:
                seen.add(step.coordinate)
                yield (*steps, step)
                waiting.append(((*steps, step), returned))


def all_coordinates(schema: GraphQLSchema) -> set[str]:
    """The coordinates of all fields of object types, but those of introspection."""
    return {
        f"{type.name}.{name}"
        for type in schema.type_map.values()
        if isinstance(type, GraphQLObjectType) and not is_introspection_type(type)
        for name in type.fields
    }
