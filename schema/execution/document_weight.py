"""How deep, how wide and how dear a document is, found in one walk over it: each fragment is walked once.

A field's cost may hang on the size of the page it lies in, which is known only at the field above; so what is kept of
a selection is its cost as `base + size * each`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_list_type,
)
from msgspec import Struct

from schema.execution.costs import ASSUMED, BATCHES, MOST_ITEMS, SIZED, SIZES, WEIGHTS

DEEPEST_WALK = 400
"""Levels of selections and fragments inside each other that are walked at all."""
_PAGE = "first"


class Measure(Struct, frozen=True):
    """What one selection comes to. Cost is `base`, and `each` for every item of the page it lies in."""

    depth: int = 0
    aliases: int = 0
    base: int = 0
    each: int = 0


class Measuring:
    """Measures the operations of one document; `variables` may hold page sizes and batches."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self._schema = schema
        self._fragments = {
            one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)
        }
        self._variables = variables
        self._known: dict[str, Measure] = {}
        self.sized_by: set[str] = set()
        """The variables that the cost hangs on."""
        self.largest_page = 0

    def operation(self, operation: OperationDefinitionNode) -> Measure:
        """The measure of one operation; what it says of unknown fields and types is nothing: validation tells them."""
        defaults: dict[str, Any] = {}
        for definition in operation.variable_definitions or ():
            if isinstance(definition.default_value, IntValueNode):
                defaults[definition.variable.name.value] = int(definition.default_value.value)
        self._variables = {**defaults, **self._variables}
        return self._selection(operation.selection_set, self._schema.get_root_type(operation.operation), 0)

    def _selection(self, selections: SelectionSetNode, parent: GraphQLNamedType | None, level: int) -> Measure:
        if level > DEEPEST_WALK:
            raise GraphQLError("the document is nested too deeply")
        depth = aliases = base = each = 0
        names: set[str] = set()
        for node in selections.selections:
            match node:
                case FieldNode():
                    one = self._field(node, parent, level)
                    name = (node.alias or node.name).value
                    aliases += node.alias is not None or name in names
                    names.add(name)
                case InlineFragmentNode():
                    condition = node.type_condition
                    inner = parent if condition is None else self._schema.get_type(condition.name.value)
                    one = self._selection(node.selection_set, inner, level + 1)
                case FragmentSpreadNode():
                    # A fragment spread again in one selection adds nothing to the answer.
                    name = "..." + node.name.value
                    aliases += name in names
                    one = Measure() if name in names else self._fragment(node.name.value, level)
                    names.add(name)
                case _:
                    continue
            depth = max(depth, one.depth)
            aliases, base, each = aliases + one.aliases, base + one.base, each + one.each
        return Measure(depth, aliases, base, each)

    def _fragment(self, name: str, level: int) -> Measure:
        known = self._known.get(name)
        if known is None:
            # A fragment inside itself counts as nothing: validation refuses it.
            self._known[name] = Measure()
            fragment = self._fragments.get(name)
            if fragment is not None:
                parent = self._schema.get_type(fragment.type_condition.name.value)
                known = self._known[name] = self._selection(fragment.selection_set, parent, level + 1)
            else:
                known = self._known[name]
        return known

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None, level: int) -> Measure:
        name = node.name.value
        if name.startswith("__"):
            # graphql-core limits the depth of introspection itself, and the schema its size.
            return Measure()
        field = parent.fields.get(name) if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType) else None
        if field is None or node.selection_set is None:
            return Measure(1)
        type_ = get_named_type(field.type)
        inner = self._selection(node.selection_set, type_, level + 1)
        if not is_composite_type(type_):
            return Measure(1 + inner.depth, inner.aliases)
        coordinate = f"{parent.name if parent else ''}.{name}"
        size = self._size(node, field, coordinate)
        weight = WEIGHTS.get(coordinate, 0)
        listed = is_list_type(get_nullable_type(field.type))
        if listed and name in SIZED and coordinate not in BATCHES:
            return Measure(1 + inner.depth, inner.aliases, weight, 1 + inner.base + ASSUMED * inner.each)
        if listed:
            length = SIZES.get(coordinate, ASSUMED) if size is None else size
            return Measure(1 + inner.depth, inner.aliases, weight + length * (1 + inner.base + ASSUMED * inner.each))
        held = ASSUMED if size is None else size
        return Measure(1 + inner.depth, inner.aliases, weight + 1 + inner.base + held * inner.each)

    def _size(self, node: FieldNode, field: GraphQLField, coordinate: str) -> int | None:
        """How many items the arguments of a field ask for; `None` where they say nothing of it."""
        arguments = {one.name.value: one.value for one in node.arguments or ()}
        if (way := BATCHES.get(coordinate)) is not None:
            return self._length(arguments.get(way[0]), way[1:])
        if _PAGE not in field.args:
            return None
        given = arguments.get(_PAGE)
        value = None if given is None else self._value(given)
        if not isinstance(value, int):
            value = field.args[_PAGE].default_value
        elif value > self.largest_page:
            self.largest_page = value
        return max(0, min(value if isinstance(value, int) else MOST_ITEMS, MOST_ITEMS))

    def _value(self, node: ValueNode) -> Any:
        if isinstance(node, VariableNode):
            self.sized_by.add(node.name.value)
            return self._variables.get(node.name.value)
        return int(node.value) if isinstance(node, IntValueNode) else None

    def _length(self, node: ValueNode | None, way: Sequence[str]) -> int:
        """The length of the list at `way` inside an argument's value."""
        value: Any = node
        if isinstance(node, VariableNode):
            self.sized_by.add(node.name.value)
            value = self._variables.get(node.name.value)
        for name in way:
            if isinstance(value, ObjectValueNode):
                value = next((one.value for one in value.fields if one.name.value == name), None)
                if isinstance(value, VariableNode):
                    self.sized_by.add(value.name.value)
                    value = self._variables.get(value.name.value)
            else:
                value = value.get(name) if isinstance(value, Mapping) else None
        length = len(value.values) if isinstance(value, ListValueNode) else len(value) if isinstance(value, list) else 1
        return min(length, MOST_ITEMS)
