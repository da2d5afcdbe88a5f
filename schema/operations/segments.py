"""What can be asked and done with segments."""

from collections.abc import Awaitable
from typing import Annotated

import strawberry

from graph.domain.model.errors import Conflict, InvalidInput
from graph.domain.model.segments import Segment as DomainSegment
from graph.domain.profile.pages import Page
from schema.operations.segment_rule_input import SegmentRuleInput, plain
from schema.shared.connections import After, Connection, First, connection
from schema.shared.context import Info
from schema.shared.cursors import decode, encode, page_size
from schema.shared.problems import Problem
from schema.types.segment import Segment, SegmentPayload, SegmentPreview


@strawberry.input(description="A segment to make.")
class CreateSegmentInput:
    """The input of `createSegment`."""

    name: str = strawberry.field(description="What people call it, 1 to 200 characters; no two have the same.")
    rule: SegmentRuleInput = strawberry.field(description="Whom it holds.")


@strawberry.input(description="A segment to give another name or rule.")
class ChangeSegmentInput:
    """The input of `changeSegment`."""

    id: strawberry.ID = strawberry.field(description="The segment.")
    name: str | None = strawberry.field(default=None, description="Its new name.")
    rule: SegmentRuleInput | None = strawberry.field(default=None, description="Its new rule.")
    expected_version: int | None = strawberry.field(
        default=None, description="If given, nothing is changed where the segment has another version."
    )


@strawberry.input(description="A segment to let go.")
class DeleteSegmentInput:
    """The input of `deleteSegment`."""

    id: strawberry.ID = strawberry.field(description="The segment.")


@strawberry.type
class SegmentQueries:
    """What can be asked of segments."""

    @strawberry.field(description="All segments, by name; there are at most 200.")
    async def segments(self, info: Info, first: First = 20, after: After = None) -> Connection[Segment]:
        """A page of segments."""
        name = "" if after is None else decode(after, str)[0]
        behind = [segment for segment in await info.context.graph.segments.all() if segment.name > name]
        page = Page(behind[: page_size(first)], len(behind) > first)
        result: Connection[Segment] = connection(page, Segment.of, lambda segment: encode(segment.name), after)
        return result

    @strawberry.field(description="A segment by its id; null where there is none.")
    async def segment(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="Its id.")]
    ) -> Segment | None:
        """One of them."""
        found = await info.context.graph.segments.one(str(id))
        return None if found is None else Segment.of(found)

    @strawberry.field(
        description="Try out a rule: how many customers it would hold, and some of them. Nothing is kept."
    )
    async def preview_segment(
        self,
        info: Info,
        rule: Annotated[SegmentRuleInput, strawberry.argument(description="Whom it would hold.")],
        first: Annotated[int, strawberry.argument(description="The size of the sample, 0 to 100.")] = 10,
    ) -> SegmentPreview:
        """A preview."""
        return await SegmentPreview.of(info, await info.context.graph.segments.preview(plain(rule), page_size(first)))


@strawberry.type
class SegmentMutations:
    """What can be done with segments."""

    @strawberry.mutation(
        description="Make a segment. It is filled in the background (`filled`), each entry and exit is a change in "
        "the feed. The same request again is answered as the first time."
    )
    async def create_segment(self, info: Info, input: CreateSegmentInput) -> SegmentPayload:
        """Make a segment."""
        segments = info.context.graph.segments
        return await _payload(segments.create(input.name, plain(input.rule), info.context.caller.name))

    @strawberry.mutation(description="Give a segment another name or rule; who belongs is found anew.")
    async def change_segment(self, info: Info, input: ChangeSegmentInput) -> SegmentPayload:
        """Change a segment."""
        rule = None if input.rule is None else plain(input.rule)
        segments = info.context.graph.segments
        return await _payload(segments.change(str(input.id), input.name, rule, input.expected_version))

    @strawberry.mutation(description="Let a segment go, and all its memberships: one change in the feed tells so.")
    async def delete_segment(self, info: Info, input: DeleteSegmentInput) -> SegmentPayload:
        """Delete a segment."""
        return await _payload(info.context.graph.segments.drop(str(input.id), info.context.caller.name))


async def _payload(work: Awaitable[DomainSegment]) -> SegmentPayload:
    try:
        return SegmentPayload(segment=Segment.of(await work), errors=[])
    except (InvalidInput, Conflict) as error:
        return SegmentPayload(segment=None, errors=[Problem.of(error.problem())])
