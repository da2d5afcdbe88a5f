"""Stores what messages say through the way in of one source, and counts what became of them."""

import logging
import time
from collections import Counter
from collections.abc import Sequence

from graph.domain.model.errors import InvalidInput
from service.brokers.records import Record, records_of
from service.brokers.subscription import Message
from service.connectors.batches import now, take_all
from service.connectors.intake import Intake, Result

log = logging.getLogger("kith.brokers")

REPORT_SECONDS = 60
"""How often what became of the records is logged, if there were any."""


class Consumer:
    """Handles messages: what cannot be read or stored is kept as refused, so one message never stops the others."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self.messages = 0
        self.counts: Counter[Result] = Counter()
        """What became of records; a message that cannot be read counts as one that is refused."""
        self._reported_at, self._reported = time.monotonic(), 0

    async def handle(self, messages: Sequence[Message]) -> None:
        """Store what messages say, or that it is refused. Raises `TemporaryFailure` if neither is possible now."""
        counts: Counter[Result] = Counter()
        records: list[Record] = []
        for message in messages:
            try:
                records += records_of(message, self._intake.mapping)
            except InvalidInput as error:
                body = (message.value or b"").decode("utf-8", "replace")
                await self._intake.refuse(body, {**message.headers, **message.beside}, error.problem(), now())
                counts[Result.REFUSED] += 1
        if records:
            outcomes = await take_all(self._intake, [(record.content, record.beside) for record in records], now())
            counts.update(outcome.result for outcome in outcomes)
        # A batch that has to be repeated counts once.
        self.messages += len(messages)
        self.counts += counts
        self._report()

    def _report(self) -> None:
        now = time.monotonic()
        if now - self._reported_at >= REPORT_SECONDS:
            log.info("%d messages since the last report; in all: %s", self.messages - self._reported, self.summary())
            self._reported_at, self._reported = now, self.messages

    def summary(self) -> str:
        """Return what became of the messages so far, in a line."""
        results = ", ".join(f"{self.counts[result]} {result.value}" for result in Result)
        return f"{self.messages} messages; records: {results}"
