"""Queries for the history of the whole graph."""

from typing import Annotated

import strawberry

from schema.change.types import Change
from schema.connections import Connection, connection
from schema.context import Info
from schema.cursors import decode, encode, page_size

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
        first: Annotated[int, strawberry.argument(description="How many at most, 0 to 100.")] = 100,
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
