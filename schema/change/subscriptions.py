"""Subscriptions to the history of the whole graph."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry

from schema.change.types import Change
from schema.context import Info
from schema.cursors import decode


@strawberry.type
class ChangeSubscriptions:
    """What can be followed of the history."""

    @strawberry.subscription(
        description="The feed of all changes as they happen: in the order of commits, without gaps. With the cursor of "
        "the last one seen it goes on behind that one."
    )
    async def changes(
        self,
        info: Info,
        since: Annotated[
            str | None, strawberry.argument(description="The cursor of the last entry seen; from now on without it.")
        ] = None,
    ) -> AsyncGenerator[Change, None]:
        """The feed."""
        after = None if since is None else decode(since, int)[0]
        async with aclosing(info.context.graph.follow_changes(after)) as entries:
            async for entry in entries:
                yield Change.of(entry)
