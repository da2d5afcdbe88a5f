"""Retention: shows what has expired of what is stored, and removes it in small steps while requests are served.

What is left to do follows from what is stored. So a run that was cut off is simply run again, and runs of several
processes do no harm.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from time import perf_counter
from typing import Protocol

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from graph.commands.expire import ExpiredReceipt, Removed, expire, expired_of
from graph.commands.group_commit import GroupCommit
from graph.commands.history_cleaning import clean_history
from graph.commands.retries import with_retries
from graph.commands.write_gate import WriteGate
from graph.domain.access.decisions import MAX_ACTOR_LENGTH
from graph.domain.model.dates import SECOND
from graph.domain.model.errors import InvalidInput, RulesChanged, TemporaryFailure
from graph.domain.model.expiry_counts import ExpiryCount, ExpiryTally
from graph.domain.model.receipts import ObservationKey
from graph.domain.model.retention import Retention
from graph.domain.model.validation import check_text
from graph.ports import Clock, ErasureStore, HistoryStore, Ids, RestrictionStore, RetentionStore, WriteStore
from graph.runtime.counters import WorkerCounters
from graph.runtime.scheduling import interactive_within, map_cooperatively

PAGE_SIZE = 2_000
"""Observations that are read at a time."""
STEP_SIZE, QUIET_STEP_SIZE = 10, 200
"""Observations of one transaction while interactive requests are served, and while there are none."""
QUIET_SECONDS = 1.0
"""Seconds without an interactive request after which there are none."""
STALE_SECONDS = 300
"""Seconds without a sign of life after which a run counts as cut off."""
CHECK_SECONDS = 60.0
"""Longest interval at which a process looks whether a run is due."""
RUN_KEY = "retention_run"

log = logging.getLogger("kith.retention")


class RetainingStore(WriteStore, RetentionStore, RestrictionStore, HistoryStore, ErasureStore, Protocol):
    """Writes, the observations of which something may have expired, restrictions, the history, removal of traces."""


class RetentionPreview(Struct, frozen=True):
    """What has expired at the time `at` (microseconds): of all that is stored if it is `complete`, else of a part."""

    at: int
    counts: Sequence[ExpiryCount]
    complete: bool


class RetentionRun(Struct, frozen=True):
    """A run that removes what had expired when it started.

    `counts` say what was removed, `identifiers` how many identifiers went because nothing named them any longer.
    `actor` started it; the service itself if empty. `active_at` is the last sign of life, `ended_at` is `None` if it
    has not ended, or was cut off. One that `continues` came after one that was cut off. Times are in microseconds.
    """

    started_at: int
    actor: str
    active_at: int
    continues: bool = False
    counts: tuple[ExpiryCount, ...] = ()
    identifiers: int = 0
    ended_at: int | None = None

    def is_over(self, now: int) -> bool:
        """Whether it has ended, or was cut off."""
        return self.ended_at is not None or now - self.active_at >= STALE_SECONDS * SECOND


class RetentionControl:
    """Previews and runs.

    `retention` are the rules, `reload` reads the rules of resolution again, `on_stored` is called after each step.
    `end_holds` removes the orders that were kept without a person until now.
    """

    def __init__(
        self,
        store: RetainingStore,
        writer: GroupCommit,
        clock: Clock,
        ids: Ids,
        gate: WriteGate,
        retention: Retention,
        reload: Callable[[], Awaitable[object]],
        on_stored: Callable[[], None],
        end_holds: Callable[[], Awaitable[object]],
    ) -> None:
        self.retention = retention
        self._end_holds = end_holds
        self._store, self._writer, self._clock, self._ids, self._gate = store, writer, clock, ids, gate
        self._reload, self._on_stored = reload, on_stored
        self._task: asyncio.Task[RetentionRun] | None = None
        self.counters = WorkerCounters()

    # --- what has expired

    async def preview(self, max_pages: int | None = None) -> RetentionPreview:
        """Return what a run would remove now, as far as `max_pages` pages of observations show it."""
        now, tally, pages = self._clock.now(), ExpiryTally(), 0
        async for page in self._pages(now):
            if pages == max_pages:
                return RetentionPreview(now, tally.counts, complete=False)
            pages += 1
            for receipt, left in page:
                tally.add(receipt, left)
        return RetentionPreview(now, tally.counts, complete=True)

    async def _pages(self, at: int) -> AsyncIterator[list[ExpiredReceipt]]:
        """Yield the observations of which something has expired at a time, a list for each `PAGE_SIZE` observations."""
        filters = self.retention.filters(at)
        after: ObservationKey | None = None
        while filters:
            receipts, after = await self._store.expirable_observations(filters, after, PAGE_SIZE)
            if after is None:
                return
            expired = await map_cooperatively(receipts, lambda receipt: list(expired_of(receipt, self.retention, at)))
            yield [pair for pairs in expired for pair in pairs]

    # --- removing it

    async def newest_run(self) -> RetentionRun | None:
        """Return the newest run of any process."""
        text = await self._store.get_value(RUN_KEY)
        return None if text is None else _run_of(text)

    async def run(self, actor: str = "") -> RetentionRun:
        """Remove what has expired, as `start` does, and wait until that is done."""
        return await asyncio.shield(await self.start(actor))

    async def start(self, actor: str = "") -> "asyncio.Task[RetentionRun]":
        """Begin to remove what has expired, unless this process does so already; return the run that is going on.

        Raises `InvalidInput` if the actor cannot be stored.
        """
        if actor and (problem := check_text("actor", actor, MAX_ACTOR_LENGTH)):
            raise InvalidInput(problem.code, problem.message, problem.path)
        self._gate.check()
        if self._task is None or self._task.done():
            now, newest = self._clock.now(), await self.newest_run()
            run = RetentionRun(now, actor, now, continues=_is_cut_off(newest))
            await self._store.put_value(RUN_KEY, _text_of(run))
            return self._begin(run)
        return self._task

    def _begin(self, run: RetentionRun) -> "asyncio.Task[RetentionRun]":
        self._task = asyncio.create_task(self._run(run))
        # Whoever does not wait for it is not interested in its error, which is logged.
        self._task.add_done_callback(lambda task: task.cancelled() or task.exception())
        return self._task

    async def run_periodically(self, seconds: float) -> None:
        """Run whenever the newest run of any process began `seconds` ago or was cut off; never ends."""
        while True:
            try:
                if (run := await self._claimed(seconds)) is not None:
                    await asyncio.wait([self._begin(run)])
            except TemporaryFailure:
                pass  # The next check tries again.
            await asyncio.sleep(min(seconds, CHECK_SECONDS))

    async def _claimed(self, seconds: float) -> RetentionRun | None:
        """Return a run that this process shall do; `None` if none is due, or another process was first."""
        now = self._clock.now()
        text = await self._store.get_value(RUN_KEY)
        newest = None if text is None else _run_of(text)
        if newest is not None:
            is_due = newest.ended_at is None or now - newest.started_at >= seconds * SECOND
            if not newest.is_over(now) or not is_due:
                return None
        run = RetentionRun(now, "", now, continues=_is_cut_off(newest))
        return run if await self._store.replace_value(RUN_KEY, _text_of(run), text) else None

    async def _run(self, run: RetentionRun) -> RetentionRun:
        began = perf_counter()
        try:
            run = await self._remove_all(run)
        except Exception as error:
            # The message of an unexpected error may contain values.
            self.counters.failures += 1
            log.warning("what has expired was not removed: %s", type(error).__name__)
            raise
        self.counters.ended(self._clock.now(), perf_counter() - began)
        return run

    async def _remove_all(self, run: RetentionRun) -> RetentionRun:
        at, tally, identifiers = run.started_at, ExpiryTally(), 0
        async for page in self._pages(at):
            while page:
                began = perf_counter()
                busy = interactive_within(QUIET_SECONDS)
                size = STEP_SIZE if busy or self._store.contended else QUIET_STEP_SIZE
                removed = await self._remove([receipt.key for receipt, _ in page[:size]], at)
                identifiers += removed.identifiers
                self.counters.items += len(removed.receipts)
                for receipt, left in removed.receipts:
                    tally.add(receipt, left)
                page = page[size:]
                # As long as requests are served, they get at least half of the time.
                await asyncio.sleep(perf_counter() - began if busy else 0)
            counts = _without_examples(tally)
            run = replace(run, active_at=self._clock.now(), counts=counts, identifiers=identifiers)
            await self._store.put_value(RUN_KEY, _text_of(run))
        if tally.total or run.continues:
            run = await self._remove_names(run)
            await with_retries(self._store.remove_traces)
        await self._end_holds()
        now = self._clock.now()
        run = replace(run, active_at=now, ended_at=now)
        await self._store.put_value(RUN_KEY, _text_of(run))
        return run

    async def _remove_names(self, run: RetentionRun) -> RetentionRun:
        """Remove the names of what is gone from the history; return the run with a sign of life."""

        async def live() -> None:
            nonlocal run
            if self._clock.now() - run.active_at >= STALE_SECONDS * SECOND // 10:
                run = replace(run, active_at=self._clock.now())
                await self._store.put_value(RUN_KEY, _text_of(run))

        await clean_history(self._store, live)
        return run

    async def _remove(self, keys: Sequence[ObservationKey], at: int) -> Removed:
        """Remove what of some observations has expired at a time."""
        while True:
            rules, now = self._writer.rules, self._clock.now()
            # Pages leave out restricted customers; one may have been restricted since.
            restricted = await with_retries(self._store.has_restrictions)
            try:
                removed = await with_retries(
                    lambda rules=rules, now=now, restricted=restricted: self._store.write(  # type: ignore[misc]
                        lambda: expire(keys, self.retention, at, rules, now, self._ids, restricted)
                    ),
                    stops_if_rules_change=True,
                )
            except RulesChanged:
                await self._reload()
            else:
                self._on_stored()
                return removed

    def close(self) -> None:
        """Stop; the next run continues."""
        if self._task is not None:
            self._task.cancel()


def _is_cut_off(newest: RetentionRun | None) -> bool:
    return newest is not None and newest.ended_at is None


def _without_examples(tally: ExpiryTally) -> tuple[ExpiryCount, ...]:
    """Return the counts without the names of what is gone."""
    return tuple(replace(count, examples=()) for count in tally.counts)


def _text_of(run: RetentionRun) -> str:
    return msgspec.json.encode(run).decode()


def _run_of(text: str) -> RetentionRun:
    return msgspec.json.decode(text, type=RetentionRun)
