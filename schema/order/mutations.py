"""Mutations on orders."""

import strawberry

from graph.domain.errors import InvalidInput
from schema.context import Info
from schema.observation.mutations import answered
from schema.observation.types import ObservationsPayload
from schema.order.inputs import RecordOrdersInput
from schema.problems import Problem


@strawberry.type
class OrderMutations:
    """What can be done with orders."""

    @strawberry.mutation(
        description="Take in orders. An order is an identifier that also carries facts: its number finds its customer, "
        "and what it was placed with is linked."
    )
    async def record_orders(self, info: Info, input: RecordOrdersInput) -> ObservationsPayload:
        """Take in orders."""
        try:
            answers = await info.context.graph.record_orders([one.read() for one in input.orders])
        except InvalidInput as error:
            return ObservationsPayload(results=[], errors=[Problem.of(error.problem())])
        return await answered(info, answers)
