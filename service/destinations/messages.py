"""What destinations that take messages are sent: webhooks, CloudEvents, topics of Kafka and streams of NATS.

A message of an audience says what has to hold for one address now; a message of the change feed says what happened. The
id of a message is the same whenever it is sent again, so that receivers can ignore repeats.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from graph.domain.model.times import iso
from service.destinations.adapter import ChangeMessage, MemberUpdate

MEMBER_ADDED = "audience.member_added"
MEMBER_REMOVED = "audience.member_removed"
MEMBER_ERASED = "audience.member_erased"
CHANGE = "change."
"""Followed by the name of the kind in lower case: `change.customers_merged`."""
_SAFE_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
_PARTIAL = re.compile(r"([^|]*)\|([^|:]+):([0-9a-f,]+)")


class Message(Struct, frozen=True):
    """A message. `data` is ready for JSON; `at` is when it happened, or since when it holds, in microseconds.

    `order` names what messages have to be received in order for, such as customers; `key` is what the message replaces
    in a compacted topic, without the address itself. `private` are values that no log may show.
    """

    id: str
    type: str
    data: Mapping[str, Any]
    order: tuple[str, ...]
    key: str
    at: int | None = None
    customer_id: str = ""
    private: tuple[str, ...] = ()

    @property
    def is_removal(self) -> bool:
        """Whether nothing has to be held of the key from now on."""
        return self.type in (MEMBER_REMOVED, MEMBER_ERASED)

    @property
    def time(self) -> str:
        """The time in ISO 8601; empty without one."""
        return "" if self.at is None else iso(self.at)


class Progress(Struct, frozen=True):
    """What the reference of an update says: the last message, and which endpoints have the one that is under way."""

    last: str = ""
    current: str = ""
    reached: frozenset[str] = frozenset()

    @classmethod
    def of(cls, reference: str) -> "Progress":
        """Return what a reference says; one that is not of this form is the last message."""
        match = _PARTIAL.fullmatch(reference)
        return cls(match[1], match[2], frozenset(match[3].split(","))) if match else cls(reference)

    @property
    def reference(self) -> str:
        """The progress as text."""
        return f"{self.last}|{self.current}:{','.join(sorted(self.reached))}" if self.reached else self.last


def member_message(update: MemberUpdate) -> tuple[Message, Progress]:
    """Return the message of an update, and how far it has come.

    The id follows from that of the update and from the message before: so a receiver that is sent everything again does
    not take that for repeats.
    """
    before = Progress.of(update.reference)
    id = _id_after(update.id, before.last)
    progress = before
    if id != before.current:
        last = before.current or before.last
        id = _id_after(update.id, last)
        progress = Progress(last, id)
    audience = update.audience
    named = {
        "id": audience.id,
        "segmentId": audience.segment_id,
        "segmentName": audience.segment_name,
        "externalId": audience.external_id,
        "purpose": audience.purpose,
        "channel": audience.channel,
    }
    data: dict[str, Any] = {
        "audience": {name: value for name, value in named.items() if value},
        "address": {"namespace": update.namespace, "value": update.value},
        "present": update.present,
    }
    if update.customer_id:
        data["customerId"] = update.customer_id
    if update.present:
        data["fields"] = dict(update.fields)
        data["expiresAt"] = None if update.expires_at is None else iso(update.expires_at)
    message = Message(
        id,
        MEMBER_ADDED if update.present else MEMBER_ERASED if update.erased else MEMBER_REMOVED,
        data,
        order=(f"{audience.id}/{update.namespace}/{update.value}",),
        key=f"{_safe(audience.id)}/{_digest(update.namespace, update.value)}",
        at=update.changed_at,
        customer_id=update.customer_id,
        private=(update.value, *(str(value) for value in update.fields.values() if value is not None)),
    )
    return message, progress


def change_message(change: ChangeMessage) -> Message:
    """Return the message of a change."""
    data = {"id": change.id, "kind": change.kind, "customerId": change.customer_id, **change.data}
    id = _safe(change.id)
    customer, other = change.customer_id, change.data.get("otherCustomerId")
    order = tuple(str(one) for one in (customer, other) if one) or (id,)
    private = tuple(str(one["value"]) for one in change.data.get("identifiers", ()))
    return Message(id, CHANGE + change.kind.lower(), data, order, customer, change.at, customer, private)


def batch_id(messages: Sequence[Message]) -> str:
    """Return the id of messages that are sent together: another one if anything else is among them."""
    return messages[0].id if len(messages) == 1 else _digest(*(message.id for message in messages))


def _id_after(id: str, last: str) -> str:
    """An id that contains no dot, which separates what webhooks sign."""
    return _digest(id, last)


def _safe(id: str) -> str:
    """An id as signatures, headers and subjects of NATS can have it."""
    return id if _SAFE_ID.fullmatch(id) else _digest(id)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
