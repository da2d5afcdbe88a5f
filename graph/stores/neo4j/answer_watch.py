"""Gives up statements whose answer is lost, and none that the database still works on, however long it takes.

A connection that goes silent, because a firewall forgot it or a machine lost its power, raises no error for minutes. A
fixed deadline would end long queries too. So if an answer is late, another connection asks the server whether it runs
the statement.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress

from msgspec import Struct

TICK_SECONDS = 1.0
LATE_TICKS = 2
"""An answer is late after this many ticks without any news on its connection."""
IDLE_TICKS, MAX_IDLE_TICKS = 5, 30
"""Ticks after which a transaction that runs no query is given up. The server does not tell whether it waits for its
client, or still plans a query, which may take seconds after a start. So the first transactions, and those that are
tried again, get more time."""
REACH_SECONDS = 4.0
"""Seconds within which a new connection must be answered, otherwise the server is silent."""
LOOK_SECONDS = 10.0
"""Seconds within which the server must list its transactions, otherwise nothing is decided."""


class RunningTransaction(Struct, frozen=True):
    """A transaction on the server. It is not `busy` while it waits for its client, and while a query is planned."""

    id: str
    busy: bool


class Operation:
    """A read, or an attempt at a write: the statements of one transaction."""

    __slots__ = ("_late_ticks", "_max_idle_ticks", "_on_leader", "_steps_seen", "committing", "id", "limit", "steps")

    def __init__(self, id: str, is_patient: bool = False, on_leader: bool = True) -> None:
        self._on_leader = on_leader
        """Whether it runs on the server that lists its transactions; other members of a cluster do not."""
        self.id = id
        """The name of the transaction, by which the server's list shows it."""
        self.limit = asyncio.Timeout(None)
        self.steps = 0
        """Increases with everything that arrives from the server."""
        self.committing = False
        self._max_idle_ticks = MAX_IDLE_TICKS if is_patient else IDLE_TICKS
        self._steps_seen = 0
        self._late_ticks = 0

    def is_late(self) -> bool:
        """Count a tick; return whether nothing has arrived during the last few."""
        if self.steps != self._steps_seen:
            self._steps_seen, self._late_ticks = self.steps, 0
        else:
            self._late_ticks += 1
        return self._late_ticks >= LATE_TICKS

    def is_lost(self, transaction: RunningTransaction | None) -> bool:
        """Return whether the answer can no longer come, given the operation's transaction on the server."""
        if transaction is None:
            return self._on_leader
        # A read begins its transaction and its query in one message, so the query has arrived.
        idle_ticks = self._max_idle_ticks if self.steps else MAX_IDLE_TICKS
        return not transaction.busy and self._late_ticks >= idle_ticks

    def give_up(self) -> None:
        """Cancel the statement that is waited for; the operation then raises `TimeoutError`."""
        # A reschedule to the past cancels in the next turn of the loop. The operation may end in this turn.
        if not self.limit.expired():
            self.limit.reschedule(0)


class AnswerWatch:
    """Watches the operations that are running.

    `reach` raises an error if the server does not answer; then `on_silence` is called with it, and all late operations
    are given up. Otherwise `look` returns the service's own transactions on the server by their names, and `on_lost`
    is called with the transactions that are left of operations that are given up.
    """

    def __init__(
        self,
        reach: Callable[[], Awaitable[object]],
        look: Callable[[], Awaitable[Mapping[str, RunningTransaction]]],
        on_lost: Callable[[Iterable[RunningTransaction]], Awaitable[None]],
        on_silence: Callable[[Exception], None],
    ) -> None:
        self._reach, self._look, self._on_lost, self._on_silence = reach, look, on_lost, on_silence
        self.running: dict[str, Operation] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._looking: asyncio.Task[None] | None = None

    def begin(self, operation: Operation) -> None:
        """Watch an operation from now on."""
        self.running[operation.id] = operation
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TICK_SECONDS, self._tick)

    def end(self, operation: Operation) -> None:
        """No longer watch an operation."""
        del self.running[operation.id]

    def _tick(self) -> None:
        late = {operation: operation.steps for operation in self.running.values() if operation.is_late()}
        loop = asyncio.get_running_loop()
        if late and (self._looking is None or self._looking.done()):
            self._looking = loop.create_task(self._check(late))
        self._timer = loop.call_later(TICK_SECONDS, self._tick) if self.running else None

    async def _check(self, late: Mapping[Operation, int]) -> None:
        try:
            async with asyncio.timeout(REACH_SECONDS):
                await self._reach()
        except Exception as error:
            self._on_silence(error)
            for operation in self._still_late(late):
                operation.give_up()
            return
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                transactions = await self._look()
        except Exception:
            return  # The next tick tries again.
        # Whatever arrived before this look was handled while it was on its way.
        lost = [operation for operation in self._still_late(late) if operation.is_lost(transactions.get(operation.id))]
        for operation in lost:
            operation.give_up()
        left = [transactions[operation.id] for operation in lost if operation.id in transactions]
        with suppress(Exception):  # The server ends them later by itself.
            await self._on_lost(left)

    def _still_late(self, late: Mapping[Operation, int]) -> list[Operation]:
        return [
            operation for operation, steps in late.items() if operation.steps == steps and operation.id in self.running
        ]

    async def close(self) -> None:
        """Stop watching."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
