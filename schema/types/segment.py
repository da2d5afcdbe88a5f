"""Segments in GraphQL."""

from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry.scalars import JSON

from graph.commands.segments import Tried
from graph.domain.model.segments import Segment as DomainSegment
from graph.domain.profile.pages import ById, Page, Selection
from schema.shared.connections import After, Connection, First, connection
from schema.shared.context import Info
from schema.shared.cursors import decode, encode, page_size
from schema.shared.lookahead import selection_of
from schema.shared.problems import Problem
from schema.shared.scalars import Timestamp
from schema.types.node import Node

if TYPE_CHECKING:
    from schema.types.customer import Customer

PREFIX = "seg_"


@strawberry.type(description="A named group of customers, by a rule; kept up to date as facts arrive and time passes.")
class Segment(Node):
    """A segment in GraphQL."""

    id: strawberry.ID = strawberry.field(description="Opaque and lasting.")
    name: str = strawberry.field(description="What people call it; no two have the same.")
    rule: JSON = strawberry.field(description="The rule, as `SegmentRuleInput` takes it.")
    version: int = strawberry.field(description="Rises with every change of its name or rule.")
    created_at: Timestamp = strawberry.field(description="Since when there is it.")
    created_by: str = strawberry.field(description="Who made it.")

    @classmethod
    def of(cls, one: DomainSegment) -> "Segment":
        """From the domain's value."""
        return cls(
            id=strawberry.ID(one.id),
            name=one.name,
            rule=JSON(one.values),
            version=one.version,
            created_at=Timestamp(one.created_at),
            created_by=one.created_by,
        )

    @strawberry.field(description="How many belong to it, as it is recorded.")
    async def count(self, info: Info) -> int:
        """Its size."""
        return await info.context.graph.segments.count(self.id)

    @strawberry.field(description="Whether all customers were looked at since segments or what they ask changed last.")
    async def filled(self, info: Info) -> bool:
        """Whether the pass is done."""
        return await info.context.graph.segment_worker.filled()

    @strawberry.field(description="Who belongs to it, by id, as it is recorded: moments after what made them belong.")
    async def members(
        self,
        info: Info,
        first: First = 20,
        after: After = None,
    ) -> Connection[Annotated["Customer", strawberry.lazy("schema.types.customer")]]:
        """A page of members."""
        graph = info.context.graph
        place = "" if after is None else decode(after, str)[0]
        page = await graph.segments.members(self.id, place, page_size(first))
        both = [selection_of(info, *path) for path in (("nodes",), ("edges", "node"))]
        selection = Selection.of(one for found in both if found is not None for one in found.pages)
        views = await graph.customers([ById(one.customer) for one in page.items], selection)
        there = [(one, view) for one, view in zip(page.items, views, strict=True) if view is not None]
        result: Connection[Customer] = connection(
            Page(there, page.more),
            lambda pair: info.context.present_customer(pair[1]),
            lambda pair: encode(pair[0].customer),
            after,
        )
        return result


@strawberry.type(description="That a customer belongs to a segment.")
class SegmentMembership:
    """A membership in GraphQL."""

    segment: Segment = strawberry.field(description="The segment.")
    since: Timestamp | None = strawberry.field(
        description="Since when that is recorded; null in the moment before it is."
    )

    @classmethod
    def of(cls, segment: DomainSegment, since: int | None) -> "SegmentMembership":
        """From the domain's values."""
        return cls(segment=Segment.of(segment), since=None if since is None else Timestamp(since))


@strawberry.type(description="A segment that stands, or what is wrong with the request.")
class SegmentPayload:
    """The payload of all mutations on segments."""

    segment: Segment | None = strawberry.field(description="The segment; null if `errors` is not empty.")
    errors: list[Problem] = strawberry.field(description="What is wrong with the request.")


@strawberry.type(description="What a rule would hold. Nothing is kept.")
class SegmentPreview:
    """A preview in GraphQL."""

    customers: int = strawberry.field(description="How many customers there are.")
    looked_at: int = strawberry.field(description="How many of them were looked at, within 5 seconds at most.")
    complete: bool = strawberry.field(description="Whether that was all of them.")
    matching: int = strawberry.field(description="How many of those it would hold.")
    count: int = strawberry.field(description="How many of all it would hold: counted if complete, else estimated.")
    sample: list[Annotated["Customer", strawberry.lazy("schema.types.customer")]] = strawberry.field(
        description="Some of those it would hold."
    )

    @classmethod
    async def of(cls, info: Info, one: Tried) -> "SegmentPreview":
        """From what was found."""
        graph = info.context.graph
        selection = selection_of(info, "sample") or Selection()
        views = await graph.customers([ById(id) for id in one.sample], selection)
        return cls(
            customers=one.customers,
            looked_at=one.looked_at,
            complete=one.looked_at == one.customers,
            matching=one.matching,
            count=one.estimate,
            sample=[info.context.present_customer(view) for view in views if view is not None],
        )
