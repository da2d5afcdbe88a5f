"""One batch of updates in several requests: those that go together are sent together, removals first."""

import time
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import TypeVar

from service.destinations.adapter import (
    MAX_MESSAGE_LENGTH,
    SEND_SECONDS,
    MemberUpdate,
    Outcome,
    Status,
    Unavailable,
)

BATCH_SECONDS = SEND_SECONDS / 2
"""After so long, no further request of a batch is begun: a batch that does not end in time would be sent anew."""

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")


def refused(update: MemberUpdate, message: str) -> Outcome:
    """Return the outcome of an update that was refused for good. What the destination holds is still known."""
    return Outcome(Status.DEAD, message[:MAX_MESSAGE_LENGTH], update.reference)


def again(update: MemberUpdate, message: str, retry_after: float | None = None) -> Outcome:
    """Return the outcome of an update that is to be sent again. What the destination holds is still known."""
    return Outcome(Status.RETRY, message[:MAX_MESSAGE_LENGTH], update.reference, retry_after)


def pending(update: MemberUpdate, message: str, retry_after: float | None = None) -> Outcome:
    """Return the outcome of an update that is still pending. The message is not kept: nothing is wrong."""
    return Outcome(Status.PENDING, "", update.reference, retry_after)


async def in_requests(
    updates: Sequence[MemberUpdate],
    prepare: Callable[[MemberUpdate], Item | Outcome],
    key: Callable[[MemberUpdate], Key],
    deliver: Callable[[Key, Sequence[tuple[MemberUpdate, Item]]], Awaitable[list[Outcome]]],
    later: Callable[[MemberUpdate, str, float | None], Outcome] = again,
) -> list[Outcome]:
    """Deliver what `prepare` makes of the updates of each key together, and return the outcomes in their order.

    `prepare` may already say what becomes of an update; one for which it raises `ValueError` is refused with its
    message. If the first request finds the destination unavailable, `Unavailable` is raised. If a later one does, or
    after `BATCH_SECONDS`, what was not delivered gets the outcome `later`.
    """
    outcomes: list[Outcome] = [Outcome(Status.RETRY)] * len(updates)
    groups: dict[Key, list[tuple[int, Item]]] = {}
    for number in sorted(range(len(updates)), key=lambda number: updates[number].present):
        update = updates[number]
        try:
            prepared = prepare(update)
        except ValueError as error:
            outcomes[number] = refused(update, str(error))
            continue
        if isinstance(prepared, Outcome):
            outcomes[number] = prepared
        else:
            groups.setdefault(key(update), []).append((number, prepared))
    stopped: Unavailable | None = None
    end = time.monotonic() + BATCH_SECONDS
    for position, (group, items) in enumerate(groups.items()):
        delivered: list[Outcome] | None = None
        if stopped is None and position > 0 and time.monotonic() >= end:
            stopped = Unavailable("the requests before it took too long", 0)
        if stopped is None:
            try:
                delivered = await deliver(group, [(updates[number], item) for number, item in items])
            except Unavailable as error:
                if position == 0:
                    raise
                stopped = error
        for place, (number, _) in enumerate(items):
            if delivered is not None:
                outcomes[number] = delivered[place]
            elif stopped is not None:
                outcomes[number] = later(updates[number], stopped.message, stopped.retry_after)
    return outcomes
