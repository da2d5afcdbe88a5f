"""Group commit: writes that wait at the same time share one transaction, each with its own result."""

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import nullcontext
from contextvars import Context
from dataclasses import dataclass, field
from time import perf_counter

from graph.commands.commit import Accepted, CommandResult, Rejected, commit
from graph.commands.rules_rollout import ActiveRules
from graph.commands.suppression import NO_TOMBSTONES
from graph.commands.write_gate import WriteGate
from graph.domain.model.errors import Overloaded, RulesChanged, TemporaryFailure
from graph.domain.model.rules import DroppedIdentifierCode
from graph.domain.privacy.consent_gate import CONSENT_REQUIRED
from graph.domain.resolution.erased import TombstoneRules
from graph.domain.resolution.preparation import Command, under_rules
from graph.ports import Clock, Ids, T, Work, WriteStore
from graph.runtime import measurements
from graph.runtime.collection import collection_paused
from graph.runtime.counters import WriteCounters
from graph.runtime.measurements import Span
from graph.runtime.rates import Rate
from graph.runtime.scheduling import interactive_within

MAX_COMMANDS = 1_000
"""Commands of one transaction: enough to make its fixed costs negligible."""
SMALL_REQUEST = 10
"""Requests with up to this many commands take precedence over larger ones: they are interactive."""
PART_SIZE = 10
"""Commands of a larger request in one transaction while small requests keep arriving, so that none waits long."""
SHARED_SIZE = 50
"""The same while another process writes to the same store in turn: it may have small requests."""
LARGE_GROUP = 50
"""Commands of a transaction from which it is written without garbage collection."""
QUIET_SECONDS = 1.0
"""Seconds without a small write after which larger requests are written in batches of the store's `max_batch_size`, and
seconds without any interactive request after which they are written in transactions of `MAX_COMMANDS`."""
MAX_RELOADS = 5
"""Attempts at a write while the rules keep changing."""
MAX_WAITING = 50_000
"""Commands that may wait; further ones are rejected, so that memory stays bounded."""
USABLE_PART = 0.8
"""Part of an operation's time within which its writes must be stored; the rest is for preparing and answering it."""


@dataclass(slots=True)
class _PendingRequest:
    """A request and the results of its commands that are stored so far."""

    commands: Sequence[Command]
    done: asyncio.Future[list[CommandResult]]
    deadline: float
    results: list[CommandResult] = field(default_factory=list)
    began_at: float | None = None
    """When its first transaction began, by `perf_counter`."""
    span: Span | None = None
    """The span of its write, if it is traced."""

    def fail(self, error: Exception) -> None:
        """Raise an error to the caller."""
        if not self.done.done():
            self.done.set_exception(error)

    def add_results(self, results: Iterable[CommandResult]) -> None:
        """Add the results of the next commands; return all to the caller once the request is complete."""
        self.results.extend(results)
        if len(self.results) == len(self.commands) and not self.done.done():
            self.done.set_result(self.results)


_Part = tuple[_PendingRequest, Sequence[Command]]
"""A request, and its next commands."""


