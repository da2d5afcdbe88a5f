"""The ledger: how a delivery follows what should hold, and what destinations answer. Times are in microseconds."""

from collections.abc import Iterable, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from graph.domain.audiences.targets import Target
from graph.domain.model.audiences import (
    ABSENT,
    REMOVED,
    UNDECIDED,
    Audience,
    Delivery,
    DeliveryStatus,
    HeldDelivery,
    Outcome,
    Status,
)

SECOND = 1_000_000
LONGEST_PAUSE = 3_600
"""Maximum seconds between two attempts."""
MAX_ATTEMPTS = 60
"""After so many attempts, some two days, an addition that is only ever put off is dead. Removals are never given up."""


class Plan(Struct):
    """What a new decision about a customer changes in the ledger: deliveries to write, by audience and key.

    `others` are the customers that hold an address by now: they have to be decided anew.
    """

    deliveries: list[Delivery] = field(default_factory=list)
    others: set[str] = field(default_factory=set)


def plan(
    customer: str, held: Iterable[HeldDelivery], targets: Sequence[Target], audiences: dict[str, Audience], now: int
) -> Plan:
    """Return what changes in the ledger when a customer has some targets: all that it has now.

    `held` are the deliveries that were decided for the customer, and those of the targets. An address that has come to
    another customer keeps its state until that one is decided: a merge takes nobody out of an audience.
    """
    result = Plan()
    known = {(one.delivery.audience, one.delivery.key): one for one in held}
    for target in targets:
        one = known.pop((target.audience, target.key), None)
        if one is None:
            new = Delivery(
                target.audience,
                audiences[target.audience].destination,
                target.key,
                customer,
                target.state,
                ABSENT,
                DeliveryStatus.OWED,
                now,
                now,
            )
            result.deliveries.append(new)
        else:
            _add_changed(result, one.delivery, with_wanted(one.delivery, target.state, customer, now))
    for one in known.values():
        if one.holder and one.holder != customer:
            result.others.add(one.holder)
            _add_changed(result, one.delivery, replace(one.delivery, customer=one.holder))
        else:
            _add_changed(result, one.delivery, with_wanted(one.delivery, ABSENT, one.holder, now))
    return result


def _add_changed(result: Plan, before: Delivery, after: Delivery) -> None:
    if after != before:
        result.deliveries.append(after)


def with_wanted(delivery: Delivery, state: str, customer: str, now: int) -> Delivery:
    """Return a delivery that should have a state, which was decided for a customer."""
    if delivery.wanted == state:
        kept = replace(delivery, customer=customer)
        # Nobody will be erased with it.
        return gone(kept) if kept.sent == REMOVED and not customer else kept
    if delivery.erasure:
        # Somebody has the address again. What the destination holds of the person who was erased goes first.
        return replace(delivery, customer=customer)
    # What is pending was taken, but may never become true: only the next answer will tell.
    sent = None if delivery.status is DeliveryStatus.PENDING else delivery.sent
    settled = sent == state or (state == ABSENT and sent == REMOVED)
    return replace(
        delivery,
        customer=customer,
        wanted=state,
        sent=sent,
        status=DeliveryStatus.DONE if settled else DeliveryStatus.OWED,
        changed_at=now,
        due_at=None if settled else now,
        attempts=0,
        answer="",
    )


def unknown(delivery: Delivery, now: int) -> Delivery:
    """Return a delivery of which it is no longer known what the destination holds: it is sent again."""
    return replace(delivery, sent=None, status=DeliveryStatus.OWED, due_at=now, attempts=0, answer="")


def begun(delivery: Delivery) -> Delivery:
    """Return a delivery that is being sent: if nothing is heard of it, the destination may have it or not."""
    return replace(delivery, sent=None)


def after(delivery: Delivery, state: str, outcome: Outcome, now: int, keeps_removed: bool = False) -> Delivery:
    """Return a delivery after a destination answered to a state that was sent, or asked about.

    A destination that `keeps_removed` addresses is remembered after a removal, so that an erasure reaches it later.
    Between `begun` and the answer it is not known what the destination holds. If it is known all the same, another
    process has sent the address meanwhile, and which of the two states came last is not.
    """
    if delivery.sent is not None:
        return delivery if outcome.status is Status.DEAD else unknown(delivery, now)
    reference = outcome.reference or delivery.reference
    if outcome.status is Status.DONE:
        settled = delivery.wanted == state
        is_kept = state == ABSENT and keeps_removed and delivery.customer and not delivery.erasure
        return replace(
            delivery,
            sent=REMOVED if is_kept else state,
            status=DeliveryStatus.DONE if settled else DeliveryStatus.OWED,
            due_at=None if settled else now,
            attempts=0,
            answer=outcome.message,
            reference=reference,
        )
    if delivery.wanted != state:
        # What is wanted by now is owed already.
        return replace(delivery, reference=reference)
    attempts = delivery.attempts + 1
    given_up = attempts >= MAX_ATTEMPTS and not delivery.is_removal
    if outcome.status is Status.DEAD or (outcome.status is Status.RETRY and given_up):
        status, due_at = DeliveryStatus.DEAD, None
    else:
        status = DeliveryStatus.PENDING if outcome.status is Status.PENDING else DeliveryStatus.OWED
        due_at = now + round(max(pause(attempts), outcome.retry_after or 0) * SECOND)
    return replace(
        delivery, status=status, due_at=due_at, attempts=attempts, answer=outcome.message, reference=reference
    )


def after_removal(delivery: Delivery, outcome: Outcome, now: int) -> Delivery | None:
    """Return what is owed for an addition that was answered after another process had removed the address.

    `None` if the destination refused it: then nothing is.
    """
    if delivery.is_removal or outcome.status is Status.DEAD:
        return None
    return unknown(replace(delivery, wanted=ABSENT, customer="", changed_at=now), now)


def after_erasure(delivery: Delivery, now: int) -> Delivery:
    """Return what remains of a delivery whose removal, as part of an erasure, is over.

    If a customer has the address again, a decision about it is due: `with_wanted` put it off.
    """
    if not delivery.customer:
        return delivery
    return replace(
        delivery, wanted=UNDECIDED, status=DeliveryStatus.OWED, changed_at=now, due_at=now, reference="", erasure=""
    )


def ignored(delivery: Delivery, now: int) -> Delivery:
    """Return a dead delivery that an operator has given up: a removal is forgotten, an addition is not tried again."""
    sent = ABSENT if delivery.is_removal else delivery.sent
    given_up = replace(delivery, sent=sent, status=DeliveryStatus.DONE, due_at=None)
    return after_erasure(given_up, now) if given_up.erasure else given_up


def gone(delivery: Delivery) -> Delivery:
    """Return a delivery that is over, whatever the destination holds: nobody sends to it anymore."""
    return replace(delivery, wanted=ABSENT, sent=ABSENT, status=DeliveryStatus.DONE, due_at=None)


def pause(attempts: int) -> int:
    """Return how many seconds to wait after so many attempts: 1, 2, 4 and so on, up to an hour."""
    return min(LONGEST_PAUSE, 1 << min(attempts - 1, 20))
