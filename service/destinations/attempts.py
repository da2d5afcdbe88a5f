"""Batches that take several requests: an outcome for each update, whichever of the requests fail."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from service.destinations.adapter import SEND_SECONDS, MemberUpdate, Outcome, Status, Unavailable
from service.destinations.field_values import strings
from service.destinations.http import Answer

MAX_FAILURES_IN_A_ROW = 3
"""A destination that is unavailable for so many requests in a row gets no more of the batch."""
BATCH_SECONDS = SEND_SECONDS / 2
"""After so long, no further request of a batch is begun: a batch that does not end in time would be sent anew."""
SLOW = "the destination answers slowly: the rest of the batch is sent later"


class Item:
    """An update, and what became of it, once that is known."""

    def __init__(self, update: MemberUpdate) -> None:
        self.update = update
        self.outcome: Outcome | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is no outcome yet."""
        return self.outcome is None

    @property
    def private(self) -> list[str]:
        """The values of the person, which no message may contain."""
        return [self.update.value, *strings(self.update.fields)]


class Batch:
    """The updates that an adapter was given.

    A request that finds the destination unavailable leaves its items for later, with the status `later`, and does not
    harm the others. After `MAX_FAILURES_IN_A_ROW` of them, a refused login, or `BATCH_SECONDS` by `clock`, the rest is
    left without a request.
    """

    def __init__(
        self,
        updates: Sequence[MemberUpdate],
        later: Status = Status.RETRY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.items = [Item(update) for update in updates]
        self._later = later
        self._clock, self._end = clock, clock() + BATCH_SECONDS
        self._last: Unavailable | None = None
        self._left = 0
        self._in_a_row = 0

    @property
    def erased(self) -> list[Item]:
        """The items of people who were erased."""
        return [item for item in self.items if item.update.erased]

    @property
    def removed(self) -> list[Item]:
        """The items that only leave their audience."""
        return [item for item in self.items if not item.update.present and not item.update.erased]

    @property
    def present(self) -> list[Item]:
        """The items that are in their audience."""
        return [item for item in self.items if item.update.present]

    async def attempt(self, items: Iterable[Item], request: Callable[[], Awaitable[None]]) -> None:
        """Run `request`, which sets outcomes. Items that still have none when it raises `Unavailable` are left."""
        if self._in_a_row < MAX_FAILURES_IN_A_ROW and self._clock() >= self._end:
            self._last, self._in_a_row = Unavailable(SLOW), MAX_FAILURES_IN_A_ROW
        if self._in_a_row < MAX_FAILURES_IN_A_ROW:
            try:
                await request()
            except Unavailable as error:
                self._last = error
                self._in_a_row = MAX_FAILURES_IN_A_ROW if error.login else self._in_a_row + 1
            else:
                self._in_a_row = 0
                return
        assert self._last is not None
        for item in items:
            if item.is_open:
                item.outcome = Outcome(self._later, self._last.message, retry_after=self._last.retry_after)
                self._left += 1

    async def each(
        self, groups: Iterable[Sequence[Item]], send: Callable[[Item], Awaitable[Outcome]], concurrency: int
    ) -> None:
        """Send items one by one, of `concurrency` groups at the same time; those of a group in their order."""
        waiting = iter(groups)

        async def work() -> None:
            for group in waiting:
                for item in group:
                    await self.attempt([item], lambda item=item: _send(item, send))  # type: ignore[misc]

        async with asyncio.TaskGroup() as tasks:
            for _ in range(concurrency):
                tasks.create_task(work())

    def outcomes(self) -> list[Outcome]:
        """Return the outcomes in the order of the updates. Raises `Unavailable` if nothing was taken."""
        if self._last is not None and self._left == len(self.items):
            raise self._last
        unsaid = Outcome(Status.RETRY, "the destination did not say what became of it")
        return [item.outcome or unsaid for item in self.items]


async def _send(item: Item, send: Callable[[Item], Awaitable[Outcome]]) -> None:
    item.outcome = await send(item)


def by_address(items: Iterable[Item]) -> list[list[Item]]:
    """Return items in groups, each of one address, so that no two requests change one contact at the same time."""
    groups: dict[tuple[str, str], list[Item]] = {}
    for item in items:
        groups.setdefault((item.update.namespace, item.update.value), []).append(item)
    return list(groups.values())


def json_object(answer: Answer) -> dict[str, Any]:
    """Return the JSON object in an answer. Raises `Unavailable` for anything else."""
    value = answer.json()
    if not isinstance(value, dict):
        raise Unavailable("the answer is not a JSON object")
    return value


def json_objects(value: object) -> list[dict[str, Any]]:
    """Return the objects of a part of an answer that should be a list of them."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
