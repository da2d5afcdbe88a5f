"""What every resolver finds in the context."""

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import strawberry

from graph.identity_graph import IdentityGraph


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking: the name of the key that was presented, or `local` where the service needs none."""

    name: str


@dataclass(slots=True)
class Context:
    """The graph, and who asks it. A socket's caller is known once its first message has come."""

    graph: IdentityGraph
    caller: Caller
    connection_params: dict[str, Any] = field(default_factory=dict)


Info: TypeAlias = strawberry.Info[Context, None]
