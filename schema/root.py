"""The schema: all queries and mutations, and how its fields are spelled."""

from functools import partial

import strawberry
from strawberry.schema.config import StrawberryConfig

from graph.identity_graph import IdentityGraph
from schema.federation import KithSchema
from schema.operations.attributes import AttributeMutations, AttributeQueries
from schema.operations.changes import ChangeQueries, ChangeSubscriptions
from schema.operations.consents import ConsentMutations, ConsentQueries
from schema.operations.customers import CustomerQueries, CustomerSubscriptions
from schema.operations.explanation import WhyQueries
from schema.operations.external_segments import OutsideMutations
from schema.operations.health import HealthQueries
from schema.operations.interactions import InteractionMutations
from schema.operations.nodes import NodeQueries
from schema.operations.observations import ObservationMutations
from schema.operations.orders import OrderMutations, OrderQueries
from schema.operations.overrides import MarkMutations, MarkQueries
from schema.operations.products import ProductMutations, ProductQueries
from schema.operations.rfm import PopulationMutations
from schema.operations.rules import RulesMutations, RulesQueries
from schema.operations.search import SearchQueries
from schema.operations.segments import SegmentMutations, SegmentQueries
from schema.operations.simulation import SimulationQueries
from schema.shared.context import Caller, Context
from schema.shared.scalars import SCALARS
from schema.types.change import Change
from schema.types.customer import Customer
from schema.types.override import Mark
from schema.types.segment import Segment


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


def new_context(graph: IdentityGraph, caller: Caller) -> Context:
    """What resolvers find in the context of one request."""
    return Context(graph, caller, partial(Customer.of, graph=graph))


def sdl() -> str:
    """The schema in its definition language."""
    return schema.as_str() + "\n"
