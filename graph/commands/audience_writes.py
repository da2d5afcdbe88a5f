"""The writes of audiences and of their ledger, each one transaction. Times are in microseconds."""

from collections.abc import Callable, Collection, Generator, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from graph.domain.audiences import ledger
from graph.domain.model.audiences import (
    ABSENT,
    Audience,
    Delivery,
    DeliveryPosition,
    DeliveryStatus,
    HeldDelivery,
    Outcome,
    WaitingChange,
)
from graph.domain.model.erasures import Erasure
from graph.domain.model.errors import InvalidInput
from graph.domain.model.segments import Segment
from graph.domain.model.store_values import Writes
from graph.ports import ReadAudiences, ReadDeliveries, ReadErasures, ReadSegments, Request, Write

MAX_AUDIENCES = 500
FILL_KEY = "audience_fill:"
"""The beginning of the name under which the last member that was decided for a new audience is stored."""


class Sent(Struct, frozen=True):
    """A delivery as it was sent, or asked about, and what became of it."""

    delivery: Delivery
    outcome: Outcome


def create(audience: Audience) -> Generator[Request, Any, Audience]:
    """Store a new audience; if one that differs in nothing but its id exists, return that one."""
    segments: list[Segment] = yield ReadSegments()
    audiences: list[Audience] = yield ReadAudiences()
    if audience.segment not in {segment.id for segment in segments}:
        raise unknown_segment(audience.segment)
    for existing in audiences:
        same = replace(audience, id=existing.id, created_at=existing.created_at, created_by=existing.created_by)
        if existing == same:
            return existing
        same_list = (existing.destination, existing.external_id) == (audience.destination, audience.external_id)
        if audience.external_id and same_list and not set(existing.namespaces).isdisjoint(audience.namespaces):
            # Whoever left one of them would be removed from the list, though the other should have them there.
            taken = f"audience {existing.id} has the list {audience.external_id} of {audience.destination}"
            raise InvalidInput("INVALID_VALUE", f"externalId: {taken}", ("externalId",))
    if len(audiences) >= MAX_AUDIENCES:
        message = f"{len(audiences)} audiences exist; {MAX_AUDIENCES} are allowed"
        raise InvalidInput("INVALID_COUNT", message, ("segmentId",))
    yield Write(Writes(audiences=[audience], values={FILL_KEY + audience.id: ""}))
    return audience


def unknown_segment(id: str) -> InvalidInput:
    """Return the error about a segment that does not exist."""
    return InvalidInput("SEGMENT_NOT_FOUND", f"segment {id[:60]!r} does not exist", ("segmentId",))


def end(id: str) -> Generator[Request, Any, Audience]:
    """End an audience: its addresses are removed from the destination, and then it is removed itself."""
    audience = _found((yield ReadAudiences()), id)
    if not audience.ended:
        audience = replace(audience, ended=True)
        yield Write(Writes(audiences=[audience]))
    return audience


def remove(id: str) -> Generator[Request, Any, None]:
    """Remove an audience that has ended and has no deliveries anymore."""
    yield Write(Writes(removed_audiences=[id]))


def _found(audiences: Sequence[Audience], id: str) -> Audience:
    for audience in audiences:
        if audience.id == id:
            return audience
    raise unknown_audience(id, "id")


def unknown_audience(id: str, field: str) -> InvalidInput:
    """Return the error about an audience that does not exist."""
    return InvalidInput("AUDIENCE_NOT_FOUND", f"audience {id[:60]!r} does not exist", (field,))


def change(
    deliveries: Sequence[Delivery],
    change_one: Callable[[Delivery], Delivery | None],
    values: dict[str, str] | None = None,
) -> Generator[Request, Any, list[Delivery]]:
    """Change deliveries that are still stored, and store texts with them; return those that were changed.

    `change_one` returns `None` for one that is to stay as it is.
    """
    held: list[HeldDelivery] = yield ReadDeliveries(places=[(one.audience, one.key) for one in deliveries])
    changed = [after for one in held if (after := change_one(one.delivery)) is not None]
    yield Write(Writes(deliveries=changed, values=values or {}))
    return changed


def drained(now: int) -> Callable[[Delivery], Delivery]:
    """Return what makes a delivery a removal that is owed."""
    return lambda delivery: ledger.with_wanted(delivery, ABSENT, delivery.customer, now)


def forgotten(now: int, with_reference: bool = False) -> Callable[[Delivery], Delivery | None]:
    """Return what makes a delivery one of which it is not known what the destination holds.

    An address that was removed is not sent again. If another type of destination gave the references, they are
    forgotten, too, and so is what that one removed.
    """

    def change_one(delivery: Delivery) -> Delivery | None:
        if delivery.was_removed:
            return ledger.gone(delivery) if with_reference else None
        after = ledger.unknown(delivery, now)
        return replace(after, reference="") if with_reference else after

    return change_one


