"""What is recorded of who accessed whose data, and how it is asked for."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct, field

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


class AuditReader(DecisionReader, Protocol):
    """Reads the audit log."""

    async def entries(self, query: AuditQuery) -> Page[AuditEntry]:
        """Return the entries that meet a query, newest first."""
        ...


class NoAudit:
    """The reader of a service that keeps no audit log."""

    async def entries(self, query: AuditQuery) -> Page[AuditEntry]:
        """Raise `InvalidInput`: there is no log."""
        raise InvalidInput("FEATURE_DISABLED", "this service keeps no audit log: see KITH_AUDIT")

    async def check_decisions(self, stored: Mapping[str, Sequence[LoggedDecision]]) -> None:
        """Return `None`: there is no log to compare with."""


NO_AUDIT = NoAudit()
