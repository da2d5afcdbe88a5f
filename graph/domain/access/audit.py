"""What is recorded of who accessed whose data, and how it is asked for."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Protocol

from msgspec import Struct, field
from msgspec.structs import replace

from graph.domain.access.decision_log import DecisionReader, LoggedDecision
from graph.domain.model.errors import InvalidInput
from graph.domain.profile.pages import Page

AuditPosition = tuple[int, str, int]
"""The position of an entry in the list: its time, its file and its number there."""


class AuditEntry(Struct, frozen=True):
    """One operation that accessed people, or that was refused. It contains no data of them, only ids of customers.

    `kind` is `read`, `write`, `export`, `stream` or `denied`, `fields` are the coordinates that its document selects.
    `outcome` is `OK` or the code of the first error. `asked` counts what was asked for, `refused` what exists and was
    not shown, `statements` what was recorded of `sources`, `events` the events of a stream since its entry before.
    `recipients` are the destinations about which something was decided: what goes to them.
    """

    position: AuditPosition
    kind: str
    caller: str
    role: str
    purpose: str = ""
    reason: str = ""
    operation: str = ""
    document: str = ""
    fields: tuple[str, ...] = ()
    customers: tuple[str, ...] = ()
    asked: int = 0
    refused: int = 0
    statements: int = 0
    sources: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    events: int = 0
    outcome: str = ""
    request_id: str = ""
    transport: str = ""

    @property
    def time(self) -> int:
        """When the operation was answered, in microseconds."""
        return self.position[0]


class AuditQuery(Struct, frozen=True):
    """Asks for entries, newest first: those that meet all conditions that are stated.

    `customers` are ids under which a person was stored, each with the time until which the id was this person's,
    `None` without an end. `asked` are keys and ids that were asked for. An entry that has one of either is about the
    person. `since` is included, `until` is not. `after` is the last entry of the page before.
    """

    customers: Mapping[str, int | None] = field(default_factory=dict)
    asked: tuple[str, ...] = ()
    caller: str | None = None
    since: int | None = None
    until: int | None = None
    after: AuditPosition | None = None
    first: int = 20

    @property
    def is_about_person(self) -> bool:
        """Whether only entries about a person are asked for."""
        return bool(self.customers or self.asked)


class Traces(Struct, frozen=True):
    """Under what a person may be found in the audit log: see `AuditQuery`."""

    customers: Mapping[str, int | None]
    asked: tuple[str, ...]


class AccessQuery(Struct, frozen=True):
    """Asks whose data a caller accessed. Times are microseconds: `since` is included, `until` is not."""

    caller: str
    since: int | None = None
    until: int | None = None


class CustomerAccess(Struct, frozen=True, gc=False):
    """What a caller accessed of one customer, by the id that it had then, in a time.

    `first` and `last` are the times of the first and the last access in microseconds. `accesses` counts entries of the
    log: a stream has one for each minute. `fields` are the coordinates that the documents selected, and the names of
    commands.
    """

    id: str
    first: int
    last: int
    accesses: int
    fields: tuple[str, ...] = ()

    def joined(self, other: "CustomerAccess") -> "CustomerAccess":
        """Return both accesses to one customer as one."""
        fields = tuple(sorted({*self.fields, *other.fields}))
        first, last = min(self.first, other.first), max(self.last, other.last)
        return CustomerAccess(self.id, first, last, self.accesses + other.accesses, fields)


class WholeExport(Struct, frozen=True):
    """A command that wrote the data of all customers, at a time in microseconds."""

    time: int
    command: str


class ExpiredEntries(Struct, frozen=True):
    """A number of entries of the log whose content was removed: of any caller, written in a time (microseconds)."""

    begin: int
    end: int
    count: int


class AccessReport(Struct, frozen=True):
    """Whose data a caller accessed, customers by id, and what the log cannot answer.

    `entries` counts all entries of the caller, `denied` those that were refused as a whole. `asked` counts the distinct
    ids and identifiers that it asked for, found or not, `refused` how often something that exists was not shown.
    `unnamed` are what it asked for in entries that name no customer, with keyed hashes instead of ids: orders by their
    numbers, explanations, what was not found. `statements` counts what it sent to be recorded, `unreadable` damaged
    lines.
    """

    customers: tuple[CustomerAccess, ...] = ()
    entries: int = 0
    denied: int = 0
    asked: int = 0
    refused: int = 0
    unnamed: tuple[CustomerAccess, ...] = ()
    statements: int = 0
    whole_exports: tuple[WholeExport, ...] = ()
    expired: tuple[ExpiredEntries, ...] = ()
    unreadable: int = 0

    def with_holders(self, holders: Mapping[str, str]) -> "AccessReport":
        """Return the report with the customers of what was asked for; `holders` has their ids by hash."""
        customers = {access.id: access for access in self.customers}
        for access in self.unnamed:
            id = holders.get(access.id)
            if id is not None:
                found = replace(access, id=id)
                customers[id] = found.joined(customers[id]) if id in customers else found
        unnamed = tuple(access for access in self.unnamed if access.id not in holders)
        return replace(self, customers=tuple(customers[id] for id in sorted(customers)), unnamed=unnamed)


Holders = Callable[[Callable[[str], str], Collection[str]], Awaitable[Mapping[str, str]]]
"""Finds the customers whose orders have some hashes: takes the function that hashes, and the hashes."""


class AuditReader(DecisionReader, Protocol):
    """Reads the audit log."""

    async def entries(self, query: AuditQuery) -> Page[AuditEntry]:
        """Return the entries that meet a query, newest first."""
        ...


class AuditReports(AuditReader, Protocol):
    """Reads the audit log, and reports what callers accessed."""

    async def accesses(self, query: AccessQuery, holders: Holders) -> AccessReport:
        """Return whose data a caller accessed; `holders` finds the customers of orders that it asked for."""
        ...


class NoAudit:
    """The reader of a service that keeps no audit log."""

    async def entries(self, query: AuditQuery) -> Page[AuditEntry]:
        """Raise `InvalidInput`: there is no log."""
        raise _no_log()

    async def accesses(self, query: AccessQuery, holders: Holders) -> AccessReport:
        """Raise `InvalidInput`: there is no log."""
        raise _no_log()

    async def check_decisions(self, stored: Mapping[str, Sequence[LoggedDecision]]) -> None:
        """Return `None`: there is no log to compare with."""


def _no_log() -> InvalidInput:
    return InvalidInput("FEATURE_DISABLED", "this service keeps no audit log: see KITH_AUDIT")


NO_AUDIT = NoAudit()