class GroupCommit:
    """Runs commands through `commit`, those of all waiting callers together.

    `reload` reads the rules again after they have changed; `on_stored` is called after each transaction. `gate` may
    refuse commands. `tombstone_rules` returns what finds the tombstones of the store. Large requests that cannot be
    stored within the time of an operation, `operation_seconds`, are rejected at once.
    """

    def __init__(
        self,
        store: WriteStore,
        rules: ActiveRules,
        clock: Clock,
        ids: Ids,
        reload: Callable[[], Awaitable[object]] | None = None,
        on_stored: Callable[[], None] = lambda: None,
        gate: WriteGate | None = None,
        operation_seconds: float = math.inf,
        tombstone_rules: Callable[[], TombstoneRules] = lambda: NO_TOMBSTONES,
    ) -> None:
        self._tombstone_rules = tombstone_rules
        self._store, self._clock, self._ids, self._on_stored = store, clock, ids, on_stored
        self.rules = rules
        self.counters = WriteCounters()
        self._reload = reload
        self._gate = gate or WriteGate()
        self._small: deque[_PendingRequest] = deque()
        self._large: deque[_PendingRequest] = deque()
        self._busy_until = 0.0
        self._waiting = 0
        self._seconds = operation_seconds * USABLE_PART
        self._rate = Rate()
        self._worker: asyncio.Task[None] | None = None

    async def run(self, commands: Sequence[Command]) -> list[CommandResult]:
        """Store commands and return their results once all are durable; raises `Overloaded` if too many wait."""
        if not commands:
            return []
        self._gate.check()
        if self._waiting + len(commands) > MAX_WAITING:
            self.counters.overloaded += 1
            raise Overloaded(f"{self._waiting} writes are already waiting; retry in a moment")
        loop = asyncio.get_running_loop()
        now = loop.time()
        request = _PendingRequest(commands, loop.create_future(), now + self._seconds)
        self._waiting += len(commands)
        if len(commands) <= SMALL_REQUEST:
            self._small.append(request)
            self._busy_until = now + QUIET_SECONDS
        else:
            if not self._large:
                self._rate.begin(now)
            self._large.append(request)
            if len(self._large) > 1:
                self._reject_late(now)
        if self._worker is None or self._worker.done():
            # In a context of its own: it works for all callers, not for the one that starts it.
            self._worker = asyncio.create_task(self._work(), context=Context())
        times = measurements.current.get()
        if times is None:
            return await request.done
        if times.span is not None:
            request.span = times.span.child("kith.write", {"kith.commands": len(commands)})
        arrived_at = perf_counter()
        with times.write:
            try:
                return await request.done
            finally:
                times.queue_seconds += (request.began_at or perf_counter()) - arrived_at
                if request.span is not None:
                    request.span.end()

    @property
    def waiting(self) -> int:
        """The number of commands that are accepted and not stored yet."""
        return self._waiting

    async def _work(self) -> None:
        # Alternate, so that neither kind waits for more than one transaction of the other.
        while self._small or self._large:
            if self._small:
                await self._commit(self._next_small())
            if self._large:
                group = self._next_large()
                await self._commit(group)
                now = asyncio.get_running_loop().time()
                self._rate.add(sum(len(commands) for _, commands in group), now)
                self._reject_late(now)

    def _next_small(self) -> list[_Part]:
        group: list[_Part] = []
        size = 0
        while self._small and size + len(self._small[0].commands) <= MAX_COMMANDS:
            request = self._small.popleft()
            group.append((request, request.commands))
            size += len(request.commands)
        return group

    def _next_large(self) -> list[_Part]:
        """Return as many whole requests as fit, or a part of a request."""
        limit = self._max_size()
        group: list[_Part] = []
        size = 0
        while self._large and size < limit:
            request = self._large[0]
            begin = len(request.results)
            left = len(request.commands) - begin
            if group and size + left > limit:
                break
            group.append((request, request.commands[begin : begin + limit]))
            size += min(left, limit)
            if left > limit:
                break
            self._large.popleft()
        return group

    def _max_size(self) -> int:
        if asyncio.get_running_loop().time() < self._busy_until:
            return PART_SIZE
        if self._store.contended:
            return SHARED_SIZE
        return self._store.max_batch_size if interactive_within(QUIET_SECONDS) else MAX_COMMANDS

    def _reject_late(self, now: float) -> None:
        """Reject the large requests that cannot be stored in time, at once rather than when their time is over.

        The first one is always tried, so that a store that is too slow for any still shows how fast it is.
        """
        ahead = 0
        for request in list(self._large):
            left = len(request.commands) - len(request.results)
            wait = self._rate.seconds_for(ahead + left)
            if not ahead or request.results or now + wait <= request.deadline:
                ahead += left
                continue
            self._large.remove(request)
            self._waiting -= left
            self.counters.overloaded += 1
            message = f"{ahead} writes are waiting and take about {wait:.0f} s; retry after them"
            request.fail(Overloaded(message, wait))

    async def _commit(self, group: list[_Part]) -> None:
        now = perf_counter()
        for request, _ in group:
            request.began_at = request.began_at or now
        spans = [request.span for request, _ in group if request.span is not None]
        try:
            together = [command for _, commands in group for command in commands]
            with collection_paused() if len(together) >= LARGE_GROUP else nullcontext():
                results = iter(await self._write(together, spans))
        except Exception as error:
            # A request must not fail because of another in its group. If the database is unavailable, all fail.
            if len(group) > 1 and not isinstance(error, TemporaryFailure):
                for part in group:
                    await self._commit([part])
                return
            for request, _ in group:
                self._waiting -= len(request.commands) - len(request.results)
                request.fail(error)
                if self._large and self._large[0] is request:
                    self._large.popleft()
            return
        for request, commands in group:
            self._waiting -= len(commands)
            request.add_results([next(results) for _ in commands])

    async def _write(self, commands: Sequence[Command], spans: Sequence[Span]) -> list[CommandResult]:
        if not spans:
            return await self._write_under_rules(commands, None)
        # A part of the first request's trace; those of the others are linked.
        first, *others = spans
        span = first.child("kith.group_commit", {"kith.commands": len(commands)}, others)
        error = ""
        try:
            return await self._write_under_rules(commands, span)
        except Exception as raised:
            error = type(raised).__name__
            raise
        finally:
            span.end(error)

    async def _write_under_rules(self, commands: Sequence[Command], span: Span | None) -> list[CommandResult]:
        for _ in range(MAX_RELOADS):
            rules, now = self.rules, self._clock.now()
            # Observations that were prepared under other rules while they waited are prepared again.
            prepared = [under_rules(command, rules.intake_rules) for command in commands]
            try:
                results = await self._store.write(self._work_of(prepared, rules, now, span))
            except RulesChanged:
                if self._reload is None:
                    raise
                await self.reload()
            else:
                self.counters.group_sizes.add(len(commands))
                self.counters.consent_required += _without_consent(results)
                self._on_stored()
                return results
        raise RulesChanged("the rules keep changing; retry in a moment")

    async def reload(self) -> None:
        """Read the rules of the store again."""
        if self._reload is not None:
            self.counters.reloads += 1
            await self._reload()

    def _work_of(
        self, prepared: Sequence[Command], rules: ActiveRules, now: int, span: Span | None
    ) -> Callable[[], Work[list[CommandResult]]]:
        tombstone_rules = self._tombstone_rules()

        def work() -> Work[list[CommandResult]]:
            decisions = commit(prepared, rules.resolution_rules, now, self._ids, rules.version, tombstone_rules)
            return decisions if span is None else _traced(decisions, span)

        return work

    async def close(self) -> None:
        """Wait until all accepted commands are stored."""
        if self._worker is not None:
            await self._worker


def _without_consent(results: Sequence[CommandResult]) -> int:
    """Return how many identifiers were not taken up because they lack a consent."""
    count = 0
    for result in results:
        if isinstance(result, Accepted) and result.dropped_identifiers:
            codes = [dropped.code for dropped in result.dropped_identifiers]
            count += 0 if result.duplicate else codes.count(DroppedIdentifierCode.CONSENT_REQUIRED)
        elif isinstance(result, Rejected) and result.problem.code == CONSENT_REQUIRED:
            count += 1
    return count


def _traced(work: Work[T], parent: Span) -> Work[T]:
    """Return the same write, with a span for its decisions that has a part for each request to the store."""
    span = parent.child("kith.resolve", {})
    error = ""
    try:
        request = next(work)
        while True:
            reading = span.child(f"kith.store {type(request).__name__}", {})
            try:
                answer = yield request
            finally:
                reading.end()
            request = work.send(answer)
    except StopIteration as stop:
        result: T = stop.value
        return result
    except BaseException as raised:
        error = type(raised).__name__
        raise
    finally:
        span.end(error)
