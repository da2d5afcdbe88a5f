"""Relay's `Node` interface."""

import strawberry


@strawberry.interface(description="An object with an id that `node` and `nodes` accept.")
class Node:
    """An object with an id of its own."""

    id: strawberry.ID = strawberry.field(description="The id: opaque, stable and never reused.")
