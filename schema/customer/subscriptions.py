"""Subscriptions to customers."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry

from graph.domain.views import Selection
from schema.context import Info
from schema.customer.queries import CustomerBy
from schema.customer.selection import selected
from schema.customer.types import Customer, customer_or_none


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
        selection = selected(info._raw_info, graph.rules) or Selection()
        asked = by.asked(graph)
        async with aclosing(graph.follow_customer(asked)) as changes:
            async for _ in changes:
                (view,) = await graph.customers([asked], selection)
                yield customer_or_none(view, graph)
