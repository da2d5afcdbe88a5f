"""Records of a file, a pipe or a topic in batches, and what became of each."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from graph.domain.model.errors import InvalidInput, Problem, TemporaryFailure
from service.connectors.intake import Intake, Outcome

log = logging.getLogger("kith.connectors")

BATCH_SIZE = 500
IN_FLIGHT = 3
"""Batches in progress at the same time: one in the database, one waiting, one being read."""
MIN_PAUSE, MAX_PAUSE = 0.5, 30.0
"""Seconds between two attempts to store a batch, which double."""
_UNEXPECTED = Problem("INTERNAL_SERVER_ERROR", "storing this record failed unexpectedly; the log says how")

Place = TypeVar("Place")
Came = tuple[Any, Mapping[str, Any]]
"""A record, and what came beside it."""


def now() -> int:
    """Return the time in microseconds since 1970."""
    return time.time_ns() // 1000


async def take_all(intake: Intake, records: Sequence[Came], received_at: int) -> list[Outcome]:
    """Take records in. If that fails unexpectedly, the records that fail are found, and refused.

    Raises `TemporaryFailure`: then the same records may be taken again.
    """
    try:
        return await intake.take([record for record, _ in records], [beside for _, beside in records], received_at)
    except TemporaryFailure:
        raise
    except Exception as error:
        if len(records) > 1:
            middle = len(records) // 2
            first = await take_all(intake, records[:middle], received_at)
            return first + await take_all(intake, records[middle:], received_at)
        problem = _UNEXPECTED
        if isinstance(error, InvalidInput):
            problem = error.problem()
        else:
            log.exception("a record of %s is refused", intake.source.name, exc_info=error)
        record, beside = records[0]
        return [await intake.refuse(record, beside, problem, received_at)]


async def take_when_possible(
    intake: Intake, records: Sequence[Came], received_at: int, patience: float
) -> list[Outcome]:
    """Take records in, however often that fails for a time, until pauses would be longer than `patience` seconds."""
    pause = MIN_PAUSE
    while True:
        try:
            return await take_all(intake, records, received_at)
        except TemporaryFailure as error:
            # The batch may have been stored; storing it again is idempotent.
            if pause > patience:
                raise
            log.warning("%d records wait, because they cannot be stored now: %s", len(records), error.message)
            await asyncio.sleep(min(max(pause, error.retry_after), MAX_PAUSE))
            pause *= 2


class Batches(Generic[Place]):
    """Takes records in by batches, some of them at the same time, and settles each with its outcome.

    `settle` gets the place of a record, the record, and its outcome, once all that it says is stored. `received_at` is
    when they arrived, in microseconds; `patience` is that of `take_when_possible`.
    """

    def __init__(
        self,
        intake: Intake,
        settle: Callable[[Place, Any, Outcome], None],
        received_at: int,
        patience: float = MAX_PAUSE,
    ) -> None:
        self._intake, self._settle, self._received_at, self._patience = intake, settle, received_at, patience
        self._batch: list[tuple[Place, Came]] = []
        self._running: set[asyncio.Task[None]] = set()

    async def add(self, place: Place, record: Any, beside: Mapping[str, Any]) -> None:
        """Add a record; wait while as many batches are in progress as may be."""
        self._batch.append((place, (record, beside)))
        if len(self._batch) == BATCH_SIZE:
            await self._start()

    async def finish(self) -> None:
        """Wait until all records are settled."""
        if self._batch:
            await self._start()
        while self._running:
            await self._wait()

    def cancel(self) -> None:
        """Stop. What is in progress may have been stored."""
        for task in self._running:
            task.cancel()

    async def _start(self) -> None:
        batch, self._batch = self._batch, []
        self._running.add(asyncio.create_task(self._take(batch)))
        if len(self._running) >= IN_FLIGHT:
            await self._wait()

    async def _wait(self) -> None:
        done, _ = await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            self._running.discard(task)
            task.result()

    async def _take(self, batch: Sequence[tuple[Place, Came]]) -> None:
        records = [came for _, came in batch]
        outcomes = await take_when_possible(self._intake, records, self._received_at, self._patience)
        for (place, (record, _)), outcome in zip(batch, outcomes, strict=True):
            self._settle(place, record, outcome)
