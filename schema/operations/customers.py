"""Queries for customers."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry

from graph.domain.model.errors import InvalidInput
from graph.domain.profile.pages import Asked, ById, ByKey, Selection
from graph.identity_graph import MOST_CUSTOMERS, IdentityGraph
from schema.operations.identifier_input import IdentifierInput
from schema.shared.context import Info
from schema.shared.lookahead import selection_of
from schema.shared.scalars import Timestamp, readable
from schema.types.customer import Customer


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
        selection = selection_of(info) or Selection()
        if at is not None:
            then = readable(at, "at")
            return info.context.customer_or_none(await graph.customer_at(by.asked(graph), then, selection))
        (view,) = await graph.customers([by.asked(graph)], selection)
        return info.context.customer_or_none(view)

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
        selection = selection_of(info) or Selection()
        asked = [_by_identifier(graph, one, ("by", place)) for place, one in enumerate(by)]
        return [info.context.customer_or_none(view) for view in await graph.customers(asked, selection)]


@strawberry.type
class CustomerSubscriptions:
    """What can be followed of customers."""

    @strawberry.subscription(
        description="A customer as it is now, and again each time it has changed; changes in quick succession may come "
        "as one. Null while there is none."
    )
    async def customer_changed(
        self,
        info: Info,
        by: Annotated[CustomerBy, strawberry.argument(description="An id or an identifier.")],
    ) -> AsyncGenerator[Customer | None, None]:
        """One customer."""
        graph = info.context.graph
        selection = selection_of(info) or Selection()
        asked = by.asked(graph)
        async with aclosing(graph.follower.customer(asked)) as changes:
            async for _ in changes:
                (view,) = await graph.customers([asked], selection)
                yield info.context.customer_or_none(view)
