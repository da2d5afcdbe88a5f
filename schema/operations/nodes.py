"""Queries for anything by its id."""

import asyncio
from typing import Annotated

import strawberry

from graph.domain.model.errors import InvalidInput
from graph.domain.profile.pages import MAX_PAGE, ById, Selection
from schema.shared.context import Info
from schema.shared.lookahead import selection_of
from schema.types.change import PREFIX as CHANGE
from schema.types.change import Change, change_no
from schema.types.node import Node
from schema.types.override import PREFIX as MARK
from schema.types.override import Mark
from schema.types.segment import PREFIX as SEGMENT
from schema.types.segment import Segment


async def node_of(info: Info, id: str) -> Node | None:
    """Anything by its id, customers together with others of the answer."""
    graph = info.context.graph
    if id.startswith(CHANGE):
        try:
            entry = await graph.change(change_no(id))
        except InvalidInput:
            return None
        return None if entry is None else Change.of(entry)
    if id.startswith(MARK):
        mark = await graph.mark_by_id(id)
        return None if mark is None else Mark.of(mark)
    if id.startswith(SEGMENT):
        segment = await graph.segments.one(id)
        return None if segment is None else Segment.of(segment)
    selection = selection_of(info) or Selection()
    return info.context.customer_or_none(await info.context.loaders.customers.load((ById(id), selection)))


@strawberry.type
class NodeQueries:
    """What can be asked by an id."""

    @strawberry.field(description="Anything by its id; null where there is none.")
    async def node(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="An id.")]
    ) -> Node | None:
        """Relay's node."""
        return await node_of(info, str(id))

    @strawberry.field(description="Anything by 0 to 100 ids, in their order; null where there is none.")
    async def nodes(
        self, info: Info, ids: Annotated[list[strawberry.ID], strawberry.argument(description="The ids.")]
    ) -> list[Node | None]:
        """Relay's plural node."""
        if len(ids) > MAX_PAGE:
            raise InvalidInput("BAD_COUNT", f"ids holds {len(ids)} ids; 0 to {MAX_PAGE} are allowed", ("ids",))
        return list(await asyncio.gather(*(node_of(info, str(id)) for id in ids)))
