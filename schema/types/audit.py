"""Entries of the audit log in GraphQL."""

import strawberry

from graph.domain.access.audit import AuditEntry as DomainAuditEntry
from graph.domain.access.scopes import AUDIT_READ
from schema.shared.required_scopes import requires
from schema.shared.scalars import Timestamp


@requires(AUDIT_READ)
@strawberry.type(
    description="An operation that accessed people, or that was refused. It contains no data of them, only the ids of "
    "customers."
)
class AuditEntry:
    """An entry of the audit log in GraphQL."""

    time: Timestamp = strawberry.field(description="When the operation was answered.")
    kind: str = strawberry.field(
        description="What it did: `read`, `write`, `export`, `stream`, or `denied` if it was refused."
    )
    caller: str = strawberry.field(
        description="Who sent it: the name of a key, the issuer, client and subject of a token, or `cli:` with the "
        "name of a user of the machine."
    )
    role: str = strawberry.field(description="The role of the caller. E.g. `desk`.")
    purpose: str = strawberry.field(
        description="What it was sent for, as the key, token or request states. May be empty."
    )
    reason: str = strawberry.field(description="Why, as the caller stated. May be empty.")
    operation: str = strawberry.field(description="The name of the operation in its document, or of the command.")
    document: str = strawberry.field(description="The first 16 digits of the SHA-256 of the document.")
    fields: list[str] = strawberry.field(description="The fields that the document selects. E.g. `Customer.emails`.")
    customers: list[strawberry.ID] = strawberry.field(
        description="The ids of the customers that were shown, as they were then."
    )
    asked: int = strawberry.field(description="How many ids and identifiers were asked for, found or not.")
    refused: int = strawberry.field(description="How many exist and were not shown to the caller.")
    statements: int = strawberry.field(description="How many statements were sent to be recorded.")
    sources: list[str] = strawberry.field(description="The sources of the statements.")
    events: int = strawberry.field(
        description="How many events a subscription sent since its entry before. 0 for other operations."
    )
    outcome: str = strawberry.field(description="`OK`, or the code of the first error. E.g. `FORBIDDEN`.")
    request_id: str = strawberry.field(description="The id of the request, which the service's log contains too.")
    transport: str = strawberry.field(description="`http`, `sse`, `websocket` or `cli`.")

    @classmethod
    def of(cls, entry: DomainAuditEntry) -> "AuditEntry":
        """Convert the domain's value."""
        return cls(
            time=Timestamp(entry.time),
            kind=entry.kind,
            caller=entry.caller,
            role=entry.role,
            purpose=entry.purpose,
            reason=entry.reason,
            operation=entry.operation,
            document=entry.document,
            fields=list(entry.fields),
            customers=[strawberry.ID(id) for id in entry.customers],
            asked=entry.asked,
            refused=entry.refused,
            statements=entry.statements,
            sources=list(entry.sources),
            events=entry.events,
            outcome=entry.outcome,
            request_id=entry.request_id,
            transport=entry.transport,
        )
