"""External segments in GraphQL."""

import strawberry

from graph.domain.access.scopes import MEMBERSHIP_READ, OBSERVATION_ID
from graph.domain.profile.external_segments import ExternalSegment as DomainExternalSegment
from schema.shared.evidence_tier import SOURCE_PARTY, Party
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp
from schema.types.identifier import IdentifierRef
from schema.types.observation_ref import OBSERVATION, ObservationRef


@requires(MEMBERSHIP_READ, observation=OBSERVATION_ID)
@strawberry.type(description="Membership in a segment that another system defines. E.g. an audience of a data vendor.")
class ExternalSegment:
    """An external segment in GraphQL."""

    segment: str = strawberry.field(description="The name of the segment at its source. E.g. `likely-movers`.")
    source: str = strawberry.field(description="The source that reported the membership. E.g. `dmp`.")
    party: Party = strawberry.field(description=SOURCE_PARTY)
    identifier: IdentifierRef = strawberry.field(description="The identifier that the membership is attached to.")
    reported_at: Timestamp = strawberry.field(description="When the source reported the membership.")
    expires_at: Timestamp | None = strawberry.field(description="When the membership ends. Null if it does not expire.")
    observation: ObservationRef = strawberry.field(description=OBSERVATION)

    @classmethod
    def of(cls, membership: DomainExternalSegment) -> "ExternalSegment":
        """Convert the domain's value."""
        return cls(
            segment=membership.segment,
            source=membership.source,
            party=membership.party,
            identifier=IdentifierRef.of(membership.key),
            reported_at=Timestamp(membership.reported_at),
            expires_at=None if membership.expires_at is None else Timestamp(membership.expires_at),
            observation=ObservationRef(source=membership.source, id=membership.observation_id),
        )
