"""Group commit: writes that wait at the same time share one transaction, each with its own answer."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field

from graph.commands.commit import Answer, commit
from graph.commands.rules_rollout import Current
from graph.domain.model.errors import Overloaded, RulesMoved, TemporaryFailure
from graph.domain.resolution.intake import Command, Observe, prepare
from graph.ports import Clock, Ids, Work, WriteStore
from graph.runtime.scheduling import someone_was_here

MOST_COMMANDS = 1_000
"""Commands of one transaction: enough that its fixed costs vanish."""
SMALL = 10
"""Up to so many commands come before larger requests: someone waits for them at a till."""
PART = 10
"""Commands of a larger request that one transaction takes while small requests keep coming, so that none waits long."""
QUIET_SECONDS = 1.0
"""How long no small write must have come for larger requests to go on in the parts that the store allows beside reads,
and no small request at all for them to be taken whole."""
RELOADS = 5
"""How often a write is tried again because the rules have just changed."""
MOST_WAITING = 50_000
"""Commands that may wait; more are turned away, so that memory stays bounded."""


@dataclass(slots=True)
class _Waiting:
    """A request, what it is answered so far, and how many of its commands are stored."""

    commands: Sequence[Command]
    done: asyncio.Future[list[Answer]]
    answers: list[Answer] = field(default_factory=list)

    def fail(self, error: Exception) -> None:
        """Answer with an error."""
        if not self.done.done():
            self.done.set_exception(error)

    def stored(self, answers: Iterable[Answer]) -> None:
        """Take in the answers to the next commands."""
        self.answers.extend(answers)
        if len(self.answers) == len(self.commands) and not self.done.done():
            self.done.set_result(self.answers)


_Part = tuple[_Waiting, Sequence[Command]]
"""A request, and those of its commands that come next."""


class GroupCommit:
    """Runs commands through `commit`, as many callers' together as wait."""

    def __init__(
        self,
        store: WriteStore,
        rules: Current,
        clock: Clock,
        ids: Ids,
        reload: Callable[[], Awaitable[object]] | None = None,
        stored: Callable[[], None] = lambda: None,
    ) -> None:
        self._store, self._clock, self._ids, self._told_stored = store, clock, ids, stored
        self.rules = rules
        self._reload = reload
        self._small: deque[_Waiting] = deque()
        self._large: deque[_Waiting] = deque()
        self._busy_until = 0.0
        self._waiting = 0
        self._worker: asyncio.Task[None] | None = None

    async def run(self, commands: Sequence[Command]) -> list[Answer]:
        """Store commands and answer each once all are durable."""
        if not commands:
            return []
        if self._waiting + len(commands) > MOST_WAITING:
            raise Overloaded(f"{self._waiting} writes are waiting already; send this again in a moment")
        loop = asyncio.get_running_loop()
        one = _Waiting(commands, loop.create_future())
        if len(commands) <= SMALL:
            self._small.append(one)
            self._busy_until = loop.time() + QUIET_SECONDS
        else:
            self._large.append(one)
        self._waiting += len(commands)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return await one.done

    async def _work(self) -> None:
        # In turn, so that neither kind waits for more than one transaction of the other.
        while self._small or self._large:
            if self._small:
                await self._commit(self._next_small())
            if self._large:
                await self._commit(self._next_large())

    def _next_small(self) -> list[_Part]:
        group: list[_Part] = []
        size = 0
        while self._small and size + len(self._small[0].commands) <= MOST_COMMANDS:
            one = self._small.popleft()
            group.append((one, one.commands))
            size += len(one.commands)
        return group

    def _next_large(self) -> list[_Part]:
        """As many whole requests as fit, or a part of one."""
        most = self._most()
        group: list[_Part] = []
        size = 0
        while self._large and size < most:
            one = self._large[0]
            begin = len(one.answers)
            left = len(one.commands) - begin
            if group and size + left > most:
                break
            group.append((one, one.commands[begin : begin + most]))
            size += min(left, most)
            if left > most:
                break
            self._large.popleft()
        return group

    def _most(self) -> int:
        if asyncio.get_running_loop().time() < self._busy_until:
            return PART
        return self._store.most_at_once if someone_was_here(QUIET_SECONDS) else MOST_COMMANDS

    async def _commit(self, group: list[_Part]) -> None:
        try:
            answers = iter(await self._stored([command for _, commands in group for command in commands]))
        except Exception as error:
            # A caller that is not at fault must not suffer for its neighbours; where the database is away all do.
            if len(group) > 1 and not isinstance(error, TemporaryFailure):
                for part in group:
                    await self._commit([part])
                return
            for one, _ in group:
                self._waiting -= len(one.commands) - len(one.answers)
                one.fail(error)
                if self._large and self._large[0] is one:
                    self._large.popleft()
            return
        for one, commands in group:
            self._waiting -= len(commands)
            one.stored([next(answers) for _ in commands])

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