def tried_again(now: int) -> Callable[[Delivery], Delivery | None]:
    """Return what makes a dead delivery one that is owed."""
    return lambda delivery: ledger.unknown(delivery, now) if delivery.status is DeliveryStatus.DEAD else None


def ignored(now: int) -> Callable[[Delivery], Delivery | None]:
    """Return what makes a dead delivery one that nothing is done about."""
    return lambda delivery: ledger.ignored(delivery, now) if delivery.status is DeliveryStatus.DEAD else None


def begin(deliveries: Sequence[Delivery]) -> Generator[Request, Any, list[Delivery]]:
    """Note that deliveries are being sent; return those that are still to be sent, as they are stored now.

    From here on nobody knows what the destination holds, until it has answered: if this process ends before that, the
    next state is owed whichever it is, even where the destination holds it already.
    """
    held: list[HeldDelivery] = yield ReadDeliveries(places=[(one.audience, one.key) for one in deliveries])
    wanted = {(one.audience, one.key): one.wanted for one in deliveries}
    current = [
        one.delivery
        for one in held
        if one.delivery.status is DeliveryStatus.OWED
        and one.delivery.wanted == wanted[one.delivery.audience, one.delivery.key]
    ]
    begun = [ledger.begun(one) for one in current if one.sent is not None]
    if begun:
        yield Write(Writes(deliveries=begun))
    return current


def finish(sent: Sequence[Sent], now: int, keeps_removed: bool = False) -> Generator[Request, Any, None]:
    """Store what became of deliveries. With the last removal of an erasure, the destination acknowledges it.

    A destination that `keeps_removed` addresses is remembered after a removal.
    """
    held: list[HeldDelivery] = yield ReadDeliveries(places=[(one.delivery.audience, one.delivery.key) for one in sent])
    current = {(one.delivery.audience, one.delivery.key): one.delivery for one in held}
    changed: list[Delivery] = []
    erased: set[str] = set()
    for one in sent:
        stored = current.get((one.delivery.audience, one.delivery.key))
        if stored is None:
            after = ledger.after_removal(one.delivery, one.outcome, now)
        else:
            after = ledger.after(stored, one.delivery.wanted, one.outcome, now, keeps_removed)
        if after is not None and after.erasure and after.erasure != one.delivery.erasure:
            # What was sent took the address from a list; the person was erased meanwhile.
            after = ledger.unknown(after, now)
        if after is None:
            continue
        if after.is_over and after.erasure:
            erased.add(after.erasure)
            after = ledger.after_erasure(after, now)
        changed.append(after)
    erasures = (yield from _acknowledged(erased, changed, now)) if erased else []
    if changed:
        yield Write(Writes(deliveries=changed, erasures=erasures))


def _acknowledged(
    ids: Collection[str], changed: Sequence[Delivery], now: int
) -> Generator[Request, Any, list[Erasure]]:
    """Return the erasures of which no removal is owed anymore to the destination of the deliveries that changed."""
    destination = changed[0].destination
    of_erasures: list[HeldDelivery] = yield ReadDeliveries(erasures=sorted(ids))
    over = {(one.audience, one.key) for one in changed if not one.erasure or one.is_over}
    owed = {
        one.delivery.erasure
        for one in of_erasures
        if one.delivery.destination == destination and (one.delivery.audience, one.delivery.key) not in over
    }
    erasures: list[Erasure] = yield ReadErasures(sorted(set(ids) - owed))
    return [erasure.acknowledged(destination, now) for erasure in erasures]


def advance(
    name: str, text: str, waiting: Sequence[WaitingChange], ended: Sequence[tuple[str, int]]
) -> Generator[Request, Any, None]:
    """Store how far a destination has followed the feed, with the changes that wait and those that no longer do."""
    yield Write(Writes(values={name: text}, waiting_changes=list(waiting), ended_waiting=list(ended)))


def change_waiting(
    waiting: Sequence[WaitingChange], ended: Sequence[tuple[str, int]] = ()
) -> Generator[Request, Any, None]:
    """Store changes that wait, and remove those that no longer do, by destination and number."""
    yield Write(Writes(waiting_changes=list(waiting), ended_waiting=list(ended)))


def position(delivery: Delivery) -> DeliveryPosition:
    """Return the position of a delivery in lists."""
    return DeliveryPosition(delivery.audience, delivery.key)
