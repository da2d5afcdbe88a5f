"""Stores what messages say through the way in of one source, and counts what became of them."""

import logging
import time
from collections import Counter
from collections.abc import Sequence

from graph.domain.model.errors import InvalidInput, Problem, TemporaryFailure
from graph.identity_graph import IdentityGraph
from service.brokers.records import Record, records_of
from service.brokers.subscription import Message
from service.connectors.intake import Intake, Result
from service.connectors.refusals import refused

log = logging.getLogger("kith.brokers")

REPORT_SECONDS = 60
"""How often what became of the records is logged, if there were any."""
_UNEXPECTED = Problem(
    "INTERNAL_SERVER_ERROR", "storing this record failed unexpectedly; the log of kith consume says how"
)


class Consumer:
    """Handles messages: what cannot be read or stored is kept as refused, so one message never stops the others."""

    def __init__(self, graph: IdentityGraph, intake: Intake) -> None:
        self._graph, self._intake = graph, intake
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
                await self._refuse(Record(body, {**message.headers, **message.beside}), error.problem())
                counts[Result.REFUSED] += 1
        if records:
            counts += await self._take(records)
        # A batch that has to be repeated counts once.
        self.messages += len(messages)
        self.counts += counts
        self._report()

    async def _take(self, records: Sequence[Record]) -> Counter[Result]:
        """Store records. If that fails unexpectedly, find those that fail and refuse them."""
        try:
            outcomes = await self._intake.take(
                [record.content for record in records], [record.beside for record in records], time.time_ns() // 1000
            )
        except TemporaryFailure:
            raise
        except Exception as error:
            if len(records) > 1:
                middle = len(records) // 2
                return await self._take(records[:middle]) + await self._take(records[middle:])
            if isinstance(error, InvalidInput):
                problem = error.problem()
            else:
                problem = _UNEXPECTED
                log.exception("a record of %s is refused", self._intake.source.name, exc_info=error)
            await self._refuse(records[0], problem)
            return Counter([Result.REFUSED])
        return Counter(outcome.result for outcome in outcomes)

    async def _refuse(self, record: Record, problem: Problem) -> None:
        source, mapping = self._intake.source.name, self._intake.mapping
        kept = refused(source, mapping, record.content, record.beside, problem, time.time_ns() // 1000)
        await self._graph.refused.keep([kept])

    def _report(self) -> None:
        now = time.monotonic()
        if now - self._reported_at >= REPORT_SECONDS:
            log.info("%d messages since the last report; in all: %s", self.messages - self._reported, self.summary())
            self._reported_at, self._reported = now, self.messages

    def summary(self) -> str:
        """Return what became of the messages so far, in a line."""
        results = ", ".join(f"{self.counts[result]} {result.value}" for result in Result)
        return f"{self.messages} messages; records: {results}"
