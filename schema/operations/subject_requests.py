"""The query of requests of people."""

import strawberry

from graph.domain.access.scopes import ERASURE_WRITE
from graph.domain.privacy.subject_requests import SubjectRequest as DomainSubjectRequest
from schema.shared.connections import After, Connection, First, connection
from schema.shared.context import Info
from schema.shared.cursors import decode, encode, page_size
from schema.shared.required_scopes import requires
from schema.types.subject_request import SubjectRequest


@requires(subject_requests=ERASURE_WRITE)
@strawberry.type
class SubjectRequestQueries:
    """Queries of requests of people."""

    @strawberry.field(
        description="The requests of people that tools of the controller sent by OpenDSR, oldest first: those that "
        "wait for an officer, and those that were answered."
    )
    async def subject_requests(self, info: Info, first: First = 20, after: After = None) -> Connection[SubjectRequest]:
        """Return a page of requests."""
        position = None if after is None else decode(after, int, str)
        page = await info.context.subject_requests.page(position, page_size(first))

        def shown(request: DomainSubjectRequest) -> SubjectRequest:
            return SubjectRequest.of(info.context.graph.shown_request(request))

        result: Connection[SubjectRequest] = connection(
            page, shown, lambda request: encode(request.received_at, request.id), after
        )
        return result
