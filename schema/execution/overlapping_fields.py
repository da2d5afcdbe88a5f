"""The validation rule "field selection merging", in time linear in a document's expanded fields.

The rule of graphql-core compares fields pairwise, so that 400 repeated fields occupy it for half a second. Here, fields
are grouped by response name, and each is compared with the first of its group. The algorithm is that of Simon Adameit,
"A vastly more performant algorithm for GraphQL field selection merging" (2019). Both rules reject the same documents:
`tests/schema/execution/test_overlapping_fields.py` compares them.
"""

from collections.abc import Hashable, Iterable, Sequence

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_leaf_type,
)
from graphql.validation.rules.overlapping_fields_can_be_merged import get_value_structure
from msgspec import Struct

MAX_NAME_LENGTH = 60
"""Number of characters of a name that a message contains."""


class _Selected(Struct, frozen=True):
    """A selected field, with its parent type and its definition."""

    parent: GraphQLNamedType
    node: FieldNode
    definition: GraphQLField


_Scope = tuple[GraphQLNamedType, SelectionSetNode]


def conflicts(schema: GraphQLSchema, document: DocumentNode, max_errors: int) -> list[GraphQLError]:
    """Return errors for fields that have the same response name but cannot be merged, at most `max_errors`.

    The document must be valid otherwise: its types, fields and fragments exist, and no fragment contains itself.
    """
    merger = _Merger(schema, document, max_errors)
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode) and (root := schema.get_root_type(node.operation)) is not None:
            merger.compare([(root, node.selection_set)])
    return merger.errors


class _Merger:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode, max_errors: int) -> None:
        self._schema, self._max_errors = schema, max_errors
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._calls: dict[int, tuple[str, Hashable]] = {}
        self._compared: set[tuple[bool, frozenset[int]]] = set()
        self.errors: list[GraphQLError] = []

    def compare(self, scopes: Sequence[_Scope]) -> None:
        """Compare the fields of selection sets that belong to the same object of the answer."""
        self._compare_shapes(scopes)
        self._compare_calls(scopes)

    def _compare_shapes(self, scopes: Sequence[_Scope]) -> None:
        """Compare types: an answer must not contain values of different shapes under one name, whatever the object."""
        for name, fields in self._new_fields(scopes, calls=False):
            first = fields[0]
            shape = _shape(first.definition)
            for other in fields[1:]:
                if _shape(other.definition) != shape:
                    types = f"'{first.definition.type}' and '{other.definition.type}'"
                    self._report(name, f"they return conflicting types {types}", first, other)
                    break
            self._compare_shapes(_subscopes(fields))

    def _compare_calls(self, scopes: Sequence[_Scope]) -> None:
        """Compare names and arguments of fields, unless their objects are of different types."""
        for name, fields in self._new_fields(scopes, calls=True):
            abstract: list[_Selected] = []
            by_type: dict[GraphQLObjectType, list[_Selected]] = {}
            for selected in fields:
                parent = selected.parent
                (by_type.setdefault(parent, []) if isinstance(parent, GraphQLObjectType) else abstract).append(selected)
            # A field of an interface may belong to an object of each type, so all others must equal it.
            for group in [fields] if abstract else by_type.values():
                self._compare_group(name, group)
            for same in by_type.values() or [[]]:
                self._compare_calls(_subscopes([*abstract, *same]))

    def _compare_group(self, name: str, fields: Sequence[_Selected]) -> None:
        first = fields[0]
        if len(fields) == 1:
            return
        field, arguments = self._call(first.node)
        for other in fields[1:]:
            other_field, other_arguments = self._call(other.node)
            if other_field != field:
                fields_shown = f"'{_shortened(field)}' and '{_shortened(other_field)}'"
                return self._report(name, f"{fields_shown} are different fields", first, other)
            if other_arguments != arguments:
                return self._report(name, "they have differing arguments", first, other)
        return None

    def _call(self, node: FieldNode) -> tuple[str, Hashable]:
        """Return what must be equal: the field's name and its arguments, in any order."""
        call = self._calls.get(id(node))
        if call is None:
            arguments = frozenset(
                (argument.name.value, repr(get_value_structure(argument.value, [])))
                for argument in node.arguments or ()
            )
            call = self._calls[id(node)] = node.name.value, arguments
        return call

    def _new_fields(self, scopes: Sequence[_Scope], calls: bool) -> Iterable[tuple[str, list[_Selected]]]:
        """Return the fields of selection sets by response name; none if the sets were compared before."""
        key = calls, frozenset(id(selections) for _, selections in scopes)
        if not scopes or key in self._compared or len(self.errors) >= self._max_errors:
            return ()
        self._compared.add(key)
        fields: dict[str, list[_Selected]] = {}
        visited: set[str] = set()
        for parent, selections in scopes:
            self._collect(parent, selections, fields, visited)
        return fields.items()

    def _collect(
        self,
        parent: GraphQLNamedType,
        selections: SelectionSetNode,
        fields: dict[str, list[_Selected]],
        visited: set[str],
    ) -> None:
        for node in selections.selections:
            match node:
                case FieldNode():
                    definition = self._schema.get_field(parent, node.name.value)  # type: ignore[arg-type]
                    if definition is not None:
                        name = (node.alias or node.name).value
                        fields.setdefault(name, []).append(_Selected(parent, node, definition))
                case FragmentSpreadNode() if (name := node.name.value) not in visited:
                    visited.add(name)
                    fragment = self._fragments[name]
                    condition = self._schema.type_map[fragment.type_condition.name.value]
                    self._collect(condition, fragment.selection_set, fields, visited)
                case InlineFragmentNode():
                    type_condition = node.type_condition
                    inner = parent if type_condition is None else self._schema.type_map[type_condition.name.value]
                    self._collect(inner, node.selection_set, fields, visited)

    def _report(self, name: str, reason: str, first: _Selected, other: _Selected) -> None:
        if len(self.errors) >= self._max_errors:
            return
        self.errors.append(
            GraphQLError(
                f"Fields '{_shortened(name)}' conflict because {reason}."
                " Use different aliases on the fields to fetch both if this was intentional.",
                [first.node, other.node],
            )
        )


def _shape(definition: GraphQLField) -> str:
    """Return what must be equal of two types: their lists, their nulls, and the name of a leaf type."""
    type = get_named_type(definition.type)
    return str(definition.type) if is_leaf_type(type) else str(definition.type).replace(type.name, "{}")


def _subscopes(fields: Iterable[_Selected]) -> list[_Scope]:
    return [
        (get_named_type(selected.definition.type), selected.node.selection_set)
        for selected in fields
        if selected.node.selection_set is not None
    ]


def _shortened(name: str) -> str:
    return name if len(name) <= MAX_NAME_LENGTH else f"{name[:MAX_NAME_LENGTH]}…"
