"""The queries of the audit log."""

from typing import Annotated

import strawberry

from graph.domain.access.audit import AccessQuery, AuditQuery
from graph.domain.access.scopes import AUDIT_READ
from schema.operations.customers import CustomerBy
from schema.shared.connections import After, Connection, First, connection
from schema.shared.context import Info
from schema.shared.cursors import decode, encode, page_size
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp, require_valid
from schema.types.audit import AccessReport, AuditEntry


@requires(audit_entries=AUDIT_READ, access_report=AUDIT_READ)
@strawberry.type
class AuditQueries:
    """Queries of the audit log."""

    @strawberry.field(
        description="Who accessed the data of people, newest first. With `subject`, only what is about this person: "
        "what showed it under its present id or a former one, and what asked for the given identifier or another one "
        "of the person, found or not. A host answers from the log in its own folder."
    )
    async def audit_entries(
        self,
        info: Info,
        subject: Annotated[
            CustomerBy | None, strawberry.argument(description="The id or an identifier of a person.")
        ] = None,
        caller: Annotated[
            str | None, strawberry.argument(description="Only what this caller sent. E.g. `till-7`.")
        ] = None,
        since: Annotated[
            Timestamp | None, strawberry.argument(description="Only what was answered at this time or later.")
        ] = None,
        until: Annotated[
            Timestamp | None, strawberry.argument(description="Only what was answered before this time.")
        ] = None,
        first: First = 20,
        after: After = None,
    ) -> Connection[AuditEntry]:
        """Return a page of the audit log."""
        graph = info.context.graph
        traces = None if subject is None else await graph.traces_of(subject.ref(graph, "subject"))
        if subject is None:
            graph.note_audit_log(caller or "")
        query = AuditQuery(
            customers={} if traces is None else traces.customers,
            asked=() if traces is None else traces.asked,
            caller=caller,
            since=require_valid(since, "since"),
            until=require_valid(until, "until"),
            after=None if after is None else decode(after, int, str, int),
            first=page_size(first),
        )
        page = await info.context.audit.entries(query)
        result: Connection[AuditEntry] = connection(page, AuditEntry.of, lambda entry: encode(*entry.position), after)
        return result

    @strawberry.field(
        description="Whose data a caller accessed in a time, by whatever means: documents, subscriptions, exports, "
        "commands. A host answers from the log in its own folder."
    )
    async def access_report(
        self,
        info: Info,
        caller: Annotated[str, strawberry.argument(description="The caller. E.g. `till-7`.")],
        since: Annotated[
            Timestamp | None, strawberry.argument(description="Only what was answered at this time or later.")
        ] = None,
        until: Annotated[
            Timestamp | None, strawberry.argument(description="Only what was answered before this time.")
        ] = None,
    ) -> AccessReport:
        """Return the report of what a caller accessed."""
        info.context.graph.note_audit_log(caller)
        query = AccessQuery(caller, require_valid(since, "since"), require_valid(until, "until"))
        return AccessReport.of(await info.context.audit.accesses(query, info.context.graph.holders_of_orders))
