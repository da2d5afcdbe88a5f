"""Requests of people in GraphQL."""

import strawberry

from graph.domain.access.scopes import ERASURE_WRITE
from graph.domain.privacy.subject_requests import SubjectRequest as DomainSubjectRequest
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp
from schema.types.identifier import IdentifierRef


@requires(ERASURE_WRITE)
@strawberry.type(description="A request of a person, which a tool of the controller sent by OpenDSR.")
class SubjectRequest:
    """A request of a person in GraphQL."""

    id: strawberry.ID = strawberry.field(
        description="The id that the tool gave it. `eraseSubject` with this `requestId` completes an erasure."
    )
    type: str = strawberry.field(description="`access`, `portability` or `erasure`.")
    status: str = strawberry.field(description="`pending`, `in_progress`, `completed` or `cancelled`.")
    caller: str = strawberry.field(description="Who sent it: the name of a key, for example.")
    regulation: str = strawberry.field(description="The law that it refers to: `gdpr` or `ccpa`. May be empty.")
    submitted_at: Timestamp = strawberry.field(description="When the person made the request.")
    received_at: Timestamp = strawberry.field(description="When Kith received it.")
    due_at: Timestamp = strawberry.field(description="Until when it is to be answered, as the tool was promised.")
    ended_at: Timestamp | None = strawberry.field(description="When it was completed or canceled. Null until then.")
    identifiers: list[IdentifierRef] = strawberry.field(
        description="The identifiers that name the person. Empty once they are not needed anymore."
    )

    @classmethod
    def of(cls, request: DomainSubjectRequest) -> "SubjectRequest":
        """Convert the domain's value."""
        return cls(
            id=strawberry.ID(request.id),
            type=request.type,
            status=request.status,
            caller=request.caller,
            regulation=request.regulation,
            submitted_at=Timestamp(request.submitted_at),
            received_at=Timestamp(request.received_at),
            due_at=Timestamp(request.due_at),
            ended_at=None if request.ended_at is None else Timestamp(request.ended_at),
            identifiers=[IdentifierRef.of(key) for key in request.keys],
        )
