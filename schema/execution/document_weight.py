"""The depth, aliases and cost of a document, computed in one traversal that visits each fragment once.

The cost of a selection may depend on the size of the page that contains it, which only the parent field knows. A
selection's cost is therefore stored as `base + size * per_item`.
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

from schema.execution.costs import ASSUMED_SIZE, BATCH_ARGUMENTS, LIST_SIZES, MAX_ITEMS, SIZED_BY_PARENT, WEIGHTS

MAX_WALK_DEPTH = 400
"""Maximum nesting of selections and fragments that is traversed."""
_PAGE = "first"


class SelectionWeight(Struct, frozen=True):
    """The weight of one selection. Its cost is `base`, plus `per_item` for every item of the page that contains it."""

    depth: int = 0
    aliases: int = 0
    base: int = 0
    per_item: int = 0


class DocumentWeigher:
    """Computes the weights of one document's operations; `variables` may contain page sizes and batches."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self._schema = schema
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._variables = variables
        self._fragment_weights: dict[str, SelectionWeight] = {}
        self.size_variables: set[str] = set()
        """The variables that the cost depends on."""
        self.largest_page = 0
        """The largest literal or variable page size."""

    def operation(self, operation: OperationDefinitionNode) -> SelectionWeight:
        """Return the weight of one operation. Unknown fields and types count as nothing: validation reports them."""
        defaults: dict[str, Any] = {}
        for definition in operation.variable_definitions or ():
            if isinstance(definition.default_value, IntValueNode):
                defaults[definition.variable.name.value] = int(definition.default_value.value)
        self._variables = {**defaults, **self._variables}
        return self._selection(operation.selection_set, self._schema.get_root_type(operation.operation), 0)

    def _selection(self, selections: SelectionSetNode, parent: GraphQLNamedType | None, level: int) -> SelectionWeight:
        if level > MAX_WALK_DEPTH:
            raise GraphQLError("the document is nested too deeply")
        depth = aliases = base = per_item = 0
        names: set[str] = set()
        for node in selections.selections:
            match node:
                case FieldNode():
                    weight = self._field(node, parent, level)
                    name = (node.alias or node.name).value
                    aliases += node.alias is not None or name in names
                    names.add(name)
                case InlineFragmentNode():
                    condition = node.type_condition
                    inner = parent if condition is None else self._schema.get_type(condition.name.value)
                    weight = self._selection(node.selection_set, inner, level + 1)
                case FragmentSpreadNode():
                    # A second spread of a fragment in one selection adds nothing to the answer.
                    name = "..." + node.name.value
                    aliases += name in names
                    weight = SelectionWeight() if name in names else self._fragment(node.name.value, level)
                    names.add(name)
                case _:
                    continue
            depth = max(depth, weight.depth)
            aliases, base, per_item = aliases + weight.aliases, base + weight.base, per_item + weight.per_item
        return SelectionWeight(depth, aliases, base, per_item)

    def _fragment(self, name: str, level: int) -> SelectionWeight:
        weight = self._fragment_weights.get(name)
        if weight is None:
            # A fragment that contains itself counts as nothing: validation rejects it.
            self._fragment_weights[name] = SelectionWeight()
            fragment = self._fragments.get(name)
            if fragment is not None:
                parent = self._schema.get_type(fragment.type_condition.name.value)
                weight = self._fragment_weights[name] = self._selection(fragment.selection_set, parent, level + 1)
            else:
                weight = self._fragment_weights[name]
        return weight

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None, level: int) -> SelectionWeight:
        name = node.name.value
        if name.startswith("__"):
            # graphql-core limits the depth of introspection, and the schema limits its size.
            return SelectionWeight()
        field = parent.fields.get(name) if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType) else None
        if field is None or node.selection_set is None:
            return SelectionWeight(1)
        type_ = get_named_type(field.type)
        inner = self._selection(node.selection_set, type_, level + 1)
        if not is_composite_type(type_):
            return SelectionWeight(1 + inner.depth, inner.aliases)
        coordinate = f"{parent.name if parent else ''}.{name}"
        size = self._size(node, field, coordinate)
        weight = WEIGHTS.get(coordinate, 0)
        is_list = is_list_type(get_nullable_type(field.type))
        if is_list and name in SIZED_BY_PARENT and coordinate not in BATCH_ARGUMENTS:
            return SelectionWeight(
                1 + inner.depth, inner.aliases, weight, 1 + inner.base + ASSUMED_SIZE * inner.per_item
            )
        if is_list:
            length = LIST_SIZES.get(coordinate, ASSUMED_SIZE) if size is None else size
            return SelectionWeight(
                1 + inner.depth, inner.aliases, weight + length * (1 + inner.base + ASSUMED_SIZE * inner.per_item)
            )
        length = ASSUMED_SIZE if size is None else size
        return SelectionWeight(1 + inner.depth, inner.aliases, weight + 1 + inner.base + length * inner.per_item)

    def _size(self, node: FieldNode, field: GraphQLField, coordinate: str) -> int | None:
        """Return the number of items that a field's arguments request; `None` if they do not determine it."""
        arguments = {argument.name.value: argument.value for argument in node.arguments or ()}
        if (path := BATCH_ARGUMENTS.get(coordinate)) is not None:
            return self._length(arguments.get(path[0]), path[1:])
        if _PAGE not in field.args:
            return None
        argument = arguments.get(_PAGE)
        value = None if argument is None else self._value(argument)
        if not isinstance(value, int):
            value = field.args[_PAGE].default_value
        elif value > self.largest_page:
            self.largest_page = value
        return max(0, min(value if isinstance(value, int) else MAX_ITEMS, MAX_ITEMS))

    def _value(self, node: ValueNode) -> Any:
        if isinstance(node, VariableNode):
            self.size_variables.add(node.name.value)
            return self._variables.get(node.name.value)
        return int(node.value) if isinstance(node, IntValueNode) else None

    def _length(self, node: ValueNode | None, path: Sequence[str]) -> int:
        """Return the length of the list at `path` inside an argument's value."""
        value: Any = node
        if isinstance(node, VariableNode):
            self.size_variables.add(node.name.value)
            value = self._variables.get(node.name.value)
        for name in path:
            if isinstance(value, ObjectValueNode):
                value = next((field.value for field in value.fields if field.name.value == name), None)
                if isinstance(value, VariableNode):
                    self.size_variables.add(value.name.value)
                    value = self._variables.get(value.name.value)
            else:
                value = value.get(name) if isinstance(value, Mapping) else None
        length = len(value.values) if isinstance(value, ListValueNode) else len(value) if isinstance(value, list) else 1
        return min(length, MAX_ITEMS)
