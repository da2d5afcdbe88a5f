"""What a destination is to the senders: an adapter that says of each item what became of it.

State is sent and not what changed: an address is in an audience, with these fields, or it is not. So an adapter may be
given the same item again, after a crash or a timeout, and must not do harm by it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from msgspec import Struct

from graph.domain.model.audiences import ExternalIds, Outcome, Status

__all__ = ["DONE", "ExternalIds", "Outcome", "Status"]

SEND_SECONDS = 120
"""After so long, a call of an adapter that should have ended by itself is given up."""
MAX_MESSAGE_LENGTH = 500
"""Characters that are kept of what a destination answered."""
DONE = Outcome(Status.DONE)


class Unavailable(Exception):
    """The destination takes nothing now: nothing of the batch was taken, and all of it is sent again later.

    With `login`, it refused the credentials: an operator has to renew them. `retry_after` is in seconds.
    """

    def __init__(self, message: str, retry_after: float | None = None, login: bool = False) -> None:
        super().__init__(message)
        self.message, self.retry_after, self.login = message, retry_after, login


class AudienceRef(Struct, frozen=True):
    """An audience as a destination sees it.

    `external_id` is the id that the destination gave its list; empty where the destination has none. The addresses are
    sent for `purpose` through `channel`; `is_consented` says whether the purpose requires consent, so that all members
    have given it. `fields` are the names of the fields that its members have.
    """

    id: str
    segment_id: str
    segment_name: str
    external_id: str = ""
    purpose: str = ""
    channel: str = ""
    is_consented: bool = True
    fields: tuple[str, ...] = ()


class MemberUpdate(Struct, frozen=True):
    """One address of an audience as it should be at the destination.

    It has to be there if `present`, with these `fields` by their names at the destination, until `expires_at`
    (microseconds) if that is not `None`; otherwise it has to be gone. With `erased`, the person was erased: the
    destination has to delete what it holds and not only take it from the list. The state has held since `changed_at`
    (microseconds). `id` is the same whenever that is sent again, and another one if the same state comes back later.
    `reference` is that of the last outcome for the address.
    """

    id: str
    audience: AudienceRef
    namespace: str
    value: str
    present: bool
    fields: Mapping[str, Any] = {}
    customer_id: str = ""
    expires_at: int | None = None
    erased: bool = False
    reference: str = ""
    changed_at: int | None = None


class ChangeMessage(Struct, frozen=True):
    """An entry of the change feed. `id` is that of the change; `data` is what the feed shows of it, ready for JSON.

    `kind` is the name of the kind of change, such as `CUSTOMERS_MERGED`, and `at` its time in microseconds.
    """

    id: str
    kind: str
    customer_id: str
    at: int
    data: Mapping[str, Any]


class Adapter(Protocol):
    """A destination of audiences.

    `batch_size` is how many updates it takes at once. `namespaces` are those whose identifiers it takes; `None` for
    any.
    """

    batch_size: int
    namespaces: frozenset[str] | None

    async def send(self, updates: Sequence[MemberUpdate]) -> list[Outcome]:
        """Send updates, of any audiences, and return an outcome for each in their order.

        Updates of one address of an audience come at most once in a batch. Raises `Unavailable` if nothing was taken.
        Must raise nothing else, and must end within a bounded time.
        """
        ...

    async def poll(self, updates: Sequence[MemberUpdate]) -> list[Outcome]:
        """Ask what became of updates that are pending, by their `reference`; as `send` otherwise."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...


@runtime_checkable
class ChangeAdapter(Protocol):
    """A destination that takes the entries of the change feed."""

    async def send_changes(self, changes: Sequence[ChangeMessage]) -> list[Outcome]:
        """Send changes in their order, and return an outcome for each. Raises `Unavailable` if nothing was taken.

        After one that is to be sent again, none of the same customer may be taken.
        """
        ...


@runtime_checkable
class SnapshotAdapter(Protocol):
    """A destination that can be given the whole audience at once, which replaces what it holds."""

    async def send_snapshot(self, audience: AudienceRef, updates: Sequence[MemberUpdate]) -> list[Outcome]:
        """Replace what the destination holds of an audience. All updates are present. Raises `Unavailable`."""
        ...


@runtime_checkable
class ScheduledSnapshotAdapter(SnapshotAdapter, Protocol):
    """A destination that is given whole audiences: after a resync, and every `snapshot_hours` if that is not `None`.

    It has to take changes right after them: they are not for one that takes nothing else while it replaces an audience.
    """

    snapshot_hours: int | None


@runtime_checkable
class MaintainedAdapter(Protocol):
    """A destination that keeps something for a limited time, whether or not anything is sent."""

    async def maintain(self) -> None:
        """Delete what is too old, if it is time to. It is called every second or so, also while sending is paused."""
        ...


@runtime_checkable
class ListAdapter(Protocol):
    """A destination that cannot be sent an audience without an external id, such as the number of a list."""

    external_ids: ExternalIds


@runtime_checkable
class CheckedAdapter(Protocol):
    """A destination that can be asked whether it would take something."""

    async def check(self) -> None:
        """Connect and log in without sending anything. Raises `Unavailable`; must end within a bounded time."""
        ...
