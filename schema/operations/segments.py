"""Queries and mutations of segments."""

from collections.abc import Awaitable
from typing import Annotated

import strawberry

from graph.domain.access.scopes import SEGMENT_READ, SEGMENT_WRITE
from graph.domain.model.errors import InvalidInput, NameTaken, VersionConflict
from graph.domain.model.segments import Segment as DomainSegment
from graph.domain.profile.pages import page_after
from schema.operations.segment_rule_input import SegmentRuleInput, rule_values
from schema.shared.connections import After, Connection, First, connection
from schema.shared.context import Info
from schema.shared.cursors import decode, encode, page_size
from schema.shared.problems import Problem
from schema.shared.required_scopes import requires
from schema.types.segment import Segment, SegmentPayload, SegmentPreview


@strawberry.input(description="The input of `createSegment`.")
class CreateSegmentInput:
    """The input of `createSegment`."""

    name: str = strawberry.field(description="The unique name, 1 to 200 characters. E.g. `Frequent buyers`.")
    rule: SegmentRuleInput = strawberry.field(description="The rule that members match.")


@strawberry.input(description="The input of `updateSegment`.")
class UpdateSegmentInput:
    """The input of `updateSegment`."""

    id: strawberry.ID = strawberry.field(description="The id of the segment.")
    name: str | None = strawberry.field(
        default=None, description="The new name, 1 to 200 characters. Without it, the name stays."
    )
    rule: SegmentRuleInput | None = strawberry.field(
        default=None, description="The new rule. Without it, the rule stays."
    )
    expected_version: int | None = strawberry.field(
        default=None,
        description="The version to update. If it is not the current version, the result is `VERSION_CONFLICT`. "
        "Without it, any version is updated.",
    )


@strawberry.input(description="The input of `deleteSegment`.")
class DeleteSegmentInput:
    """The input of `deleteSegment`."""

    id: strawberry.ID = strawberry.field(description="The id of the segment.")


@requires(segments=SEGMENT_READ, segment=SEGMENT_READ, preview_segment=SEGMENT_WRITE)
@strawberry.type
class SegmentQueries:
    """Queries of segments."""

    @strawberry.field(description="All segments, by name. There are at most 200.")
    async def segments(self, info: Info, first: First = 20, after: After = None) -> Connection[Segment]:
        """Return a page of segments."""
        name = None if after is None else str(decode(after, str)[0])
        segments = await info.context.graph.segments.all()
        page = page_after(segments, lambda segment: segment.name, name, page_size(first))
        result: Connection[Segment] = connection(page, Segment.of, lambda segment: encode(segment.name), after)
        return result

    @strawberry.field(description="The segment with this id. Null if it does not exist.")
    async def segment(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="The id of the segment.")]
    ) -> Segment | None:
        """Return one segment."""
        segment = await info.context.graph.segments.get(str(id))
        return None if segment is None else Segment.of(segment)

    @strawberry.field(description="The number of customers that match a rule, and a sample of them. Changes no data.")
    async def preview_segment(
        self,
        info: Info,
        rule: Annotated[SegmentRuleInput, strawberry.argument(description="The rule.")],
        first: Annotated[int, strawberry.argument(description="The size of the sample, 0 to 100.")] = 10,
    ) -> SegmentPreview:
        """Return a preview."""
        counts, sample = await info.context.graph.preview_segment(rule_values(rule), page_size(first))
        return await SegmentPreview.of(info, counts, sample)


@requires(create_segment=SEGMENT_WRITE, update_segment=SEGMENT_WRITE, delete_segment=SEGMENT_WRITE)
@strawberry.type
class SegmentMutations:
    """Mutations of segments."""

    @strawberry.mutation(
        description="Create a segment. Its members are found in the background (see `Segment.ready`); each entry and "
        "exit is recorded as a change. If a segment with the same name and rule exists, it is returned."
    )
    async def create_segment(self, info: Info, input: CreateSegmentInput) -> SegmentPayload:
        """Create a segment."""
        return await _payload(info.context.graph.create_segment(input.name, rule_values(input.rule)))

    @strawberry.mutation(
        description="Update the name or the rule of a segment. Its members are found again in the background."
    )
    async def update_segment(self, info: Info, input: UpdateSegmentInput) -> SegmentPayload:
        """Update a segment."""
        rule = None if input.rule is None else rule_values(input.rule)
        graph = info.context.graph
        return await _payload(graph.update_segment(str(input.id), input.name, rule, input.expected_version))

    @strawberry.mutation(description="Delete a segment and its memberships. Recorded as a single change.")
    async def delete_segment(self, info: Info, input: DeleteSegmentInput) -> SegmentPayload:
        """Delete a segment."""
        return await _payload(info.context.graph.segments.delete(str(input.id), info.context.viewer.caller))


async def _payload(result: Awaitable[DomainSegment]) -> SegmentPayload:
    try:
        return SegmentPayload(segment=Segment.of(await result), errors=[])
    except (InvalidInput, NameTaken, VersionConflict) as error:
        return SegmentPayload(segment=None, errors=[Problem.of(error.problem())])
