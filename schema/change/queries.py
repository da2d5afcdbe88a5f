"""Queries for the history of the whole graph."""

from typing import Annotated

import strawberry

from schema.change.types import Change
from schema.connections import Connection, connection
from schema.context import Info
from schema.cursors import decode, encode, page_size


@strawberry.type
class ChangeQueries:
    """What can be asked of the history."""

    @strawberry.field(
        description="The feed of all changes: in the order of commits, without gaps, resumable from any cursor."
    )
    async def changes(
        self,
        info: Info,
        since: Annotated[
            str | None, strawberry.argument(description="The cursor of the last entry seen; from the first without it.")
        ] = None,
        first: Annotated[int, strawberry.argument(description="How many at most, 0 to 100.")] = 100,
    ) -> Connection[Change]:
        """A page of the feed."""
        after = 0 if since is None else decode(since, int)[0]
        page = await info.context.graph.changes(after, page_size(first))
        result: Connection[Change] = connection(page, Change.of, lambda entry: encode(entry.no), since)
        return result
