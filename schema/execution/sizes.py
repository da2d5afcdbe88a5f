"""The sizes that arguments request: page sizes and lengths of lists, as execution coerces them.

Only the part of a value that determines the size is coerced: a batch contains thousands of other values.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from graphql import (
    GraphQLInputType,
    GraphQLSchema,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    Undefined,
    ValueNode,
    VariableNode,
    get_nullable_type,
    is_input_object_type,
    is_list_type,
    type_from_ast,
)
from graphql.utilities.coerce_input_value import coerce_default_value

SizePath = tuple[str, ...]
"""The name of a variable, and the fields of its input objects that lead to a size."""


class SizeReader:
    """Reads sizes in the arguments of an operation, given the variables that were sent.

    Adds the paths in variables that it reads to `paths`.
    """

    def __init__(
        self, schema: GraphQLSchema, operation: OperationDefinitionNode, sent: Mapping[str, Any], paths: set[SizePath]
    ) -> None:
        self._schema, self._sent, self._paths = schema, sent, paths
        self._definitions = {node.variable.name.value: node for node in operation.variable_definitions or ()}

    def of_literal(self, node: ValueNode | None, input_type: GraphQLInputType, path: Sequence[str] = ()) -> int | None:
        """Return the size at `path` inside an argument's value: a number, or the length of a list.

        `None` if there is no value, if it is null or if it is invalid.
        """
        if isinstance(node, VariableNode):
            return self._of_variable(node.name.value, path)
        if node is None or isinstance(node, NullValueNode):
            return None
        type = get_nullable_type(input_type)
        if is_list_type(type):
            return len(node.values) if isinstance(node, ListValueNode) else 1
        if not path or not is_input_object_type(type):
            return parse_int(node.value) if isinstance(node, IntValueNode) else None
        field = type.fields.get(path[0])
        if field is None or not isinstance(node, ObjectValueNode):
            return None
        value = next((item.value for item in node.fields if item.name.value == path[0]), None)
        if value is None:
            return size_in(coerce_default_value(field), field.type, path[1:])
        return self.of_literal(value, field.type, path[1:])

    def _of_variable(self, name: str, path: Sequence[str]) -> int | None:
        self._paths.add((name, *path))
        definition = self._definitions.get(name)
        type: Any = None if definition is None else type_from_ast(self._schema, definition.type)
        if definition is None or type is None:
            return None
        value = self._sent.get(name, Undefined)
        if value is Undefined and definition.default_value is not None:
            return self.of_literal(definition.default_value, type, path)
        return size_in(value, type, path)


def size_in(value: Any, input_type: GraphQLInputType, path: Sequence[str]) -> int | None:
    """Return the size at `path` inside a value that was sent; `None` if there is none, or if it is invalid."""
    if value is None or value is Undefined:
        return None
    type = get_nullable_type(input_type)
    if is_list_type(type):
        # A single value is coerced to a list of one item.
        return len(value) if isinstance(value, list | tuple) else 1
    if not is_input_object_type(type):
        return _coerced_int(value, type)
    field = type.fields.get(path[0]) if path else None
    if field is None or not isinstance(value, Mapping):
        return None
    inner = value.get(path[0], Undefined)
    return size_in(coerce_default_value(field) if inner is Undefined else inner, field.type, path[1:])


def _coerced_int(value: Any, type: Any) -> int | None:
    try:
        number = type.coerce_input_value(value)
    except Exception:
        # Execution reports a value that cannot be coerced, and then runs nothing.
        return None
    return number if isinstance(number, int) else None


def parse_int(text: str) -> int | None:
    """Return the number in a literal; `None` if it is far larger than an `Int` may be."""
    return int(text) if len(text) <= 20 else None


def has_more_values(sent: Mapping[str, Any], limit: int) -> bool:
    """Return whether variables contain more values than `limit`, those in lists and objects included."""
    count = 0
    level: list[Any] = [sent]
    while level:
        count += sum(map(len, level))
        if count > limit:
            return True
        level = [
            value
            for container in level
            for value in (container if container.__class__ is list else container.values())
            if value.__class__ is dict or value.__class__ is list
        ]
    return False


def size_key(sent: Mapping[str, Any], path: SizePath) -> Hashable:
    """Return what the size at `path` depends on. Equal keys mean equal sizes; 1, 1.0 and true have different keys."""
    value: Any = sent
    depth = 0
    while depth < len(path) and isinstance(value, Mapping):
        value = value.get(path[depth], Undefined)
        depth += 1
    if isinstance(value, list | tuple):
        return depth, list, len(value)
    return depth, value.__class__, value if isinstance(value, int | float) else None
