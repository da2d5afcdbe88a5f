"""Restrictions in GraphQL."""

import strawberry

from graph.domain.access.scopes import RESTRICTION_WRITE
from graph.domain.model.restrictions import Restriction as DomainRestriction
from schema.shared.problems import Problem
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp
from schema.types.identifier import IdentifierRef


@requires(RESTRICTION_WRITE)
@strawberry.type(
    description="A restriction of the processing of a person's data (GDPR, Article 18). It is on identifiers: a "
    "customer is restricted while it holds one of them."
)
class Restriction:
    """A restriction in GraphQL."""

    id: strawberry.ID = strawberry.field(description="The id; `liftRestriction` accepts it. E.g. `rst_…`.")
    customer_id: strawberry.ID = strawberry.field(
        description="The id of the customer that was restricted, at that time. Later merges and splits may have "
        "changed it."
    )
    identifiers: list[IdentifierRef] = strawberry.field(
        description="The identifiers that the restriction is on. Empty once it is lifted."
    )
    reason: str = strawberry.field(description="Why the customer was restricted. E.g. `disputes her address`.")
    actor: str = strawberry.field(description="Who restricted the customer. E.g. `pia`.")
    restricted_at: Timestamp = strawberry.field(description="When the customer was restricted.")
    lifted_at: Timestamp | None = strawberry.field(
        description="When the restriction was lifted. Null while it is in effect."
    )
    lifted_by: str | None = strawberry.field(description="Who lifted the restriction. Null while it is in effect.")

    @classmethod
    def of(cls, restriction: DomainRestriction) -> "Restriction":
        """Convert the domain's value."""
        return cls(
            id=strawberry.ID(restriction.id),
            customer_id=strawberry.ID(restriction.customer),
            identifiers=[IdentifierRef.of(key) for key in restriction.keys],
            reason=restriction.reason,
            actor=restriction.actor,
            restricted_at=Timestamp(restriction.at),
            lifted_at=None if restriction.lifted_at is None else Timestamp(restriction.lifted_at),
            lifted_by=restriction.lifted_by or None,
        )


@requires(RESTRICTION_WRITE)
@strawberry.type(description="The result of `restrictSubject` or `liftRestriction`.")
class RestrictionPayload:
    """The payload of `restrictSubject` and `liftRestriction`."""

    restriction: Restriction | None = strawberry.field(description="The restriction. Null if `errors` is not empty.")
    created: bool = strawberry.field(
        description="Whether this request set the restriction. False if one was in effect on all identifiers already, "
        "and for `liftRestriction`."
    )
    errors: list[Problem] = strawberry.field(description="The problems of the request. Empty if it succeeded.")
