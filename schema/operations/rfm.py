"""The mutation that recalculates RFM scores."""

import strawberry

from graph.domain.access.scopes import RFM_CALCULATE
from schema.shared.context import Info
from schema.shared.required_scopes import requires
from schema.types.insights import RfmCalculation


@requires(recalculate_rfm=RFM_CALCULATE)
@strawberry.type
class RfmMutations:
    """Mutations of RFM scores."""

    @strawberry.mutation(
        description="Recalculate the RFM scores and percentiles of all customers now. The service also does so "
        "regularly."
    )
    async def recalculate_rfm(self, info: Info) -> RfmCalculation:
        """Recalculate RFM scores."""
        return RfmCalculation.of(await info.context.graph.statistics.recalculate())
