"""Followers of the feed who ask the same with the same rights share its events: each is made and encoded once.

A reading executes a subscription for its followers. It keeps the newest events, so that followers at different
positions share it; one that falls behind what is kept continues with a reading of its own, which ends once it has
caught up. Nothing is made before a follower has received all there is, so slow followers delay only themselves.
"""

import asyncio
from asyncio import Future, TimerHandle
from bisect import bisect_right
from collections.abc import AsyncGenerator, Callable, Hashable
from contextlib import aclosing
from contextvars import Context as VariableContext

from msgspec.structs import replace

from graph.domain.access.viewer import Viewer
from graph.queries.subscriptions import FeedPlace, FeedRevision
from graph.runtime.scheduling import FairQueue
from schema.execution.runner import ExecutionAnswer
from service.http.event_batches import EventBatch
from service.http.responses import encoded_body

MAX_BATCH = 500
MAX_BATCH_BYTES = 65_536
"""What is sent to a follower at once: sending it takes less than the loop's other tasks notice."""
MAX_KEPT_BYTES = 1 << 20
"""Bytes of the events that a reading keeps for followers that are behind."""
CACHED_BATCHES = 8
"""Batches of a reading that are kept, by the position after which they begin."""
AHEAD = 100
"""Entries that a follower may be ahead of a reading that it joins: these have been read in a moment."""
LINGER_SECONDS = 0.002
"""How long an event waits for the next ones."""

Question = tuple[Hashable, ...]
MakeAnswers = Callable[[Viewer, FeedPlace], AsyncGenerator[ExecutionAnswer, None]]
"""Executes the subscription for a viewer from a place on, which it moves along with each entry."""


def rights(viewer: Viewer) -> Viewer:
    """Return a viewer without what it is called: viewers with equal rights are shown the same."""
    return replace(viewer, caller="", client="", reason="")


