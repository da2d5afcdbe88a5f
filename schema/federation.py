"""The schema as a subgraph of Apollo Federation 2."""

from typing import Any, cast

import strawberry.federation
from graphql import GraphQLObjectType, introspection_types, is_input_object_type
from strawberry.federation.schema import FederationAny

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
ENTITY_KEYS = {"Customer": ("id", Customer.resolve_reference), "Order": ("number", Order.resolve_reference)}


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
