"""Queries of customers, and the subscription to one of them."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry

from graph.domain.access.scopes import CUSTOMER_BATCH, CUSTOMER_LOOKUP, CUSTOMER_WATCH
from graph.domain.model.errors import InvalidInput
from graph.domain.profile.pages import ById, ByKey, CustomerRef, Selection
from graph.viewer_graph import MAX_CUSTOMERS, ViewerGraph
from schema.operations.identifier_input import IdentifierInput
from schema.shared.context import Info
from schema.shared.lookahead import selection_of
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp, require_valid
from schema.types.customer import Customer


@strawberry.input(one_of=True, description="A reference to a customer: exactly one of these fields.")
class CustomerBy:
    """A one-of input."""

    id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET,
        description="The id of the customer. An id that was retired by a merge returns the customer that remains.",
    )
    identifier: IdentifierInput | None = strawberry.field(
        default=strawberry.UNSET, description="Any identifier of the customer. E.g. an email address."
    )

    def ref(self, graph: ViewerGraph, argument: str = "by") -> CustomerRef:
        """Convert to the domain's value; `argument` is the name under which it was sent."""
        if self.identifier:
            return _by_identifier(graph, self.identifier, (argument, "identifier"))
        return ById(str(self.id))


def _by_identifier(graph: ViewerGraph, identifier: IdentifierInput, path: tuple[str | int, ...]) -> ByKey:
    return ByKey(graph.key(identifier.namespace, identifier.raw, path))


@requires(customer=CUSTOMER_LOOKUP, customers=CUSTOMER_BATCH)
@strawberry.type
class CustomerQueries:
    """Queries of customers."""

    @strawberry.field(description="The customer with this id or identifier. Null if it does not exist.")
    async def customer(
        self,
        info: Info,
        by: Annotated[CustomerBy, strawberry.argument(description="The id or an identifier of the customer.")],
        at: Annotated[
            Timestamp | None,
            strawberry.argument(
                description="Return the customer as it was recorded at this time. Then only `id`, `requestedId`, "
                "`known`, `createdAt`, `identifiers`, `devices`, `emails` and `loyaltyCards` are available."
            ),
        ] = None,
    ) -> Customer | None:
        """Return one customer."""
        graph = info.context.graph
        selection = selection_of(info) or Selection()
        if at is not None:
            time = require_valid(at, "at")
            return info.context.customer_or_none(await graph.customer_at(by.ref(graph), time, selection))
        (view,) = await graph.customers([by.ref(graph)], selection)
        return info.context.customer_or_none(view)

    @strawberry.field(
        description="The customers of 1 to 100 identifiers, in the order of the identifiers. Null for each identifier "
        "without a customer."
    )
    async def customers(
        self,
        info: Info,
        by: Annotated[list[IdentifierInput], strawberry.argument(description="One identifier of each customer.")],
    ) -> list[Customer | None]:
        """Return several customers, in one read."""
        graph = info.context.graph
        if not 1 <= len(by) <= MAX_CUSTOMERS:
            message = f"by has {len(by)} entries; 1 to {MAX_CUSTOMERS} are allowed"
            raise InvalidInput("INVALID_COUNT", message, ("by",))
        selection = selection_of(info) or Selection()
        refs = [_by_identifier(graph, identifier, ("by", position)) for position, identifier in enumerate(by)]
        return [info.context.customer_or_none(view) for view in await graph.customers(refs, selection)]


@requires(customer_changed=CUSTOMER_WATCH)
@strawberry.type
class CustomerSubscriptions:
    """Subscriptions to customers."""

    @strawberry.subscription(
        description="The customer now, and again after each change. Several changes in quick succession may be sent as "
        "one. Null while the customer does not exist."
    )
    async def customer_changed(
        self,
        info: Info,
        by: Annotated[CustomerBy, strawberry.argument(description="The id or an identifier of the customer.")],
    ) -> AsyncGenerator[Customer | None, None]:
        """Yield the customer after each change."""
        graph = info.context.graph
        selection = selection_of(info) or Selection()
        ref = by.ref(graph)
        async with aclosing(graph.customer_changes(ref, selection)) as views:
            async for view in views:
                yield info.context.customer_or_none(view)
