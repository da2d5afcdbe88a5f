"""A Singer target: records of a tap in, and its positions out once all before them is stored."""

import asyncio
import math
import os
import select
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from graph.domain.model.errors import InvalidInput
from service.connectors.batches import BATCH_SIZE, now, take_when_possible
from service.connectors.intake import Intake, Result
from service.connectors.singer import Message, Messages, Record, State

CHUNK_BYTES = 1 << 20
MAX_LINE_BYTES = 16_000_000
WAIT_SECONDS = 0.5
"""How long a thread waits for input: a target that is stopped ends after this time."""


class SingerTarget:
    """Takes messages in, in their order. `streams` are the ways in of streams that have their own mapping.

    `report` gets a position of the tap when all records before it are stored, or are kept as refused.
    """

    def __init__(self, intake: Intake, streams: Mapping[str, Intake], report: Callable[[str], None]) -> None:
        self._intake, self._streams, self._report = intake, streams, report
        self._records: list[Record] = []
        self._state: State | None = None
        self.counts: Counter[Result] = Counter()

    async def add(self, message: Message) -> None:
        """Add the next message."""
        if isinstance(message, State):
            # It holds for all records so far, and for those behind it too once they are stored with them.
            self._state = message
            return
        self._records.append(message)
        if len(self._records) == BATCH_SIZE:
            await self.flush()

    async def flush(self) -> None:
        """Store all records so far, and then report the newest position."""
        while self._records:
            intake = self._of(self._records[0])
            # Neighbors of one way in go together, so that the order stays.
            ways_in = [self._of(record) for record in self._records]
            others = (position for position, one in enumerate(ways_in) if one is not intake)
            together = self._records[: next(others, len(ways_in))]
            came = [(record.content, record.beside) for record in together]
            outcomes = await take_when_possible(intake, came, now(), math.inf)
            # Only now: if this was canceled, no position behind them may be reported.
            del self._records[: len(together)]
            self.counts.update(outcome.result for outcome in outcomes)
        if self._state is not None:
            self._report(self._state.text)
            self._state = None

    def _of(self, record: Record) -> Intake:
        return self._streams.get(record.stream, self._intake)


async def read(descriptor: int, target: SingerTarget) -> None:
    """Read the messages of a pipe or a file to its end. Raises `InvalidInput` with the number of a line.

    What comes before that line is stored, and its position is reported. While no more lines are there, none waits.
    """
    messages, rest = Messages(), b""
    try:
        while chunk := await _next(descriptor):
            *lines, rest = (rest + chunk).split(b"\n")
            await _add(target, messages, lines)
            if len(rest) > MAX_LINE_BYTES:
                raise InvalidInput("INVALID_LINE", f"line {messages.line + 1} is longer than {MAX_LINE_BYTES} bytes")
            if not _is_ready(descriptor, 0):
                await target.flush()
        # A line without its end is half a message: the tap has ended in it.
        await _add(target, messages, [rest])
    finally:
        await target.flush()


async def _add(target: SingerTarget, messages: Messages, lines: Iterable[bytes]) -> None:
    for line in lines:
        message = messages.read(line)
        if message is not None:
            await target.add(message)


async def _next(descriptor: int) -> bytes:
    while not await asyncio.to_thread(_is_ready, descriptor, WAIT_SECONDS):
        pass
    return os.read(descriptor, CHUNK_BYTES)


def _is_ready(descriptor: int, seconds: float) -> bool:
    """Whether something can be read, or the end has come, within some time."""
    return bool(select.select([descriptor], [], [], seconds)[0])
