"""The schema as a subgraph of Apollo Federation 2."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import strawberry.federation
from graphql import (
    DocumentNode,
    FieldDefinitionNode,
    GraphQLObjectType,
    ListValueNode,
    ObjectTypeDefinitionNode,
    ScalarTypeDefinitionNode,
    StringValueNode,
    Visitor,
    introspection_types,
    is_input_object_type,
    parse,
    print_ast,
    visit,
)
from strawberry.federation.schema import FederationAny

from graph.domain.access.scopes import ANY
from graph.domain.model.errors import InvalidInput
from graph.domain.profile.pages import MAX_PAGE
from schema.shared.context import Info
from schema.types.customer import Customer
from schema.types.order import Order

FEDERATION_DEFINITIONS = '''"""Imports definitions of Apollo Federation. See https://specs.apollo.dev/link/v1.0."""
directive @link(url: String!, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA

"""The fields by which a federation gateway references an object."""
directive @key(fields: federation__FieldSet!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE

"""Other subgraphs may define the same type or field."""
directive @shareable repeatable on OBJECT | FIELD_DEFINITION

"""A selection of fields. E.g. `id`."""
scalar federation__FieldSet

"""The name of a definition to import. E.g. `@key`."""
scalar link__Import

"""The purpose of a definition."""
enum link__Purpose {
  """Required to secure data."""
  SECURITY

  """Required to execute operations."""
  EXECUTION
}

'''
"""The directives of Apollo Federation that the schema uses, as their specifications define them."""
_REQUIRES_SCOPES = "@requiresScopes"
_SCOPE_DEFINITIONS = '''"""The scopes that the token of a request must contain, as alternatives of sets."""
directive @requiresScopes(scopes: [[federation__Scope!]!]!) on ENUM | FIELD_DEFINITION | INTERFACE | OBJECT | SCALAR

"""A scope of a token. E.g. `customer:read`."""
scalar federation__Scope

'''
ENTITY_KEYS = {"Customer": ("id", Customer.resolve_reference), "Order": ("number", Order.resolve_reference)}


class _RouterScopes(Visitor):
    """Adds `@requiresScopes` to the fields of object types, and to the imports of the schema."""

    def __init__(self, scopes: Mapping[str, str | None]) -> None:
        super().__init__()
        self._scopes = scopes

    def enter_object_type_definition(self, node: ObjectTypeDefinitionNode, *_: Any) -> ObjectTypeDefinitionNode:
        """Add the scope of each field. That of the type is not added: routers require both."""
        fields = [self._field(f"{node.name.value}.{field.name.value}", field) for field in node.fields or ()]
        return replace(node, fields=tuple(fields))

    def _field(self, coordinate: str, field: FieldDefinitionNode) -> FieldDefinitionNode:
        scope = self._scopes.get(coordinate)
        if scope is None or scope == ANY:
            return field
        stated = parse(f'scalar Stated {_REQUIRES_SCOPES}(scopes: [["{scope}"]])').definitions[0]
        added = cast("ScalarTypeDefinitionNode", stated).directives or ()
        return replace(field, directives=(*(field.directives or ()), *added))

    def enter_list_value(self, node: ListValueNode, *_: Any) -> ListValueNode | None:
        """Import the directive."""
        values = [value.value for value in node.values if isinstance(value, StringValueNode)]
        if "@key" not in values:
            return None
        return ListValueNode(values=(*node.values, StringValueNode(value=_REQUIRES_SCOPES)))


def with_router_scopes(sdl: str, scopes: Mapping[str, str | None]) -> str:
    """Return an SDL whose fields state their scopes as `@requiresScopes`, for routers that enforce it.

    `scopes` are those of the coordinates. A router compares them with the scopes of a request's token.
    """
    visited: DocumentNode = visit(parse(sdl), _RouterScopes(scopes))
    return f"{_SCOPE_DEFINITIONS}{print_ast(visited)}\n"


class KithSchema(strawberry.federation.Schema):
    """Strawberry's subgraph, with error messages for invalid representations."""

    def _extend_introspection(self) -> None:
        """Define `__Type.isOneOf` for all types: Strawberry's resolver fails for lists and non-null types."""
        cast("GraphQLObjectType", introspection_types["__Type"]).fields["isOneOf"].resolve = _is_one_of

    def entities_resolver(self, info: Info, representations: list[FederationAny]) -> list[FederationAny]:
        """Return the entities of representations; the loaders read all of them at once."""
        if len(representations) > MAX_PAGE:
            message = f"representations has {len(representations)} entries; 0 to {MAX_PAGE} are allowed"
            raise InvalidInput("INVALID_COUNT", message, ("representations",))
        return [_entity(info, representation, position) for position, representation in enumerate(representations)]


def _is_one_of(type: Any, info: Any) -> bool | None:
    """Return whether an input object has exactly one field; `None` for other types, as the specification demands."""
    return bool(type.extensions["strawberry-definition"].is_one_of) if is_input_object_type(type) else None


def _entity(info: Info, representation: Any, position: int) -> Any:
    """Return an awaitable of the entity, or the error that takes its place."""
    name = representation.get("__typename") if isinstance(representation, dict) else None
    if not isinstance(name, str) or name not in ENTITY_KEYS:
        message = f"representations[{position}]: __typename must be one of {', '.join(ENTITY_KEYS)}"
        return InvalidInput("INVALID_REPRESENTATION", message, ("representations", position, "__typename"))
    key, resolve = ENTITY_KEYS[name]
    value = representation.get(key)
    if not isinstance(value, str):
        message = f"representations[{position}]: {key} must be a string"
        return InvalidInput("INVALID_REPRESENTATION", message, ("representations", position, key))
    return resolve(info, value)
