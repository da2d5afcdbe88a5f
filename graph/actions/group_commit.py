"""Group commit: writes that wait at the same time share one transaction, each with its own answer."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from graph.actions.commit import Answer, commit
from graph.actions.rules_run import Current
from graph.domain.errors import Overloaded, RulesMoved, TemporaryFailure
from graph.domain.intake import Command, Observe, prepare
from graph.ports import Clock, Ids, Store, Work

MOST_COMMANDS = 1_000
"""Commands of one transaction: enough that its fixed costs vanish, few enough that a single one does not wait long."""
RELOADS = 5
"""How often a write is tried again because the rules have just changed."""
MOST_WAITING = 50_000
"""Commands that may wait; more are turned away, so that memory stays bounded."""


@dataclass(slots=True)
class _Waiting:
    commands: Sequence[Command]
    done: asyncio.Future[list[Answer]]


class GroupCommit:
    """Runs commands through `commit`, as many callers' together as wait."""

    def __init__(
        self,
        store: Store,
        rules: Current,
        clock: Clock,
        ids: Ids,
        reload: Callable[[], Awaitable[object]] | None = None,
        stored: Callable[[], None] = lambda: None,
    ) -> None:
        self._store, self._clock, self._ids, self._told_stored = store, clock, ids, stored
        self.rules = rules
        self._reload = reload
        self._queue: deque[_Waiting] = deque()
        self._waiting = 0
        self._worker: asyncio.Task[None] | None = None

    async def run(self, commands: Sequence[Command]) -> list[Answer]:
        """Store commands and answer each once all are durable."""
        if not commands:
            return []
        if self._waiting + len(commands) > MOST_WAITING:
            raise Overloaded(f"{self._waiting} writes are waiting already; send this again in a moment")
        one = _Waiting(commands, asyncio.get_running_loop().create_future())
        self._queue.append(one)
        self._waiting += len(commands)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return await one.done

    async def _work(self) -> None:
        while self._queue:
            group = [self._queue.popleft()]
            size = len(group[0].commands)
            while self._queue and size + len(self._queue[0].commands) <= MOST_COMMANDS:
                group.append(self._queue.popleft())
                size += len(group[-1].commands)
            await self._commit(group)
            self._waiting -= size

    async def _commit(self, group: list[_Waiting]) -> None:
        try:
            answers = iter(await self._stored([command for one in group for command in one.commands]))
        except Exception as error:
            # A caller that is not at fault must not suffer for its neighbours; where the database is away all do.
            if len(group) > 1 and not isinstance(error, TemporaryFailure):
                for one in group:
                    await self._commit([one])
                return
            for one in group:
                if not one.done.done():
                    one.done.set_exception(error)
            return
        for one in group:
            mine = [next(answers) for _ in one.commands]
            if not one.done.done():
                one.done.set_result(mine)

    async def _stored(self, commands: Sequence[Command]) -> list[Answer]:
        for _ in range(RELOADS):
            rules, now = self.rules, self._clock.now()
            # What was read under other rules while it waited is read anew.
            fresh = [
                prepare(one.observation, rules.reading, one.received_at)
                if isinstance(one, Observe) and one.rules is not rules.reading
                else one
                for one in commands
            ]

            def work(fresh: list[Command] = fresh, rules: Current = rules, now: int = now) -> Work[list[Answer]]:
                return commit(fresh, rules.resolving, now, self._ids, rules.version)

            try:
                answers = await self._store.write(work)
            except RulesMoved:
                if self._reload is None:
                    raise
                await self._reload()
            else:
                self._told_stored()
                return answers
        raise RulesMoved("the rules change faster than this can be stored")

    async def close(self) -> None:
        """Wait until everything that was taken in is stored."""
        if self._worker is not None:
            await self._worker
