"""The context of a request, which every resolver can access."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import strawberry
from msgspec import Struct

from graph.domain.profile.pages import CustomerView, Selection
from graph.identity_graph import IdentityGraph
from schema.shared.loaders import Loaders

if TYPE_CHECKING:
    from schema.types.customer import Customer


class Caller(Struct, frozen=True):
    """The client that sent a request: the name of its API key, or `local` if the service requires no keys."""

    name: str


@dataclass(slots=True)
class FoundSelections:
    """The selections that look-ahead found with given values of variables, by field nodes and path."""

    variables: object = None
    by_nodes: dict[Any, tuple[Selection | None, object]] = field(default_factory=dict)


@dataclass(slots=True)
class Context:
    """The graph and the caller. The caller of a WebSocket is known once its first message has arrived.

    `present_customer` converts a view to its GraphQL type. `schema.root` sets it, so that types that lead to a
    customer need not import its module, which imports theirs.
    """

    graph: IdentityGraph
    caller: Caller
    present_customer: "Callable[[CustomerView], Customer]"
    connection_params: dict[str, Any] = field(default_factory=dict)
    loaders: Loaders = field(init=False)
    selections: FoundSelections = field(default_factory=FoundSelections)

    def __post_init__(self) -> None:
        self.loaders = Loaders(self.graph)

    def customer_or_none(self, view: CustomerView | None) -> "Customer | None":
        """Return the customer of a view in GraphQL, if there is a view."""
        return None if view is None else self.present_customer(view)


Info: TypeAlias = strawberry.Info[Context, None]
