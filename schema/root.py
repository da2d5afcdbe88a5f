"""The schema: all queries, mutations and subscriptions."""

from collections.abc import Callable
from functools import partial

import strawberry
from strawberry.schema.config import StrawberryConfig

from graph.domain.access.audit import NO_AUDIT, AuditReports
from graph.domain.access.processing_record import NO_PROCESSING_RECORDS, ProcessingRecords
from graph.domain.access.roles import BUILT_IN
from graph.domain.access.viewer import always_valid
from graph.domain.privacy.subject_requests import NO_SUBJECT_REQUESTS, SubjectRequests
from graph.viewer_graph import ViewerGraph
from schema.execution import access
from schema.federation import FEDERATION_DEFINITIONS, KithSchema, with_router_scopes
from schema.operations.attributes import AttributeMutations, AttributeQueries
from schema.operations.audiences import AudienceMutations, AudienceQueries
from schema.operations.audit import AuditQueries
from schema.operations.changes import ChangeQueries, ChangeSubscriptions
from schema.operations.consent_texts import ConsentTextMutations
from schema.operations.consents import ConsentMutations, ConsentQueries
from schema.operations.customers import CustomerQueries, CustomerSubscriptions
from schema.operations.destinations import DestinationMutations, DestinationQueries
from schema.operations.erasures import ErasureMutations, ErasureQueries
from schema.operations.explanation import ExplanationQueries
from schema.operations.external_segments import ExternalSegmentMutations
from schema.operations.health import HealthQueries
from schema.operations.interactions import InteractionMutations
from schema.operations.nodes import NodeQueries
from schema.operations.observations import ObservationMutations
from schema.operations.orders import OrderMutations, OrderQueries
from schema.operations.overrides import OverrideMutations, OverrideQueries
from schema.operations.processing_record import ProcessingRecordQueries
from schema.operations.products import ProductMutations, ProductQueries
from schema.operations.refused_records import RefusedRecordMutations, RefusedRecordQueries
from schema.operations.restrictions import RestrictionMutations, RestrictionQueries
from schema.operations.retention import RetentionMutations, RetentionQueries
from schema.operations.rfm import RfmMutations
from schema.operations.rules import RulesMutations, RulesQueries
from schema.operations.search import SearchQueries
from schema.operations.segments import SegmentMutations, SegmentQueries
from schema.operations.simulation import SimulationQueries
from schema.operations.source_revocations import SourceRevocationMutations, SourceRevocationQueries
from schema.operations.subject_export import SubjectExportQueries
from schema.operations.subject_requests import SubjectRequestQueries
from schema.operations.viewer import ViewerQueries
from schema.shared.channels import CHANNEL_SCALAR
from schema.shared.context import Context
from schema.shared.scalars import SCALARS
from schema.types.change import Change
from schema.types.customer import Customer
from schema.types.override import Override
from schema.types.segment import Segment


@strawberry.type(description="Queries: read operations.")
class Query(
    CustomerQueries,
    OrderQueries,
    ProductQueries,
    AttributeQueries,
    ConsentQueries,
    ChangeQueries,
    OverrideQueries,
    ExplanationQueries,
    SimulationQueries,
    RulesQueries,
    HealthQueries,
    NodeQueries,
    SearchQueries,
    SegmentQueries,
    SourceRevocationQueries,
    RestrictionQueries,
    ViewerQueries,
    AuditQueries,
    ErasureQueries,
    SubjectExportQueries,
    RetentionQueries,
    ProcessingRecordQueries,
    SubjectRequestQueries,
    RefusedRecordQueries,
    AudienceQueries,
    DestinationQueries,
):
    """All queries."""


@strawberry.type(description="Mutations: write operations.")
class Mutation(
    ProductMutations,
    ExternalSegmentMutations,
    RfmMutations,
    ObservationMutations,
    OrderMutations,
    AttributeMutations,
    ConsentMutations,
    ConsentTextMutations,
    InteractionMutations,
    OverrideMutations,
    RulesMutations,
    SegmentMutations,
    SourceRevocationMutations,
    ErasureMutations,
    RestrictionMutations,
    RetentionMutations,
    RefusedRecordMutations,
    AudienceMutations,
    DestinationMutations,
):
    """All mutations."""


@strawberry.type(description="Subscriptions: operations that send data when it changes.")
class Subscription(CustomerSubscriptions, ChangeSubscriptions):
    """All subscriptions."""


schema = KithSchema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[Customer, Change, Override, Segment],
    config=StrawberryConfig(scalar_map={**SCALARS, **CHANNEL_SCALAR}),
    federation_version="2.7",
)


def new_context(
    graph: ViewerGraph,
    is_authorized: Callable[[], bool] = always_valid,
    audit: AuditReports = NO_AUDIT,
    processing: ProcessingRecords = NO_PROCESSING_RECORDS,
    subject_requests: SubjectRequests = NO_SUBJECT_REQUESTS,
) -> Context:
    """Return the context of one operation. `is_authorized` returns whether the viewer's key or token is still valid.

    `audit` reads the audit log, `processing` makes the record of processing activities, `subject_requests` are those
    that the service has received.
    """
    return Context(graph, partial(Customer.of, graph=graph), is_authorized, audit, processing, subject_requests)


def sdl(router_scopes: bool = False) -> str:
    """Return the schema definition language (SDL), with the definitions of all directives that it uses.

    So tools without support for Apollo Federation can load it; `_service { sdl }` returns the subgraph without them.
    With `router_scopes`, fields state their scopes as `@requiresScopes` too.
    """
    text = FEDERATION_DEFINITIONS + schema.as_str() + "\n"
    return with_router_scopes(text, access.coordinates(schema._schema)) if router_scopes else text


def access_table() -> str:
    """Return the table of the fields that each built-in role may select, as CSV."""
    return access.table(schema._schema, BUILT_IN)
