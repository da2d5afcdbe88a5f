"""Take refused records in again, once the mapping or the rules are mended: `kith refused retry`."""

import asyncio
from collections import Counter
from collections.abc import Callable

from msgspec import Struct, field

from graph.domain.model.errors import InvalidInput, Problem
from graph.domain.model.refused_records import Position, RefusedFilter, RefusedRecord
from graph.identity_graph import IdentityGraph
from service.connectors.intake import Intake

AT_ONCE = 50
"""Records that are taken in at the same time, which share transactions."""
_CUT = Problem("INVALID_LENGTH", "only the beginning of the record is kept: let the source send it again")

WayIn = Callable[[RefusedRecord], Intake]
"""Returns the way in of a record. Raises `InvalidInput` if there is none."""


class Retried(Struct):
    """What became of refused records: how many were taken in, and how many are refused again, by code.

    `dropped` counts those that must not be stored anywhere, such as those that need a consent; they are not kept any
    longer. `examples` are the messages of the first problem of each code.
    """

    taken: int = 0
    dropped: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def add_refused(self, problem: Problem) -> None:
        """Count a record that is refused again."""
        self.refused[problem.code] += 1
        self.examples.setdefault(problem.code, problem.message)


async def retry(graph: IdentityGraph, filter: RefusedFilter, way_in: WayIn) -> Retried:
    """Take all refused records in again that meet a filter, and return what became of them.

    A record is deleted once all it says is stored. So after an interruption, the same command goes on. Raises
    `TemporaryFailure` if the store does not answer.
    """
    retried = Retried()
    after: Position | None = None
    while True:
        page = await graph.refused.page(filter, after, AT_ONCE)
        answers = (_retry(graph, record, way_in, retried) for record in page.items)
        # Of an error, none is told while others are still being stored.
        for error in await asyncio.gather(*answers, return_exceptions=True):
            if error is not None:
                raise error
        if not page.has_more:
            return retried
        after = page.items[-1].position


async def _retry(graph: IdentityGraph, record: RefusedRecord, way_in: WayIn, retried: Retried) -> None:
    if record.is_cut:
        retried.add_refused(_CUT)
        return
    try:
        outcome, again = await way_in(record).take_again(record)
    except InvalidInput as error:
        retried.add_refused(error.problem())
        return
    await graph.refused.replace(record, again)
    if outcome.problem is None:
        retried.taken += 1
    elif again is None:
        retried.dropped += 1
    else:
        retried.add_refused(outcome.problem)
