"""What every resolver finds in the context."""

from dataclasses import dataclass
from typing import TypeAlias

import strawberry

from graph.identity_graph import IdentityGraph


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking: the name of the key that was presented, or `local` where the service needs none."""

    name: str


@dataclass(frozen=True, slots=True)
class Context:
    """The graph, and who asks it."""

    graph: IdentityGraph
    caller: Caller


Info: TypeAlias = strawberry.Info[Context, None]
