"""Queries for the history of the whole graph."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry

from schema.shared.connections import Connection, First, connection
from schema.shared.context import Info
from schema.shared.cursors import decode, encode, page_size
from schema.types.change import Change

SINCE = "Named like in all other lists now: use `after`."


@strawberry.type
class ChangeQueries:
    """What can be asked of the history."""

    @strawberry.field(
        description="The feed of all changes: in the order of commits, without gaps, resumable from any cursor."
    )
    async def changes(
        self,
        info: Info,
        first: First = 100,
        after: Annotated[
            str | None, strawberry.argument(description="The cursor of the last entry seen; from the first without it.")
        ] = None,
        since: Annotated[
            str | None, strawberry.argument(description="The same as `after`.", deprecation_reason=SINCE)
        ] = None,
    ) -> Connection[Change]:
        """A page of the feed."""
        seen = since if after is None else after
        place = 0 if seen is None else decode(seen, int)[0]
        page = await info.context.graph.changes(place, page_size(first))
        result: Connection[Change] = connection(page, Change.of, lambda entry: encode(entry.no), seen)
        return result


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
        async with aclosing(info.context.graph.follower.changes(after)) as entries:
            async for entry in entries:
                yield Change.of(entry)
