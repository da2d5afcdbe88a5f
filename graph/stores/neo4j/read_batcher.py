"""Views that are requested at the same moment are read in one query, because each query costs a round trip."""

import asyncio
from asyncio import Future
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from graph.domain.profile.pages import CustomerRef, Selection
from graph.stores.neo4j.customer_pages import CustomerRecord

MIN_BATCH, MAX_BATCH = 4, 16
"""The number of customers in a shared query: enough to be worth sharing, and few enough that no caller waits long."""
ReadRecords = Callable[[Sequence[CustomerRef], Selection], Awaitable[list[CustomerRecord]]]
Records = list[CustomerRecord | None]


@dataclass(slots=True)
class _Caller:
    """A caller that waits for some customers; they are read in one query."""

    refs: Sequence[CustomerRef]
    result: "Future[Records]"


class ReadBatcher:
    """Batches the reads that are requested in one turn of the event loop.

    No caller waits for later callers, and each read begins after its request, so no result is older than it would be
    without batching. Under load, a turn sees more requests, so the batches get larger.
    """

    def __init__(self, read: ReadRecords) -> None:
        self._read = read
        self._waiting: dict[Selection, list[_Caller]] = {}
        self._running: set[asyncio.Task[None]] = set()

    async def records(self, refs: Sequence[CustomerRef], selection: Selection) -> Records:
        """Return what was read of each customer, in the order of `refs`; `None` for a customer that was not found."""
        loop = asyncio.get_running_loop()
        waiting = self._waiting.get(selection)
        if waiting is None:
            waiting = self._waiting[selection] = []
            # The task begins in the next turn of the loop.
            self._start(self._flush(selection))
        result: Future[Records] = loop.create_future()
        waiting.append(_Caller(refs, result))
        return await result

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _flush(self, selection: Selection) -> None:
        waiting = self._waiting.pop(selection)
        # If no other query is running, two are sent: one is decoded here while the database works on the other.
        half = (sum(len(caller.refs) for caller in waiting) + 1) // 2
        size = MAX_BATCH if len(self._running) > 1 else min(max(MIN_BATCH, half), MAX_BATCH)
        first, *others = _batches(waiting, size)
        for batch in others:
            self._start(self._run_batch(batch, selection))
        await self._run_batch(first, selection)

    async def _run_batch(self, batch: Sequence[_Caller], selection: Selection) -> None:
        task = asyncio.current_task()
        for caller in batch:
            caller.result.add_done_callback(partial(_cancel_if_abandoned, batch, task))
        try:
            read = await self._read([ref for caller in batch for ref in caller.refs], selection)
        except Exception as error:
            for caller in batch:
                if not caller.result.done():
                    caller.result.set_exception(error)
            return
        records = {record.at: record for record in read}
        first = 0
        for caller in batch:
            end = first + len(caller.refs)
            if not caller.result.done():
                caller.result.set_result([records.get(at) for at in range(first, end)])
            first = end


def _batches(waiting: Sequence[_Caller], size: int) -> Iterator[list[_Caller]]:
    """Yield batches of callers with up to `size` customers, or of one caller with more."""
    batch: list[_Caller] = []
    customers = 0
    for caller in waiting:
        if batch and customers + len(caller.refs) > size:
            yield batch
            batch, customers = [], 0
        batch.append(caller)
        customers += len(caller.refs)
    yield batch


def _cancel_if_abandoned(batch: Sequence[_Caller], task: "asyncio.Task[Any] | None", _: "Future[Records]") -> None:
    if task is not None and all(caller.result.cancelled() for caller in batch):
        task.cancel()
