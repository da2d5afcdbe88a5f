"""Entries of the audit log in GraphQL, and the report of whose data a caller accessed."""

import strawberry

from graph.domain.access.audit import AccessReport as DomainAccessReport
from graph.domain.access.audit import AuditEntry as DomainAuditEntry
from graph.domain.access.audit import CustomerAccess
from graph.domain.access.scopes import AUDIT_READ
from graph.domain.profile.pages import page_after
from graph.queries.later_ids import LaterIds
from schema.shared.connections import After, Connection, First, connection
from schema.shared.context import Info
from schema.shared.cursors import decode, encode, page_size
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
    recipients: list[str] = strawberry.field(
        description="The destinations about which something was decided: what goes to them. E.g. `newsletter-tool`."
    )
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
            recipients=list(entry.recipients),
            events=entry.events,
            outcome=entry.outcome,
            request_id=entry.request_id,
            transport=entry.transport,
        )


@requires(AUDIT_READ)
@strawberry.type(description="What a caller accessed of one customer in a time.")
class AccessedCustomer:
    """The access to a customer in GraphQL."""

    id: strawberry.ID = strawberry.field(description="The id that the customer had when it was accessed.")
    present_ids: list[strawberry.ID] = strawberry.field(
        description="The ids under which its data is stored now: another id after a merge, several after a split. "
        "Empty if nothing of it is left."
    )
    erased: bool = strawberry.field(description="Whether the person was erased since.")
    first_accessed_at: Timestamp = strawberry.field(description="When it was accessed for the first time.")
    last_accessed_at: Timestamp = strawberry.field(description="When it was accessed for the last time.")
    accesses: int = strawberry.field(
        description="How many entries of the audit log name it. A subscription has one for each minute."
    )
    fields: list[str] = strawberry.field(
        description="The fields that the documents selected, and the commands. E.g. `Customer.emails`, `kith lookup`."
    )

    @classmethod
    def of(cls, access: CustomerAccess, present: LaterIds) -> "AccessedCustomer":
        """Convert the domain's value."""
        return cls(
            id=strawberry.ID(access.id),
            present_ids=list(map(strawberry.ID, present.ids)),
            erased=present.erased,
            first_accessed_at=Timestamp(access.first),
            last_accessed_at=Timestamp(access.last),
            accesses=access.accesses,
            fields=list(access.fields),
        )


@requires(AUDIT_READ)
@strawberry.type(description="A command that wrote the data of all customers, such as a backup.")
class WholeExport:
    """An export of everything in GraphQL."""

    time: Timestamp = strawberry.field(description="When the command ran.")
    command: str = strawberry.field(description="The command. E.g. `backup`.")


@requires(AUDIT_READ)
@strawberry.type(
    description="Entries of the audit log whose content was removed after `KITH_AUDIT_DAYS`. They may be of any caller."
)
class ExpiredEntries:
    """Expired entries in GraphQL."""

    begin: Timestamp = strawberry.field(description="The time from which on they were written.")
    end: Timestamp = strawberry.field(description="The time before which they were written.")
    count: int = strawberry.field(description="How many there are.")


@requires(AUDIT_READ)
@strawberry.type(description="Whose data a caller accessed in a time, and what the audit log cannot answer.")
class AccessReport:
    """A report of accesses in GraphQL."""

    report: strawberry.Private[DomainAccessReport]
    customer_count: int = strawberry.field(description="How many customers were accessed, each counted once.")
    entries: int = strawberry.field(description="How many entries of the audit log the caller has.")
    denied: int = strawberry.field(description="How many of them were refused as a whole.")
    asked: int = strawberry.field(
        description="How many different ids and identifiers the caller asked for, found or not."
    )
    refused: int = strawberry.field(description="How often something that exists was not shown to the caller.")
    unnamed: int = strawberry.field(
        description="How many different ids, identifiers and texts it asked for in entries that name no customer, "
        "without orders that are stored: explanations, searches, what was not found. `auditEntries` lists the entries."
    )
    statements: int = strawberry.field(description="How many statements the caller sent to be recorded.")
    whole_exports: list[WholeExport] = strawberry.field(
        description="Commands that wrote the data of all customers. Whoever has the result has everybody's data."
    )
    expired: list[ExpiredEntries] = strawberry.field(
        description="Entries of this time whose content was removed. If there are any, the report is not complete."
    )
    unreadable: int = strawberry.field(
        description="How many lines that name the caller are damaged. If there are any, run `kith audit verify`."
    )

    @strawberry.field(description="The customers that were accessed, by id.")
    async def customers(self, info: Info, first: First = 20, after: After = None) -> Connection[AccessedCustomer]:
        """Return a page of the customers."""
        position = None if after is None else decode(after, str)[0]
        page = page_after(self.report.customers, lambda access: access.id, position, page_size(first))
        present = await info.context.graph.later_ids(page.items)
        result: Connection[AccessedCustomer] = connection(
            page,
            lambda access: AccessedCustomer.of(access, present[access.id]),
            lambda access: encode(access.id),
            after,
        )
        return result

    @classmethod
    def of(cls, report: DomainAccessReport) -> "AccessReport":
        """Convert the domain's value."""
        return cls(
            report=report,
            customer_count=len(report.customers),
            entries=report.entries,
            denied=report.denied,
            asked=report.asked,
            refused=report.refused,
            unnamed=len(report.unnamed),
            statements=report.statements,
            whole_exports=[WholeExport(time=Timestamp(one.time), command=one.command) for one in report.whole_exports],
            expired=[
                ExpiredEntries(begin=Timestamp(one.begin), end=Timestamp(one.end), count=one.count)
                for one in report.expired
            ],
            unreadable=report.unreadable,
        )
