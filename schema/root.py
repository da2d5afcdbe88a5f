"""The schema: all queries and mutations, and how its fields are spelled."""

import strawberry
from strawberry.schema.config import StrawberryConfig

from schema.attribute.operations import AttributeMutations, AttributeQueries
from schema.change.queries import ChangeQueries
from schema.change.subscriptions import ChangeSubscriptions
from schema.change.types import Change
from schema.consent.operations import ConsentMutations, ConsentQueries
from schema.customer.queries import CustomerQueries
from schema.customer.subscriptions import CustomerSubscriptions
from schema.customer.types import Customer
from schema.federation import KithSchema
from schema.health.queries import HealthQueries
from schema.interaction.operations import InteractionMutations
from schema.mark.mutations import MarkMutations
from schema.mark.queries import MarkQueries
from schema.mark.types import Mark
from schema.node.queries import NodeQueries
from schema.observation.mutations import ObservationMutations
from schema.order.mutations import OrderMutations
from schema.order.queries import OrderQueries
from schema.outside.operations import OutsideMutations
from schema.population.types import PopulationMutations
from schema.product.operations import ProductMutations, ProductQueries
from schema.rules.operations import RulesMutations, RulesQueries
from schema.scalars import SCALARS
from schema.search.queries import SearchQueries
from schema.segment.operations import SegmentMutations, SegmentQueries
from schema.segment.types import Segment
from schema.simulation.queries import SimulationQueries
from schema.why.queries import WhyQueries


@strawberry.type(description="What can be asked.")
class Query(
    CustomerQueries,
    OrderQueries,
    ProductQueries,
    AttributeQueries,
    ConsentQueries,
    ChangeQueries,
    MarkQueries,
    WhyQueries,
    SimulationQueries,
    RulesQueries,
    HealthQueries,
    NodeQueries,
    SearchQueries,
    SegmentQueries,
):
    """All queries."""


@strawberry.type(description="What can be done.")
class Mutation(
    ProductMutations,
    OutsideMutations,
    PopulationMutations,
    ObservationMutations,
    OrderMutations,
    AttributeMutations,
    ConsentMutations,
    InteractionMutations,
    MarkMutations,
    RulesMutations,
    SegmentMutations,
):
    """All mutations."""


@strawberry.type(description="What can be followed.")
class Subscription(CustomerSubscriptions, ChangeSubscriptions):
    """All subscriptions."""


schema = KithSchema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[Customer, Change, Mark, Segment],
    config=StrawberryConfig(scalar_map=SCALARS),
    federation_version="2.7",
)


def sdl() -> str:
    """The schema in its definition language."""
    return schema.as_str() + "\n"