class Same:
    """Part of a question: the very same object, whatever it equals."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)


class Follower:
    """A subscriber that has received all events up to a position."""

    __slots__ = ("position", "reading")

    def __init__(self, position: int) -> None:
        self.position = position
        self.reading: Reading | None = None
        """What it waits for, having received all of it."""

    @property
    def number(self) -> int:
        """The number of the last entry that it has received, or that does not concern it."""
        return self.position if self.reading is None else max(self.position, self.reading.place.left)


class Reading:
    """Events of the feed as they are made for the followers of one question with the same rights."""

    def __init__(
        self, answers: AsyncGenerator[ExecutionAnswer, None], place: FeedPlace, revision: FeedRevision
    ) -> None:
        self.place, self.revision = place, revision
        self.floor = place.number
        """The number of the entry from which on all events are kept."""
        self.followers = 0
        self.ended = False
        self.final: ExecutionAnswer | None = None
        """The answer after the last event: why the reading has ended."""
        self._last = place.number
        self._numbers: list[int] = []
        self._answers: list[ExecutionAnswer] = []
        self._bodies: list[bytes] = []
        self._bytes = 0
        self._batches: dict[int, EventBatch] = {}
        self._waiting: list[Future[None]] = []
        self._wanted = asyncio.Event()
        self._new = self._new_bytes = 0
        self._timer: TimerHandle | None = None
        # In a context of its own: it works for all followers, not for the first.
        self.task = asyncio.create_task(self._read(answers), context=VariableContext())

    @property
    def progress(self) -> int:
        """The number of the last entry that was looked at."""
        return max(self.place.number, self.place.left)

    def forget(self) -> None:
        """Keep no event that was made until now."""
        self._drop(len(self._numbers))

    def batch(self, position: int) -> EventBatch | None:
        """Return events after a position that are sent at once; `None` if there are none. They must be kept."""
        first = bisect_right(self._numbers, position)
        if first == len(self._numbers):
            return None
        found = self._batches.get(position)
        if found is None or (found.position < self._numbers[-1] and len(found.answers) < MAX_BATCH):
            end, size = first + 1, len(self._bodies[first])
            while end < len(self._numbers) and end - first < MAX_BATCH:
                size += len(self._bodies[end])
                if size > MAX_BATCH_BYTES:
                    break
                end += 1
            if found is None or found.position != self._numbers[end - 1]:
                found = EventBatch(self._answers[first:end], self._bodies[first:end], self._numbers[end - 1])
                while len(self._batches) >= CACHED_BATCHES:
                    del self._batches[next(iter(self._batches))]
                self._batches[position] = found
        return found

    async def more(self) -> None:
        """Wait for events after the newest."""
        waiting: Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        self._wanted.set()
        await waiting

    async def _read(self, answers: AsyncGenerator[ExecutionAnswer, None]) -> None:
        try:
            async with aclosing(answers):
                await self._wanted.wait()
                async for answer in answers:
                    if self.place.number <= self._last:
                        # No entry: the source of events has failed.
                        self.final = answer
                        return
                    self._keep(answer)
                    await self._wanted.wait()
        finally:
            self.ended = True
            self._announce()

    def _keep(self, answer: ExecutionAnswer) -> None:
        body = encoded_body(answer)
        # What is sent are the bytes; the values would take a multiple of their memory.
        answer.data = None
        self._last = self.place.number
        self._numbers.append(self._last)
        self._answers.append(answer)
        self._bodies.append(body)
        self._bytes += len(body)
        self._new += 1
        self._new_bytes += len(body)
        if self._bytes > MAX_KEPT_BYTES:
            self._shrink()
        if self._new >= MAX_BATCH or self._new_bytes >= MAX_BATCH_BYTES:
            self._announce()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LINGER_SECONDS, self._announce)

    def _shrink(self) -> None:
        """Drop the oldest events. Not the newest: those who wait for them have received all others."""
        count, excess = 0, self._bytes - MAX_KEPT_BYTES // 2
        while excess > 0 and count < len(self._bodies) - self._new:
            excess -= len(self._bodies[count])
            count += 1
        self._drop(count)

    def _drop(self, count: int) -> None:
        if count:
            self.floor = self._numbers[count - 1]
            self._bytes -= sum(map(len, self._bodies[:count]))
            del self._numbers[:count], self._answers[:count], self._bodies[:count]
        self._batches.clear()

    def _announce(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._new = self._new_bytes = 0
        self._wanted.clear()
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)


class SharedFeeds:
    """The readings of the feed, by what is asked with which rights."""

    def __init__(self, revision: Callable[[], FeedRevision]) -> None:
        self._revision = revision
        self._readings: dict[Question, list[Reading]] = {}
        self._turns = FairQueue()

    def forget(self) -> None:
        """Keep no event that was made until now: it may show somebody who was erased."""
        for reading in self._all():
            reading.forget()

    async def follow(
        self, question: Question, viewer: Viewer, follower: Follower, make: MakeAnswers
    ) -> AsyncGenerator[EventBatch, None]:
        """Yield the events after a follower's position, which moves along. `viewer` is the one of `rights`.

        The question must contain everything besides the viewer on which the answers depend.
        """
        key = (*question, viewer)
        reading: Reading | None = None
        try:
            while True:
                reading = self._join(key, reading, viewer, follower.position, make)
                if reading.batch(follower.position) is not None:
                    await self._turns.wait_turn()
                    # Meanwhile more may be there, or nothing may be kept any longer.
                    reading = self._join(key, reading, viewer, follower.position, make)
                    if (batch := reading.batch(follower.position)) is not None:
                        follower.position = batch.position
                        yield batch
                elif not reading.ended:
                    # What was read since its last event does not concern it.
                    follower.position = max(follower.position, reading.place.left)
                    follower.reading = reading
                    await reading.more()
                    follower.reading = None
                else:
                    if reading.final is not None:
                        yield EventBatch([reading.final])
                    return
        finally:
            if reading is not None:
                self._leave(key, reading)

    def _join(
        self, key: Question, present: Reading | None, viewer: Viewer, position: int, make: MakeAnswers
    ) -> Reading:
        """Return the reading by which a follower at a position goes on: of those that fit, the one that is furthest."""
        revision = self._revision()
        readings = self._readings.setdefault(key, [])
        for reading in readings:
            _forget_outdated(reading, revision, viewer)
        fitting = [
            one
            for one in readings
            if one.floor <= position and (one is present or (not one.ended and position <= one.progress + AHEAD))
        ]
        found = max(fitting, key=lambda one: one.progress, default=None)
        if found is None:
            start = FeedPlace(position)
            found = Reading(make(viewer, start), start, revision)
            readings.append(found)
        if found is not present:
            found.followers += 1
            if present is not None:
                self._leave(key, present)
        return found

    def _leave(self, key: Question, reading: Reading) -> None:
        reading.followers -= 1
        if reading.followers:
            return
        reading.task.cancel()
        readings = self._readings[key]
        readings.remove(reading)
        if not readings:
            del self._readings[key]

    def _all(self) -> list[Reading]:
        return [reading for readings in self._readings.values() for reading in readings]


def _forget_outdated(reading: Reading, revision: FeedRevision, viewer: Viewer) -> None:
    """Keep no event that may show more than it would if it was made now."""
    known = reading.revision
    if known is revision:
        return
    if known.withheld != revision.withheld or (viewer.purpose and known.consents != revision.consents):
        reading.forget()
    reading.revision = revision
