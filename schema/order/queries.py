"""Queries for orders."""

from typing import Annotated

import strawberry

from schema.context import Info
from schema.order.types import Order


@strawberry.type
class OrderQueries:
    """What can be asked of orders."""

    @strawberry.field(description="An order by its number; null where none is known.")
    async def order(
        self, info: Info, number: Annotated[str, strawberry.argument(description="The order number.")]
    ) -> Order | None:
        """One order."""
        return await Order.resolve_reference(info, number)
