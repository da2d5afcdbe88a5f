"""What every resolver finds in the context."""

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import strawberry
from msgspec import Struct

from graph.identity_graph import IdentityGraph
from schema.loaders import Loaders


class Caller(Struct, frozen=True):
    """Who is asking: the name of the key that was presented, or `local` where the service needs none."""

    name: str


@dataclass(slots=True)
class Context:
    """The graph, and who asks it. A socket's caller is known once its first message has come."""

    graph: IdentityGraph
    caller: Caller
    connection_params: dict[str, Any] = field(default_factory=dict)
    loaders: Loaders = field(init=False)

    def __post_init__(self) -> None:
        self.loaders = Loaders(self.graph)


Info: TypeAlias = strawberry.Info[Context, None]
