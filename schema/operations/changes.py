"""The query and the subscription of the history of the whole graph."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from enum import Enum
from typing import Annotated, TypeAlias

import strawberry

from graph.domain.access.scopes import CHANGES_READ
from graph.domain.model.change_filter import ALL_CHANGES, ChangeFilter
from graph.domain.model.changes import ChangeKind
from graph.domain.model.errors import InvalidInput
from graph.domain.profile.pages import Page
from schema.shared.connections import Connection, First, connection
from schema.shared.context import Info
from schema.shared.cursors import decode, encode, page_size
from schema.shared.enums import describe_enum
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp, require_valid
from schema.types.change import Change


class ChangeOrder(Enum):
    """The order of a list of changes."""

    OLDEST_FIRST = "oldest_first"
    NEWEST_FIRST = "newest_first"


describe_enum(
    ChangeOrder,
    "ChangeOrder",
    "The order of a list of changes.",
    OLDEST_FIRST="In the order of commits.",
    NEWEST_FIRST="The newest change first.",
)


@strawberry.input(
    description="Which changes are asked for: those that meet all that is given. Without anything, all changes are."
)
class ChangesFilter:
    """Which changes are asked for."""

    kinds: list[ChangeKind] | None = strawberry.field(
        default=None, description="Changes of these kinds, at least one. E.g. `[SEGMENT_ENTERED, SEGMENT_EXITED]`."
    )
    customer_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="Changes of this customer, also those that were recorded under ids that were merged into it, and "
        "under the id that it was merged into.",
    )
    source: str | None = strawberry.field(
        default=None,
        description="Changes that observations of this source caused, or its revocation. Requires the scope "
        "`history:read`.",
    )
    segment_id: strawberry.ID | None = strawberry.field(
        default=None, description="Changes that this segment caused: entries and exits."
    )
    since: Timestamp | None = strawberry.field(
        default=None, description="Changes that were recorded at this time or later."
    )
    until: Timestamp | None = strawberry.field(default=None, description="Changes that were recorded before this time.")


async def _read(filter: ChangesFilter | None, info: Info) -> ChangeFilter:
    """Return a filter as the graph knows it; raises `InvalidInput` that names the field."""
    if filter is None:
        return ALL_CHANGES
    if filter.kinds is not None and not filter.kinds:
        raise InvalidInput("INVALID_COUNT", "filter: kinds is empty; name at least one kind", ("filter", "kinds"))
    for name, value in (
        ("source", filter.source),
        ("segmentId", filter.segment_id),
        ("customerId", filter.customer_id),
    ):
        if value == "":
            raise InvalidInput("INVALID_VALUE", f"filter: {name} is empty", ("filter", name))
    chosen = ChangeFilter(
        kinds=frozenset(filter.kinds or ()),
        source=filter.source or "",
        segment=str(filter.segment_id or ""),
        since=require_valid(filter.since, "since"),
        until=require_valid(filter.until, "until"),
    )
    return await info.context.graph.change_filter(chosen, filter.customer_id and str(filter.customer_id))


Filter: TypeAlias = Annotated[
    ChangesFilter | None, strawberry.argument(description="Which changes are asked for. Without it, all are.")
]


@requires(changes=CHANGES_READ)
@strawberry.type
class ChangeQueries:
    """Queries of the history."""

    @strawberry.field(
        description="The changes of the graph in the order of commits, without gaps. With a filter, a page may be "
        "short or empty although more follow (`hasNextPage`): `endCursor` says how far the history was read."
    )
    async def changes(
        self,
        info: Info,
        first: First = 100,
        after: Annotated[
            str | None,
            strawberry.argument(
                description="Return the changes that follow this cursor in the order of the list. Without it, the list "
                "starts with the first one."
            ),
        ] = None,
        filter: Filter = None,
        order: Annotated[
            ChangeOrder, strawberry.argument(description="The order of the list.")
        ] = ChangeOrder.OLDEST_FIRST,
    ) -> Connection[Change]:
        """Return a page of the history."""
        graph, size = info.context.graph, page_size(first)
        number = None if after is None else decode(after, int)[0]
        chosen = await _read(filter, info)
        end = None
        if chosen.is_empty and order is ChangeOrder.OLDEST_FIRST:
            page = await graph.changes(number or 0, size)
        else:
            found = await graph.filtered_changes(chosen, number, size, order is ChangeOrder.NEWEST_FIRST)
            page = Page(found.entries, found.has_more)
            end = encode(found.position) if found.position else None
        result: Connection[Change] = connection(page, Change.of, lambda entry: encode(entry.number), after, end)
        return result


@requires(changes=CHANGES_READ)
@strawberry.type
class ChangeSubscriptions:
    """Subscriptions to the history."""

    @strawberry.subscription(
        description="The changes of the graph as they happen, in the order of commits and without gaps. To resume, "
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
        filter: Filter = None,
    ) -> AsyncGenerator[Change, None]:
        """Yield changes."""
        number = None if after is None else decode(after, int)[0]
        chosen = await _read(filter, info)
        async with aclosing(info.context.graph.new_changes(number, chosen, info.context.feed_place)) as entries:
            async for entry in entries:
                yield Change.of(entry)
