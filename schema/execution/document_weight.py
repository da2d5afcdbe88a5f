"""The depth, aliases, fields and cost of a document, computed in one traversal that visits each fragment once.

The cost of a selection may depend on the size of the page that contains it, which only the parent field knows. A
selection's cost is therefore stored as `base + size * per_item`.
"""

from collections.abc import Mapping
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
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_list_type,
)
from msgspec import Struct

from schema.execution.costs import ASSUMED_SIZE, BATCH_ARGUMENTS, LIST_SIZES, MAX_ITEMS, SIZED_BY_PARENT, WEIGHTS
from schema.execution.introspection_sizes import SCHEMA, TYPE, Members, introspection_sizes
from schema.execution.sizes import SizePath, SizeReader

MAX_WALK_DEPTH = 400
"""Maximum nesting of selections and fragments that is traversed."""
_PAGE = "first"
_INTROSPECTION = {"__schema": SCHEMA, "__type": TYPE}
_UNCOUNTED = "ofType"
"""The introspection field that is not a level: tools nest it nine times."""


class SelectionWeight(Struct, frozen=True):
    """The weight of one selection. Its cost is `base`, plus `per_item` for every item of the page that contains it.

    `fields` is the number of fields after all fragments are expanded.
    """

    depth: int = 0
    aliases: int = 0
    fields: int = 0
    base: int = 0
    per_item: int = 0


Parent = GraphQLNamedType | str | None
"""What a selection belongs to: a type, a population of introspection, or a type that does not exist."""


