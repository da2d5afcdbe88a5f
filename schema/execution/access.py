"""Which scopes a document needs, from the scopes that the schema requires for its fields.

What a document needs is found once and kept beside it. Whether a caller may run it is decided for each request.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_introspection_type,
)
from msgspec import Struct

from graph.domain.access.roles import Role
from graph.domain.access.scopes import CUSTOMER_LOOKUP, EVERY, NOBODY, SCHEMA_READ
from graph.domain.model.errors import InvalidInput
from schema.shared.required_scopes import scope_of

MAX_COORDINATES = 5
"""Number of coordinates that an error names."""
_DEFINITION = "strawberry-definition"
_OF_FEDERATION = {"Query._entities": CUSTOMER_LOOKUP, "Query._service": SCHEMA_READ, "_Service.sdl": SCHEMA_READ}
"""The fields that Strawberry adds. Entities are customers and what belongs to them."""
_META_FIELDS = {"__typename": "String", "__schema": "__Schema", "__type": "__Type"}
"""The types of the fields that every type or query has. A caller is shown the schema that its scopes allow."""


class Needs(Struct, frozen=True):
    """The scopes that an operation needs, each with some coordinates that need it."""

    scopes: frozenset[str]
    coordinates: Mapping[str, tuple[str, ...]]

    def missing(self, scopes: frozenset[str]) -> dict[str, tuple[str, ...]]:
        """Return the scopes that are not among `scopes`, with their coordinates."""
        return {scope: self.coordinates[scope] for scope in sorted(self.scopes - scopes)}


@lru_cache(maxsize=8)
def coordinates(schema: GraphQLSchema) -> Mapping[str, str | None]:
    """Return the scope of every coordinate of a schema, such as `Customer.orders`; `None` for one without a rule.

    Fields of interfaces are left out, because the object that is returned decides. So are those of introspection.
    """
    return {
        f"{type.name}.{name}": _scope(type, name, field)
        for type in schema.type_map.values()
        if isinstance(type, GraphQLObjectType) and not is_introspection_type(type)
        for name, field in type.fields.items()
    }


def _scope(type: GraphQLObjectType, name: str, field: Any) -> str | None:
    own = field.extensions.get(_DEFINITION) if field.extensions else None
    definition = type.extensions.get(_DEFINITION) if type.extensions else None
    return (
        _OF_FEDERATION.get(f"{type.name}.{name}")
        or scope_of(getattr(own, "directives", ()))
        or scope_of(getattr(definition, "directives", ()))
    )


def table(schema: GraphQLSchema, roles: Sequence[Role]) -> str:
    """Return a row for each coordinate of a schema, sorted: its scope, and `yes` for each role that holds the scope.

    `reason` is written for a role that holds it only in a request that states a reason.
    """
    rows = [["coordinate", "scope", *(role.name for role in roles)]]
    for coordinate, scope in sorted(coordinates(schema).items()):
        held = ["yes" if scope in role.scopes else "reason" * (scope in role.scopes_with_reason) for role in roles]
        rows.append([coordinate, scope or NOBODY, *held])
    return "".join(f"{','.join(row)}\n" for row in rows)


def check_rules(schema: GraphQLSchema) -> None:
    """Raise `InvalidInput` if coordinates of a schema have no scope, or one that does not exist."""
    bad = [coordinate for coordinate, scope in sorted(coordinates(schema).items()) if scope not in EVERY]
    if bad:
        named = ", ".join(bad[:MAX_COORDINATES])
        message = f"{len(bad)} fields require no scope that exists: {named}; state their scopes with @requires"
        raise InvalidInput("INVALID_SCHEMA", message)


class AccessRules:
    """The scopes of a schema's coordinates. A coordinate without a rule requires the scope that nobody holds."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._scopes = {coordinate: scope or NOBODY for coordinate, scope in coordinates(schema).items()}

    def of_document(self, fragments: Iterable[FragmentDefinitionNode]) -> "DocumentAccess":
        """Return what finds the needs of a document's operations."""
        return DocumentAccess(self._schema, self._scopes, fragments)


class _Selected(Struct):
    """What one operation or fragment selects itself: its coordinates, and the fragments that it spreads."""

    coordinates: list[str]
    spreads: set[str]


class DocumentAccess:
    """Finds the needs of the operations of one valid document. Each fragment is walked once."""

    def __init__(
        self, schema: GraphQLSchema, scopes: Mapping[str, str], fragments: Iterable[FragmentDefinitionNode]
    ) -> None:
        self._schema, self._scopes = schema, scopes
        self._fragments = {fragment.name.value: fragment for fragment in fragments}
        self._selected: dict[str, _Selected] = {}

    def needs(self, operation: OperationDefinitionNode) -> Needs:
        """Return what an operation needs. Conditions such as `@include` are ignored, since variables decide them."""
        by_scope: dict[str, dict[str, None]] = {}
        for coordinate in self._coordinates(operation):
            named = by_scope.setdefault(self._scopes.get(coordinate, NOBODY), {})
            if len(named) < MAX_COORDINATES:
                named[coordinate] = None
        return Needs(frozenset(by_scope), {scope: tuple(named) for scope, named in by_scope.items()})

    def coordinates(self, operation: OperationDefinitionNode) -> tuple[str, ...]:
        """Return all coordinates that an operation selects, sorted."""
        return tuple(sorted(set(self._coordinates(operation))))

    def _coordinates(self, operation: OperationDefinitionNode) -> Iterator[str]:
        pending = [self._select(operation.selection_set, self._schema.get_root_type(operation.operation))]
        visited: set[str] = set()
        while pending:
            selected = pending.pop()
            yield from selected.coordinates
            new = selected.spreads - visited
            visited |= new
            pending += map(self._fragment, new)

    def _fragment(self, name: str) -> _Selected:
        if name not in self._selected:
            node = self._fragments[name]
            type = self._schema.type_map.get(node.type_condition.name.value)
            self._selected[name] = self._select(node.selection_set, type)
        return self._selected[name]

    def _select(self, selections: SelectionSetNode, type: GraphQLNamedType | None) -> _Selected:
        selected = _Selected([], set())
        pending: list[tuple[SelectionSetNode, GraphQLNamedType | None]] = [(selections, type)]
        while pending:
            selections, type = pending.pop()
            for node in selections.selections:
                match node:
                    case FieldNode():
                        of_field = self._add_field(node.name.value, type, selected.coordinates)
                        if node.selection_set is not None:
                            pending.append((node.selection_set, of_field))
                    case InlineFragmentNode():
                        condition = node.type_condition
                        of_fragment = type if condition is None else self._schema.type_map.get(condition.name.value)
                        pending.append((node.selection_set, of_fragment))
                    case FragmentSpreadNode():
                        selected.spreads.add(node.name.value)
        return selected

    def _add_field(self, name: str, type: GraphQLNamedType | None, coordinates: list[str]) -> GraphQLNamedType | None:
        """Add the coordinate of a field, and return the type of its value."""
        if name in _META_FIELDS:
            return self._schema.type_map[_META_FIELDS[name]]
        if not isinstance(type, GraphQLObjectType | GraphQLInterfaceType) or name not in type.fields:
            return None
        if isinstance(type, GraphQLObjectType) and not is_introspection_type(type):
            coordinates.append(f"{type.name}.{name}")
        named: GraphQLNamedType = get_named_type(type.fields[name].type)
        return named
