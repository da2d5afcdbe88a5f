"""Segments of third parties in GraphQL."""

import strawberry

from graph.domain.profile.external_segments import OutsideSegment as DomainOutsideSegment
from schema.shared.evidence_tier import Tier
from schema.shared.scalars import Timestamp
from schema.types.identifier import IdentifierName


@strawberry.type(description="A segment that somebody else says a customer belongs to.")
class OutsideSegment:
    """An outside segment in GraphQL."""

    segment: str = strawberry.field(description="The source's name for it.")
    source: str = strawberry.field(description="Who says so.")
    party: Tier = strawberry.field(description="How near the source is.")
    identifier: IdentifierName = strawberry.field(description="Of which identifier.")
    stated_at: Timestamp = strawberry.field(description="Since when.")
    expires_at: Timestamp | None = strawberry.field(description="Until when; null for no end.")

    @classmethod
    def of(cls, one: DomainOutsideSegment) -> "OutsideSegment":
        """From the domain's value."""
        return cls(
            segment=one.segment,
            source=one.source,
            party=one.tier,
            identifier=IdentifierName.of(one.key),
            stated_at=Timestamp(one.stated_at),
            expires_at=None if one.expires_at is None else Timestamp(one.expires_at),
        )
