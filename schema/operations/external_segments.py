"""The mutation that records memberships in external segments."""

import strawberry

from graph.domain.access.scopes import OBSERVATION_WRITE
from graph.domain.model.errors import InvalidInput, Problem
from graph.domain.profile.external_segments import ExternalSegmentStatement
from schema.operations.identifier_input import IdentifierInput
from schema.operations.observation_inputs import checked_id, pairs
from schema.operations.observations import record_batch
from schema.shared.context import Info
from schema.shared.evidence_tier import STATED_PARTY, STATED_SOURCE, Party, party_of
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp, require_valid
from schema.types.observation import ObservationsPayload


@strawberry.input(description="Membership in a segment that another system defines. E.g. an audience of a data vendor.")
class ExternalSegmentInput:
    """A membership as a client sends it."""

    source: str = strawberry.field(description=f"The source of the membership, {STATED_SOURCE} E.g. `dmp`.")
    identifiers: list[IdentifierInput] = strawberry.field(
        description="1 to 20 identifiers of the customer. The membership is attached to the one with the strongest "
        "namespace, and all of them are linked."
    )
    segment: str = strawberry.field(
        description="The name of the segment at its source, 1 to 200 characters. E.g. `likely-movers`."
    )
    expires_at: Timestamp | None = strawberry.field(
        default=None, description="When the membership ends. Without it, the membership does not expire."
    )
    is_member: bool = strawberry.field(
        default=True,
        description="Whether the customer is a member. False ends a membership that the same source reported before.",
    )
    id: str | None = strawberry.field(
        default=None,
        description="The id of the record at its source, 1 to 200 characters. Without it, a hash of all fields is "
        "the id, so identical records count as one.",
    )
    party: Party | None = strawberry.field(default=None, description=STATED_PARTY.replace("FIRST_PARTY", "THIRD_PARTY"))
    reported_at: Timestamp | None = strawberry.field(
        default=None,
        description="When the source reported the membership, at most 5 minutes in the future. Without it, the time of "
        "receipt.",
    )

    def to_domain(self, nearest: Party) -> ExternalSegmentStatement | Problem:
        """Convert to the domain's value, or return the first problem; `nearest` is the nearest party of the caller."""
        try:
            expires_at, reported_at = (
                require_valid(self.expires_at, "expiresAt"),
                require_valid(self.reported_at, "reportedAt"),
            )
            id = checked_id(self.id)
        except InvalidInput as error:
            return error.problem()
        identifiers = pairs(self.identifiers)
        return ExternalSegmentStatement(
            self.source,
            identifiers,
            self.segment,
            expires_at,
            self.is_member,
            id,
            party_of(self.party, nearest, Party.THIRD_PARTY),
            reported_at,
        )


@strawberry.input(description="The input of `recordExternalSegments`.")
class RecordExternalSegmentsInput:
    """The input of `recordExternalSegments`."""

    segments: list[ExternalSegmentInput] = strawberry.field(description="1 to 1,000 memberships in external segments.")


@requires(record_external_segments=OBSERVATION_WRITE)
@strawberry.type
class ExternalSegmentMutations:
    """Mutations of external segments."""

    @strawberry.mutation(
        description="Record memberships in external segments. Expired memberships are not shown. A record also links "
        "its identifiers, and `revokeObservations` revokes it."
    )
    async def record_external_segments(self, info: Info, input: RecordExternalSegmentsInput) -> ObservationsPayload:
        """Record memberships in external segments."""
        return await record_batch(info, info.context.graph.record_external_segments, input.segments)
