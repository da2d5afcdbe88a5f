"""Recalculating RFM scores."""

import strawberry

from schema.shared.context import Info
from schema.types.insights import Population


@strawberry.type
class PopulationMutations:
    """What can be counted."""

    @strawberry.mutation(
        description="Count all customers now, for scores and percentiles, and not only when the time has come."
    )
    async def count_customers(self, info: Info) -> Population:
        """Count."""
        return Population.of(await info.context.graph.census.count())
