"""One batch of updates in several requests: those that go together are sent together, removals first."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import TypeVar

from service.destinations.adapter import MAX_MESSAGE_LENGTH, ExternalIds, MemberUpdate, Outcome, Status
from service.destinations.attempts import Batch, Item

BATCH_SIZE = 1_000
"""Members of a request. Platforms take more, but larger batches keep others of the service waiting."""
PREPARED_AT_ONCE = 50
"""Updates that are prepared, which may take some milliseconds, before others of the service have a turn."""

Key = TypeVar("Key", bound=Hashable)
Prepared = TypeVar("Prepared")
Kind = TypeVar("Kind")


def refused(update: MemberUpdate, message: str) -> Outcome:
    """Return the outcome of an update that was refused for good. What the destination holds is still known."""
    return Outcome(Status.DEAD, message[:MAX_MESSAGE_LENGTH], update.reference)


def again(update: MemberUpdate, message: str, retry_after: float | None = None) -> Outcome:
    """Return the outcome of an update that is to be sent again. What the destination holds is still known."""
    return Outcome(Status.RETRY, message[:MAX_MESSAGE_LENGTH], update.reference, retry_after)


def never_pending(updates: Sequence[MemberUpdate]) -> list[Outcome]:
    """Return what `poll` answers for a destination that says at once what becomes of an update: it is sent again."""
    return [again(update, "it was never pending") for update in updates]


def kind_of(update: MemberUpdate, namespaces: Mapping[str, Kind], external_ids: ExternalIds) -> Kind:
    """Return what `namespaces` make of the namespace of an update.

    Raises `ValueError` if they do not name it, or if the external id of the audience cannot be one.
    """
    if update.namespace not in namespaces:
        raise ValueError(f"{update.namespace} is not in the `namespaces` of the destination")
    if problem := external_ids.problem(update.audience.external_id):
        raise ValueError(problem)
    return namespaces[update.namespace]


async def in_requests(
    updates: Sequence[MemberUpdate],
    prepare: Callable[[MemberUpdate], Prepared | Outcome],
    key: Callable[[MemberUpdate], Key],
    deliver: Callable[[Key, Sequence[tuple[MemberUpdate, Prepared]]], Awaitable[list[Outcome]]],
    later: Status = Status.RETRY,
) -> list[Outcome]:
    """Deliver what `prepare` makes of the updates of each key together, and return the outcomes in their order.

    `prepare` may already say what becomes of an update; one for which it raises `ValueError` is refused with its
    message. Updates that are left by an `attempts.Batch` get the status `later`. Raises `Unavailable` if that are all.
    """
    batch = Batch(updates, later)
    groups: dict[Key, list[tuple[Item, Prepared]]] = {}
    for number, item in enumerate(sorted(batch.items, key=lambda item: item.update.present), 1):
        if number % PREPARED_AT_ONCE == 0:
            await asyncio.sleep(0)
        try:
            prepared = prepare(item.update)
        except ValueError as error:
            item.outcome = refused(item.update, str(error))
            continue
        if isinstance(prepared, Outcome):
            item.outcome = prepared
        else:
            groups.setdefault(key(item.update), []).append((item, prepared))
    for group, members in groups.items():

        async def request(group: Key = group, members: list[tuple[Item, Prepared]] = members) -> None:
            outcomes = await deliver(group, [(item.update, prepared) for item, prepared in members])
            for (item, _), outcome in zip(members, outcomes, strict=True):
                item.outcome = outcome

        await batch.attempt([item for item, _ in members], request)
    return batch.outcomes()
