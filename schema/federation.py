"""The schema as a subgraph of Apollo Federation 2."""

from typing import Any

import strawberry.federation
from strawberry.federation.schema import FederationAny

from graph.domain.model.errors import InvalidInput
from graph.domain.profile.pages import MAX_PAGE
from schema.shared.context import Info
from schema.types.customer import Customer
from schema.types.order import Order

KEYS = {"Customer": ("id", Customer.resolve_reference), "Order": ("number", Order.resolve_reference)}


class KithSchema(strawberry.federation.Schema):
    """Strawberry's subgraph, with errors for representations that are none."""

    def entities_resolver(self, info: Info, representations: list[FederationAny]) -> list[FederationAny]:
        """The entities of representations; the loaders read all of them together."""
        if len(representations) > MAX_PAGE:
            message = f"representations holds {len(representations)} entries; 0 to {MAX_PAGE} are allowed"
            raise InvalidInput("BAD_COUNT", message, ("representations",))
        return [_entity(info, one, place) for place, one in enumerate(representations)]


def _entity(info: Info, one: Any, place: int) -> Any:
    """The entity to wait for, or the error in its place."""
    name = one.get("__typename") if isinstance(one, dict) else None
    if not isinstance(name, str) or name not in KEYS:
        message = f"representations[{place}]: __typename must be one of {', '.join(KEYS)}"
        return InvalidInput("BAD_REPRESENTATION", message, ("representations", place, "__typename"))
    key, resolve = KEYS[name]
    value = one.get(key)
    if not isinstance(value, str):
        message = f"representations[{place}]: {key} must be a string"
        return InvalidInput("BAD_REPRESENTATION", message, ("representations", place, key))
    return resolve(info, value)
