"""Queries for customers."""

from typing import Annotated

import strawberry

from graph.domain.errors import InvalidInput
from graph.domain.views import Asked, ById, ByKey, Selection
from graph.identity_graph import MOST_CUSTOMERS, IdentityGraph
from schema.context import Info
from schema.customer.selection import selected
from schema.customer.types import Customer, customer_or_none
from schema.identifier.types import IdentifierInput
from schema.scalars import Timestamp, readable


@strawberry.input(one_of=True, description="What a customer is asked for by: exactly one of these.")
class CustomerBy:
    """A one-of input."""

    id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="An id that Kith handed out; a retired one finds the one that answers."
    )
    identifier: IdentifierInput | None = strawberry.field(
        default=strawberry.UNSET, description="Any identifier; normalised as on the way in."
    )

    def asked(self, graph: IdentityGraph) -> Asked:
        """As the domain's value."""
        if self.identifier:
            return _by_identifier(graph, self.identifier, ("by", "identifier"))
        return ById(str(self.id))


def _by_identifier(graph: IdentityGraph, one: IdentifierInput, path: tuple[str | int, ...]) -> ByKey:
    return ByKey(graph.key(one.namespace, one.value, path))


@strawberry.type
class CustomerQueries:
    """What can be asked of customers."""

    @strawberry.field(description="The customer that an id or an identifier belongs to; null where there is none.")
    async def customer(
        self,
        info: Info,
        by: Annotated[CustomerBy, strawberry.argument(description="An id or an identifier.")],
        at: Annotated[
            Timestamp | None,
            strawberry.argument(
                description="Who this was in Kith at that time (of recording, not of being seen): then only id, known "
                "and identifiers can be asked for."
            ),
        ] = None,
    ) -> Customer | None:
        """One customer."""
        graph = info.context.graph
        selection = selected(info._raw_info, graph.rules) or Selection()
        if at is not None:
            then = readable(at, "at")
            return customer_or_none(await graph.customer_at(by.asked(graph), then, selection), graph)
        (view,) = await graph.customers([by.asked(graph)], selection)
        return customer_or_none(view, graph)

    @strawberry.field(description="The customers of 1 to 100 identifiers, in their order; null where there is none.")
    async def customers(
        self,
        info: Info,
        by: Annotated[list[IdentifierInput], strawberry.argument(description="The identifiers.")],
    ) -> list[Customer | None]:
        """Many customers, in one read."""
        graph = info.context.graph
        if not 1 <= len(by) <= MOST_CUSTOMERS:
            message = f"by holds {len(by)} identifiers; 1 to {MOST_CUSTOMERS} are allowed"
            raise InvalidInput("BAD_COUNT", message, ("by",))
        selection = selected(info._raw_info, graph.rules) or Selection()
        asked = [_by_identifier(graph, one, ("by", place)) for place, one in enumerate(by)]
        return [customer_or_none(view, graph) for view in await graph.customers(asked, selection)]
