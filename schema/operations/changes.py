"""The query and the subscription of the history of the whole graph."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry

from graph.domain.access.scopes import CHANGES_READ
from schema.shared.connections import Connection, First, connection
from schema.shared.context import Info
from schema.shared.cursors import decode, encode, page_size
from schema.shared.required_scopes import requires
from schema.types.change import Change


@requires(changes=CHANGES_READ)
@strawberry.type
class ChangeQueries:
    """Queries of the history."""

    @strawberry.field(description="All changes of the graph, oldest first, in the order of commits and without gaps.")
    async def changes(
        self,
        info: Info,
        first: First = 100,
        after: Annotated[
            str | None,
            strawberry.argument(
                description="Return changes after this cursor. Without it, the list starts with the first change."
            ),
        ] = None,
    ) -> Connection[Change]:
        """Return a page of the history."""
        number = 0 if after is None else decode(after, int)[0]
        page = await info.context.graph.changes(number, page_size(first))
        result: Connection[Change] = connection(page, Change.of, lambda entry: encode(entry.number), after)
        return result


@requires(changes=CHANGES_READ)
@strawberry.type
class ChangeSubscriptions:
    """Subscriptions to the history."""

    @strawberry.subscription(
        description="All changes of the graph as they happen, in the order of commits and without gaps. To resume, "
        "pass the cursor of the last change you received."
    )
    async def changes(
        self,
        info: Info,
        after: Annotated[
            str | None,
            strawberry.argument(
                description="Start after this cursor. Without it, start with the next change that happens."
            ),
        ] = None,
    ) -> AsyncGenerator[Change, None]:
        """Yield changes."""
        number = None if after is None else decode(after, int)[0]
        async with aclosing(info.context.graph.new_changes(number)) as entries:
            async for entry in entries:
                yield Change.of(entry)
