"""Mutations on orders."""

import strawberry

from schema.context import Info
from schema.observation.mutations import taken_in
from schema.observation.types import ObservationsPayload
from schema.order.inputs import RecordOrdersInput


@strawberry.type
class OrderMutations:
    """What can be done with orders."""

    @strawberry.mutation(
        description="Take in orders. An order is an identifier that also carries facts: its number finds its customer, "
        "and what it was placed with is linked."
    )
    async def record_orders(self, info: Info, input: RecordOrdersInput) -> ObservationsPayload:
        """Take in orders."""
        return await taken_in(info, info.context.graph.record_orders, input.orders)
