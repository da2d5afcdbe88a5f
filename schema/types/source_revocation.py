"""Source revocations in GraphQL."""

import strawberry

from graph.domain.access.scopes import SOURCE_READ, SOURCE_REVOKE
from graph.domain.model.source_revocations import SourceRevocation as DomainSourceRevocation
from schema.shared.problems import Problem
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp


@requires(SOURCE_READ)
@strawberry.type(
    description="The progress of evaluating the observations of a revoked or restored source again. Queries and "
    "mutations are served meanwhile."
)
class SourceRevocationProgress:
    """The progress of a source revocation in GraphQL."""

    processed: int = strawberry.field(description="The number of observations that have been evaluated again.")
    total: int | None = strawberry.field(
        description="The number of observations in the window. Null until they have been counted."
    )
    running: bool = strawberry.field(description="Whether observations are still to be evaluated.")


@requires(SOURCE_READ)
@strawberry.type(
    description="The revocation of everything that a source sent in a window of time. It is in effect until it is "
    "restored."
)
class SourceRevocation:
    """A source revocation in GraphQL."""

    id: strawberry.ID = strawberry.field(description="The id; `restoreSource` accepts it. E.g. `srv_…`.")
    source: str = strawberry.field(description="The source.")
    recorded_from: Timestamp | None = strawberry.field(
        description="The time from which on observations were recorded that are revoked. Null: from the beginning."
    )
    recorded_to: Timestamp = strawberry.field(
        description="The time before which observations were recorded that are revoked."
    )
    include_refusals: bool = strawberry.field(
        description="Whether consent decisions `REFUSED` and `WITHDRAWN` are revoked too."
    )
    actor: str = strawberry.field(description="Who revoked the source. E.g. `sue`.")
    reason: str = strawberry.field(description="Why the source was revoked. E.g. `wrong CRM numbers in the export`.")
    revoked_at: Timestamp = strawberry.field(description="When the source was revoked.")
    restored_at: Timestamp | None = strawberry.field(
        description="When the source was restored. Null while the revocation is in effect."
    )
    restored_by: str | None = strawberry.field(
        description="Who restored the source. Null while the revocation is in effect."
    )
    progress: SourceRevocationProgress = strawberry.field(
        description="The progress of the revocation, or of the restoration."
    )

    @classmethod
    def of(cls, revocation: DomainSourceRevocation) -> "SourceRevocation":
        """Convert the domain's value."""
        return cls(
            id=strawberry.ID(revocation.id),
            source=revocation.source,
            recorded_from=None if revocation.recorded_from is None else Timestamp(revocation.recorded_from),
            recorded_to=Timestamp(revocation.recorded_to),
            include_refusals=revocation.include_refusals,
            actor=revocation.actor,
            reason=revocation.reason,
            revoked_at=Timestamp(revocation.at),
            restored_at=None if revocation.restored_at is None else Timestamp(revocation.restored_at),
            restored_by=revocation.restored_by or None,
            progress=SourceRevocationProgress(
                processed=revocation.processed, total=revocation.total, running=revocation.pending
            ),
        )


@requires(SOURCE_REVOKE)
@strawberry.type(description="The result of `revokeSource` or `restoreSource`.")
class SourceRevocationPayload:
    """The payload of `revokeSource` and `restoreSource`."""

    revocation: SourceRevocation | None = strawberry.field(
        description="The source revocation. Null if `errors` is not empty."
    )
    created: bool = strawberry.field(
        description="Whether this request revoked the source. False if the same window was revoked already, and for "
        "`restoreSource`."
    )
    errors: list[Problem] = strawberry.field(description="The problems of the request. Empty if it succeeded.")
