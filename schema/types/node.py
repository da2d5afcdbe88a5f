"""Relay's node."""

import strawberry


@strawberry.interface(description="Anything with an id of its own.")
class Node:
    """Relay's node."""

    id: strawberry.ID = strawberry.field(description="Opaque, lasting, never reused.")
