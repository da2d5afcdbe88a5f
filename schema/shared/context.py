"""What every resolver finds in the context."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import strawberry
from msgspec import Struct

from graph.domain.profile.pages import CustomerView
from graph.identity_graph import IdentityGraph
from schema.shared.loaders import Loaders

if TYPE_CHECKING:
    from schema.types.customer import Customer


class Caller(Struct, frozen=True):
    """Who is asking: the name of the key that was presented, or `local` where the service needs none."""

    name: str


@dataclass(slots=True)
class Context:
    """The graph, and who asks it. A socket's caller is known once its first message has come.

    `present_customer` makes the GraphQL type of a view. It is set by `schema.root`, so that types which lead to a
    customer need not import its module, which imports theirs.
    """

    graph: IdentityGraph
    caller: Caller
    present_customer: "Callable[[CustomerView], Customer]"
    connection_params: dict[str, Any] = field(default_factory=dict)
    loaders: Loaders = field(init=False)

    def __post_init__(self) -> None:
        self.loaders = Loaders(self.graph)

    def customer_or_none(self, view: CustomerView | None) -> "Customer | None":
        """The customer of a view in GraphQL, if there is one."""
        return None if view is None else self.present_customer(view)


Info: TypeAlias = strawberry.Info[Context, None]
