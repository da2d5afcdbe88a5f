"""Queries of any object by its id."""

import asyncio
from typing import Annotated

import strawberry

from graph.domain.access.scopes import CUSTOMER_LOOKUP
from graph.domain.model.errors import InvalidInput
from graph.domain.profile.pages import MAX_PAGE, ById, Selection
from schema.shared.context import Info
from schema.shared.lookahead import selection_of
from schema.shared.required_scopes import requires
from schema.types.change import PREFIX as CHANGE
from schema.types.change import Change, change_number
from schema.types.node import Node
from schema.types.override import PREFIX as OVERRIDE
from schema.types.override import Override
from schema.types.segment import PREFIX as SEGMENT
from schema.types.segment import Segment


async def node_of(info: Info, id: str) -> Node | None:
    """Return the object with an id; customers are loaded together with others of the response.

    A selection on `Node` alone does not require the scope of what an id names, so the graph decides who is shown it.
    """
    graph = info.context.graph
    if id.startswith(CHANGE):
        try:
            entry = await graph.change(change_number(id))
        except InvalidInput:
            return None
        return None if entry is None else Change.of(entry)
    if id.startswith(OVERRIDE):
        override = await graph.override_by_id(id)
        return None if override is None else Override.of(override)
    if id.startswith(SEGMENT):
        segment = await graph.segment(id)
        return None if segment is None else Segment.of(segment)
    selection = selection_of(info) or Selection()
    return info.context.customer_or_none(await info.context.loaders.customers.load((ById(id), selection)))


@requires(node=CUSTOMER_LOOKUP, nodes=CUSTOMER_LOOKUP)
@strawberry.type
class NodeQueries:
    """Queries by id."""

    @strawberry.field(description="The customer, change, override or segment with this id. Null if it does not exist.")
    async def node(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="The id of the object.")]
    ) -> Node | None:
        """Return Relay's node."""
        return await node_of(info, str(id))

    @strawberry.field(
        description="The customers, changes, overrides or segments with 0 to 100 ids, in the order of the ids. Null "
        "for each that does not exist."
    )
    async def nodes(
        self,
        info: Info,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="The ids of the objects.")],
    ) -> list[Node | None]:
        """Return Relay's nodes."""
        if len(ids) > MAX_PAGE:
            raise InvalidInput("INVALID_COUNT", f"ids has {len(ids)} entries; 0 to {MAX_PAGE} are allowed", ("ids",))
        return list(await asyncio.gather(*(node_of(info, str(id)) for id in ids)))
