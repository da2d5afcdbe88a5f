"""Queries for stewards' marks."""

from typing import Annotated

import strawberry

from graph.domain.marks import Mark as DomainMark
from schema.connections import Connection, connection
from schema.context import Info
from schema.cursors import decode, encode, page_size
from schema.identifier.types import IdentifierInput
from schema.mark.types import Mark


@strawberry.type
class MarkQueries:
    """What can be asked of marks."""

    @strawberry.field(description="The marks that stewards set, in the order they were set.")
    async def marks(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description="How many at most, 0 to 100.")] = 20,
        after: Annotated[str | None, strawberry.argument(description="The cursor after which the page begins.")] = None,
        identifier: Annotated[
            IdentifierInput | None, strawberry.argument(description="Only marks that name this identifier.")
        ] = None,
    ) -> Connection[Mark]:
        """A page of marks."""
        graph = info.context.graph
        place = None if after is None else decode(after, int, str)
        key = None
        if identifier is not None:
            key = graph.key(identifier.namespace, identifier.value, ("identifier",))
        page = await graph.marks(key, place and (place[0], place[1]), page_size(first))

        def cursor(mark: DomainMark) -> str:
            return encode(mark.at, mark.id)

        result: Connection[Mark] = connection(page, Mark.of, cursor, after)
        return result
