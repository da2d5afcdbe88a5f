"""Segments in GraphQL."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.scalars import JSON

from graph.commands.segment_counts import PreviewCounts
from graph.domain.access.scopes import ANY, MEMBERSHIP_READ, SEGMENT_MEMBERS, SEGMENT_READ, SEGMENT_WRITE
from graph.domain.model.segments import Segment as DomainSegment
from graph.domain.profile.pages import Page, Selection
from schema.shared.connections import After, Connection, First, connection
from schema.shared.context import Info
from schema.shared.cursors import decode, encode, page_size
from schema.shared.lookahead import selection_of, selection_of_nodes
from schema.shared.problems import Problem
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp
from schema.types.node import Node

if TYPE_CHECKING:
    from schema.types.customer import Customer

PREFIX = "seg_"


@requires(SEGMENT_READ, id=ANY, name=ANY, members=SEGMENT_MEMBERS)
@strawberry.type(
    description="A named group of the customers that match a rule. Memberships are updated as data arrives and time "
    "passes."
)
class Segment(Node):
    """A segment in GraphQL."""

    id: strawberry.ID = strawberry.field(description="The id: opaque, stable and never reused. E.g. `seg_…`.")
    name: str = strawberry.field(description="The unique name. E.g. `Frequent buyers`.")
    rule: JSON = strawberry.field(description='The rule, in the form of `SegmentRuleInput`. E.g. `{"known": true}`.')
    version: int = strawberry.field(
        description="The version number. It increases with each update of the name or the rule."
    )
    created_at: Timestamp = strawberry.field(description="When the segment was created.")
    created_by: str = strawberry.field(description="The API client that created the segment.")

    @classmethod
    def of(cls, segment: DomainSegment) -> "Segment":
        """Convert the domain's value."""
        return cls(
            id=strawberry.ID(segment.id),
            name=segment.name,
            rule=JSON(segment.values),
            version=segment.version,
            created_at=Timestamp(segment.created_at),
            created_by=segment.created_by,
        )

    @strawberry.field(
        description="The number of recorded members. For callers that work with numbers and not with people, it is "
        "rounded, and null if it is below the minimum count of the service, if fewer customers are not members, or "
        "until all customers have been evaluated since the segment was changed."
    )
    async def member_count(self, info: Info) -> int | None:
        """Count the members."""
        return await info.context.loaders.member_counts.load(self.id)

    @strawberry.field(
        description="Whether `memberCount` is null: it would be about too few customers, or is not known yet."
    )
    async def below_threshold(self, info: Info) -> bool:
        """Return whether the number of members is withheld."""
        return await info.context.loaders.member_counts.load(self.id) is None

    @strawberry.field(
        description="Whether all customers have been evaluated since the last change of a segment or of the statistics "
        "that segments use."
    )
    async def ready(self, info: Info) -> bool:
        """Return whether the evaluation of all customers is complete."""
        return await info.context.graph.segments_ready()

    @strawberry.field(
        description="The recorded members, by customer id. A customer becomes a member shortly after it matches the "
        "rule."
    )
    async def members(
        self,
        info: Info,
        first: First = 20,
        after: After = None,
    ) -> Connection[Annotated["Customer", strawberry.lazy("schema.types.customer")]]:
        """Return a page of members."""
        graph = info.context.graph
        position = "" if after is None else decode(after, str)[0]
        page = await graph.segments.members(self.id, position, page_size(first))
        views = await graph.profiled([member.customer for member in page.items], selection_of_nodes(info))
        members = [(member, view) for member, view in zip(page.items, views, strict=True) if view is not None]
        result: Connection[Customer] = connection(
            Page(members, page.has_more),
            lambda pair: info.context.present_customer(pair[1]),
            lambda pair: encode(pair[0].customer),
            after,
        )
        return result


@requires(MEMBERSHIP_READ)
@strawberry.type(description="The membership of a customer in a segment.")
class SegmentMembership:
    """A membership in GraphQL."""

    segment: Segment = strawberry.field(description="The segment.")
    entered_at: Timestamp | None = strawberry.field(
        description="When the customer entered the segment. Null if the customer matches the rule and the entry is not "
        "recorded yet."
    )

    @classmethod
    def of(cls, segment: DomainSegment, entered_at: int | None) -> "SegmentMembership":
        """Convert the domain's values."""
        return cls(segment=Segment.of(segment), entered_at=None if entered_at is None else Timestamp(entered_at))


@requires(SEGMENT_WRITE)
@strawberry.type(description="The result of a mutation of a segment.")
class SegmentPayload:
    """The payload of all mutations of segments."""

    segment: Segment | None = strawberry.field(
        description="The segment that was created, updated or deleted. Null if `errors` is not empty."
    )
    errors: list[Problem] = strawberry.field(description="The problems of the request. Empty if it succeeded.")


@requires(SEGMENT_WRITE, sample=SEGMENT_MEMBERS)
@strawberry.type(
    description="The customers that match a rule. A preview changes no data. For callers that work with numbers and "
    "not with people, numbers are rounded, and null if they would be about too few customers."
)
class SegmentPreview:
    """A preview in GraphQL."""

    total_customers: int | None = strawberry.field(
        description="The total number of customers. Null if it is below the minimum count of the service and the "
        "caller sees no people."
    )
    evaluated_customers: int | None = strawberry.field(
        description="The number of customers evaluated. A preview stops after 5 seconds. Null as `totalCustomers`."
    )
    complete: bool = strawberry.field(description="Whether all customers were evaluated.")
    matching_customers: int | None = strawberry.field(
        description="The number of evaluated customers that match the rule. Null if `belowThreshold`."
    )
    estimated_count: int | None = strawberry.field(
        description="The number of customers that match the rule: exact if `complete`, otherwise extrapolated. Null if "
        "`belowThreshold`."
    )
    below_threshold: bool = strawberry.field(
        description="Whether counts are null because the rule or a part of it matches fewer customers than the minimum "
        "count of the service, or all but fewer. Always false for callers that see people."
    )
    sample: list[Annotated["Customer", strawberry.lazy("schema.types.customer")]] = strawberry.field(
        description="A sample of the customers that match the rule."
    )

    @classmethod
    async def of(cls, info: Info, counts: PreviewCounts, sample: Sequence[str]) -> "SegmentPreview":
        """Convert the domain's values, and read the customers of a sample."""
        graph = info.context.graph
        selection = selection_of(info, "sample") or Selection()
        views = await graph.profiled(sample, selection)
        return cls(
            total_customers=counts.total_customers,
            evaluated_customers=counts.evaluated_customers,
            complete=counts.complete,
            matching_customers=counts.matching_customers,
            estimated_count=counts.estimated_count,
            below_threshold=counts.matching_customers is None,
            sample=[info.context.present_customer(view) for view in views if view is not None],
        )