class DocumentWeigher:
    """Computes the weights of one document's operations with the variables that were sent."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, sent: Mapping[str, Any]) -> None:
        self._schema, self._sent = schema, sent
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._introspection = introspection_sizes(schema)
        self._fragment_weights: dict[tuple[str, str | None], SelectionWeight] = {}
        self.size_paths: set[SizePath] = set()
        """The variables, and the fields inside them, that the cost depends on."""
        self.largest_page = 0
        """The largest literal or variable page size."""
        self.largest_batch = 0
        """The length of the longest literal or variable batch."""

    def operation(self, operation: OperationDefinitionNode) -> SelectionWeight:
        """Return the weight of one operation. Unknown fields and types count as nothing: validation reports them.

        The weights of fragments are kept. Their costs are those of the first operation, so a weigher computes the cost
        of one operation, and everything else of several.
        """
        self._sizes = SizeReader(self._schema, operation, self._sent, self.size_paths)
        return self._selection(operation.selection_set, self._schema.get_root_type(operation.operation), 0)

    def _selection(self, selections: SelectionSetNode, parent: Parent, level: int) -> SelectionWeight:
        if level > MAX_WALK_DEPTH:
            raise GraphQLError("the document is nested too deeply")
        depth = aliases = fields = base = per_item = 0
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
                    inner = parent if condition is None else self._scope(condition.name.value, parent)
                    weight = self._selection(node.selection_set, inner, level + 1)
                case FragmentSpreadNode():
                    # A second spread of a fragment in one selection adds nothing to the answer.
                    name = "..." + node.name.value
                    aliases += name in names
                    weight = SelectionWeight() if name in names else self._fragment(node.name.value, parent, level)
                    names.add(name)
                case _:
                    continue
            depth = max(depth, weight.depth)
            aliases, fields = aliases + weight.aliases, fields + weight.fields
            base, per_item = base + weight.base, per_item + weight.per_item
        return SelectionWeight(depth, aliases, fields, base, per_item)

    def _scope(self, condition: str, parent: Parent) -> Parent:
        """Return what a fragment's selection belongs to. A population has one type, whatever the condition."""
        return parent if isinstance(parent, str) else self._schema.get_type(condition)

    def _fragment(self, name: str, parent: Parent, level: int) -> SelectionWeight:
        key = name, parent if isinstance(parent, str) else None
        weight = self._fragment_weights.get(key)
        if weight is None:
            # A fragment that contains itself counts as nothing: validation rejects it.
            weight = self._fragment_weights[key] = SelectionWeight()
            fragment = self._fragments.get(name)
            if fragment is not None:
                scope = self._scope(fragment.type_condition.name.value, parent)
                weight = self._fragment_weights[key] = self._selection(fragment.selection_set, scope, level + 1)
        return weight

    def _field(self, node: FieldNode, parent: Parent, level: int) -> SelectionWeight:
        name = node.name.value
        if isinstance(parent, str):
            members = self._introspection[parent].get(name)
            return self._members(node, members, level)
        if name in _INTROSPECTION:
            return self._members(node, Members(1, _INTROSPECTION[name]), level)
        if name.startswith("__"):
            return SelectionWeight(fields=1)
        field = parent.fields.get(name) if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType) else None
        if field is None or node.selection_set is None:
            return SelectionWeight(1, fields=1)
        type_ = get_named_type(field.type)
        inner = self._selection(node.selection_set, type_, level + 1)
        base, per_item = 0, 0
        if is_composite_type(type_):
            base, per_item = self._cost(node, field, f"{parent.name if parent else ''}.{name}", inner)
        return SelectionWeight(1 + inner.depth, inner.aliases, 1 + inner.fields, base, per_item)

    def _members(self, node: FieldNode, members: Members | None, level: int) -> SelectionWeight:
        """Return the weight of an introspection field that returns `members`; `None` if these are not objects."""
        if members is None or node.selection_set is None:
            return SelectionWeight(1, fields=1)
        inner = self._selection(node.selection_set, members.population, level + 1)
        cost = members.count + (inner.base if members.is_total else members.count * inner.base)
        depth = inner.depth if node.name.value == _UNCOUNTED else 1 + inner.depth
        return SelectionWeight(depth, inner.aliases, 1 + inner.fields, cost)

    def _cost(self, node: FieldNode, field: GraphQLField, coordinate: str, inner: SelectionWeight) -> tuple[int, int]:
        """Return the cost of a field that returns objects: `base` and `per_item`."""
        size = self._size(node, field, coordinate)
        weight = WEIGHTS.get(coordinate, 0)
        is_list = is_list_type(get_nullable_type(field.type))
        item = 1 + inner.base + ASSUMED_SIZE * inner.per_item
        if is_list and node.name.value in SIZED_BY_PARENT and coordinate not in BATCH_ARGUMENTS:
            return weight, item
        if is_list:
            return weight + (LIST_SIZES.get(coordinate, ASSUMED_SIZE) if size is None else size) * item, 0
        return weight + 1 + inner.base + (ASSUMED_SIZE if size is None else size) * inner.per_item, 0

    def _size(self, node: FieldNode, field: GraphQLField, coordinate: str) -> int | None:
        """Return the number of items that a field's arguments request; `None` if they do not determine it."""
        arguments = {argument.name.value: argument.value for argument in node.arguments or ()}
        if (path := BATCH_ARGUMENTS.get(coordinate)) is not None:
            size = self._requested(arguments.get(path[0]), field, path)
            self.largest_batch = max(self.largest_batch, size or 0)
            return 1 if size is None else min(size, MAX_ITEMS)
        if _PAGE not in field.args:
            return None
        size = self._requested(arguments.get(_PAGE), field, (_PAGE,))
        if size is None:
            size = field.args[_PAGE].default_value
        elif size > self.largest_page:
            self.largest_page = size
        return max(0, min(size if isinstance(size, int) else MAX_ITEMS, MAX_ITEMS))

    def _requested(self, value: ValueNode | None, field: GraphQLField, path: SizePath) -> int | None:
        """Return the size that a field requests at `path`: an argument, and fields of its input objects."""
        argument = field.args.get(path[0])
        return None if argument is None else self._sizes.of_literal(value, argument.type, path[1:])
