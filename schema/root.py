"""The schema: all queries and mutations, and how its fields are spelled."""

import strawberry
import strawberry.federation
from strawberry.schema.config import StrawberryConfig

from schema.change.queries import ChangeQueries
from schema.customer.queries import CustomerQueries
from schema.customer.types import Customer
from schema.health.queries import HealthQueries
from schema.mark.mutations import MarkMutations
from schema.mark.queries import MarkQueries
from schema.observation.mutations import ObservationMutations
from schema.order.mutations import OrderMutations
from schema.rules.operations import RulesMutations, RulesQueries
from schema.scalars import SCALARS
from schema.simulation.queries import SimulationQueries
from schema.why.queries import WhyQueries


@strawberry.type(description="What can be asked.")
class Query(CustomerQueries, ChangeQueries, MarkQueries, WhyQueries, SimulationQueries, RulesQueries, HealthQueries):
    """All queries."""


@strawberry.type(description="What can be done.")
class Mutation(ObservationMutations, OrderMutations, MarkMutations, RulesMutations):
    """All mutations."""


schema = strawberry.federation.Schema(
    query=Query,
    mutation=Mutation,
    types=[Customer],
    config=StrawberryConfig(scalar_map=SCALARS),
    federation_version="2.7",
)


def sdl() -> str:
    """The schema in its definition language."""
    return schema.as_str() + "\n"
