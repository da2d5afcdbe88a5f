"""Audiences, and the ledger of what destinations were sent of them, as plain values.

The ledger has a delivery for each address of an audience: what the destination should hold and what it was sent last.
It is not a queue: when an address goes in and out, the delivery changes, and only its last state is sent.
"""

import re
from collections.abc import Mapping
from enum import Enum

from msgspec import Struct

ABSENT = ""
"""The state of an address that is not in an audience."""
REMOVED = "-"
"""The state of an address that was taken from an audience, at a destination that keeps a record of it all the same."""
UNDECIDED = "?"
"""The wanted state of an address about whose customer a decision is due, before anything is sent."""


class Audience(Struct, frozen=True):
    """The members of a segment whose addresses are sent to a destination.

    Addresses are those of `namespaces`, for whose use consent is required for `purpose` through `channel`.
    `external_id` is the id of the list at the destination. `fields` are the data sent beside an address: the name at
    the destination, and what is sent. A destination forgets an address `ttl_days` after it was sent, if that is not
    `None`; it is sent again before. `created_at` is in microseconds.
    """

    id: str
    destination: str
    segment: str
    purpose: str
    channel: str
    namespaces: tuple[str, ...]
    external_id: str = ""
    fields: Mapping[str, str] = {}
    ttl_days: int | None = None
    created_at: int = 0
    created_by: str = ""
    ended: bool = False
    """Whether its addresses are being removed from the destination, after which the audience goes too."""


class DeliveryStatus(Enum):
    """What is to be done about a delivery."""

    DONE = "done"
    """The destination holds what it should."""
    OWED = "owed"
    """It is to be sent."""
    PENDING = "pending"
    """The destination has taken it, and will say later what became of it."""
    DEAD = "dead"
    """The destination refused it for good."""


class Status(Enum):
    """What became of what was sent."""

    DONE = "done"
    """The destination has it."""
    PENDING = "pending"
    """The destination has taken it, and will say later what became of it."""
    RETRY = "retry"
    """It was not taken now. It is sent again later."""
    DEAD = "dead"
    """It was refused, and sending it again would change nothing. It is kept until an operator decides."""


class Outcome(Struct, frozen=True):
    """What became of what was sent, with what the destination answered, without secrets.

    `reference` is what the destination calls it, or the request that is pending; it comes back with the next update of
    the same address. `retry_after` is how many seconds the destination asks to wait.
    """

    status: Status
    message: str = ""
    reference: str = ""
    retry_after: float | None = None


class ExternalIds(Struct, frozen=True):
    """The external ids of audiences at a destination that requires one: what all of an id matches, and what it means.

    `meaning` is such as `the number of a list of Brevo`.
    """

    pattern: str
    meaning: str

    def problem(self, id: str) -> str:
        """Return why an id cannot be one; empty if it can."""
        if not id:
            return f"the audience has no external id: {self.meaning}"
        return "" if re.fullmatch(self.pattern, id) else f"the external id {id[:60]!r} is not {self.meaning}"


class DestinationInfo(Struct, frozen=True):
    """A destination that is configured.

    `namespaces` are those whose identifiers it takes; `None` for any. With `changes`, it is sent the change feed.
    `external_ids` is `None` if audiences need no external id. With `keeps_removed`, it may keep a record of an address
    that was taken from an audience, such as an archived contact, and has to delete that once the person is erased.
    """

    name: str
    type: str
    namespaces: frozenset[str] | None = None
    changes: bool = False
    external_ids: ExternalIds | None = None
    keeps_removed: bool = True


class DestinationHealth(Enum):
    """Whether a destination is sent to, for people."""

    ACTIVE = "active"
    """What is owed is sent."""
    PAUSED = "paused"
    """Somebody has paused it: what is owed stays owed."""
    FAILING = "failing"
    """It takes nothing now, or cannot be reached. It is tried again."""
    LOGIN_REQUIRED = "login_required"
    """It refuses the credentials, which an operator has to renew."""
    NOT_CONFIGURED = "not_configured"
    """The file of destinations does not name it, but something was sent to it: that is kept, and nothing is sent."""


class AudienceProgress(Enum):
    """How far an audience has come."""

    FILLING = "filling"
    """Not all members have been decided about yet."""
    ACTIVE = "active"
    """All members have been decided about, and the audience follows what changes."""
    ENDING = "ending"
    """Its addresses are being removed from the destination."""


class DestinationState(Struct, frozen=True):
    """How sending to a destination goes.

    `problem` is why nothing can be sent now, since `problem_since`; empty if it can. With `login`, the destination
    refuses the credentials. `last_sent_at` is when it took something last. Times in microseconds.
    """

    problem: str = ""
    problem_since: int | None = None
    login: bool = False
    last_sent_at: int | None = None


class Delivery(Struct, frozen=True, gc=False):
    """An address of an audience: the state that it should have at the destination, and the one that was sent.

    A state is `ABSENT` or the digest of what is sent; `sent` may be `REMOVED`, too. `sent` is `None` where it is not
    known: sending may have begun. `customer` is the customer that the wanted state was decided for, empty once nobody
    holds the address. `due_at` is when it is to be sent or asked about next; `None` if nothing is to be done.
    `attempts` count since the wanted state changed, at `changed_at`. `answer` is what the destination answered last,
    `reference` what it calls the address. `erasure` is the erasure that the removal is part of. Times in microseconds.
    """

    audience: str
    destination: str
    key: str
    customer: str
    wanted: str
    sent: str | None
    status: DeliveryStatus
    changed_at: int
    due_at: int | None = None
    attempts: int = 0
    answer: str = ""
    reference: str = ""
    erasure: str = ""

    @property
    def is_removal(self) -> bool:
        """Whether the address should not be in the audience."""
        return self.wanted == ABSENT

    @property
    def is_settled(self) -> bool:
        """Whether the destination holds what it should."""
        return self.sent == self.wanted or self.was_removed

    @property
    def was_removed(self) -> bool:
        """Whether the address was taken from the audience, and is remembered only for a later erasure."""
        return self.is_removal and self.sent == REMOVED

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to remember: the destination does not hold the address, and should not."""
        return self.is_removal and self.sent == ABSENT


class HeldDelivery(Struct, frozen=True, gc=False):
    """A delivery as a write reads it, with the customer that holds the address now; empty if none does."""

    delivery: Delivery
    holder: str


class DeliveryPosition(Struct, frozen=True, gc=False):
    """The last delivery of a page: deliveries are listed by audience and key."""

    audience: str
    key: str


class DeliveryCount(Struct, frozen=True, gc=False):
    """How many deliveries of an audience have a status; `removals` of them are removals.

    `oldest` is when the oldest of them changed (microseconds).
    """

    audience: str
    destination: str
    status: DeliveryStatus
    count: int
    removals: int
    oldest: int


class WaitingChange(Struct, frozen=True, gc=False):
    """An entry of the change feed that a destination has not taken, or that waits behind one of the same customer.

    `other_customer` is the second one that takes part in the change, if one does. `due_at` is when it is sent next
    (microseconds); `None` once it is dead.
    """

    destination: str
    number: int
    customer: str
    attempts: int
    due_at: int | None
    answer: str = ""
    other_customer: str = ""

    @property
    def customers(self) -> set[str]:
        """The customers that it names."""
        return {self.customer, self.other_customer} - {""}
