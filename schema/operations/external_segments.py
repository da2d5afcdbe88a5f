"""What can be stated of segments of third parties."""

import strawberry

from graph.domain.model.errors import InvalidInput, Problem
from graph.domain.profile.external_segments import OutsideStatement
from schema.operations.identifier_input import IdentifierInput
from schema.operations.observation_inputs import Party, own_id, pairs
from schema.operations.observations import taken_in
from schema.shared.context import Info
from schema.shared.scalars import Timestamp, readable
from schema.types.observation import ObservationsPayload


@strawberry.input(description="That somebody belongs to a segment of the source, until it expires.")
class OutsideSegmentInput:
    """A statement on the way in."""

    source: str = strawberry.field(description="Who says so: 1 to 100 characters.")
    identifiers: list[IdentifierInput] = strawberry.field(
        description="1 to 20 identifiers; the statement hangs on the strongest and links all of them."
    )
    segment: str = strawberry.field(description="The source's name for the segment, 1 to 200 characters.")
    expires_at: Timestamp | None = strawberry.field(
        default=None, description="From when on it holds no more; it may lie ahead. Without it, it has no end."
    )
    belongs: bool = strawberry.field(
        default=True, description="False takes back what this source said of the segment before."
    )
    id: str | None = strawberry.field(
        default=None,
        description="The source's id for it, 1 to 200 characters. Without it the digest of all fields is the id.",
    )
    party: Party = strawberry.field(default=Party.THIRD, description="How near the source is.")
    stated_at: Timestamp | None = strawberry.field(
        default=None, description="When it was stated, at most 5 minutes ahead; without it the time of receipt counts."
    )

    def read(self) -> OutsideStatement | Problem:
        """As the domain's value, or what cannot be read in it."""
        try:
            expires_at, stated_at = readable(self.expires_at, "expiresAt"), readable(self.stated_at, "statedAt")
            id = own_id(self.id)
        except InvalidInput as error:
            return error.problem()
        identifiers = pairs(self.identifiers)
        return OutsideStatement(
            self.source,
            identifiers,
            self.segment,
            expires_at,
            self.belongs,
            id,
            self.party.tier,
            stated_at,
        )


@strawberry.input(description="Segments of third parties to take in.")
class RecordOutsideSegmentsInput:
    """The input of `recordOutsideSegments`."""

    segments: list[OutsideSegmentInput] = strawberry.field(description="1 to 1,000 statements.")


@strawberry.type
class OutsideMutations:
    """What can be stated."""

    @strawberry.mutation(
        description="Take in segments that others say people belong to. They are gone from the view when they expire. "
        "A statement is an observation of its identifiers, and revoked like one."
    )
    async def record_outside_segments(self, info: Info, input: RecordOutsideSegmentsInput) -> ObservationsPayload:
        """Take in statements."""
        return await taken_in(info, info.context.graph.record_outside_segments, input.segments)
