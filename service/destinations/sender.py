"""Sends what the ledger owes to one destination. Nothing else waits for it."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence

from msgspec.structs import replace

from graph.commands.audience_writes import Sent
from graph.domain.audiences.ledger import pause
from graph.domain.audiences.targets import Target
from graph.domain.model.audiences import Delivery, DeliveryStatus, DestinationState, Outcome, Status
from graph.domain.model.errors import KithError
from graph.identity_graph import IdentityGraph
from service.destinations.adapter import (
    SEND_SECONDS,
    Adapter,
    AudienceRef,
    MaintainedAdapter,
    ScheduledSnapshotAdapter,
    Unavailable,
)
from service.destinations.answer_texts import one_line, storable
from service.destinations.change_sender import ChangeSender
from service.destinations.lease import Lease, LeaseLost
from service.destinations.snapshot_sender import SnapshotSender
from service.destinations.updates import audience_refs, update_of

log = logging.getLogger("kith.destinations")

GATHER_SECONDS = 0.2
"""How long to wait for more to send with what has just come: each batch costs the store two commits."""
POLL_SECONDS = 1.0
"""How long to wait for what another process may have written."""
LONGEST_PAUSE = 60
"""Maximum seconds between two attempts to reach a destination that takes nothing."""


class Sender:
    """Carries out what is owed to a destination, for as long as it holds the lease: one process sends at a time."""

    def __init__(
        self, graph: IdentityGraph, name: str, adapter: Adapter, lease: Lease, changes: ChangeSender | None = None
    ) -> None:
        self.name = name
        self._snapshots = (
            SnapshotSender(graph, name, adapter) if isinstance(adapter, ScheduledSnapshotAdapter) else None
        )
        self._graph, self._adapter, self._lease, self._changes = graph, adapter, lease, changes
        self._failures = 0
        self._state: DestinationState | None = None
        self.sent = 0
        """Items that the destination has taken from this process."""
        self.failed = 0
        """Items that it did not take."""

    async def run(self) -> None:
        """Send what is owed, until this is canceled."""
        try:
            while True:
                seconds = await self._round()
                if seconds:
                    await self._graph.ledger.wait(self.name, seconds)
                    await asyncio.sleep(GATHER_SECONDS)
        finally:
            # If the store is unavailable, the lease ends by itself.
            try:
                with contextlib.suppress(KithError):
                    await self._lease.release()
            finally:
                await self._adapter.close()

    async def _round(self) -> float:
        """Send what is owed now; return how many seconds to wait before the next round."""
        try:
            if not await self._lease.hold():
                return POLL_SECONDS
            async with self._lease.kept():
                return await self._attempt()
        except LeaseLost:
            log.warning("destination %s: the lease was lost; another process may send to it", self.name)
            return POLL_SECONDS
        except KithError as error:
            # The store is not available. It is tried again.
            log.debug("destination %s: %s", self.name, error.code)
            return POLL_SECONDS

    async def _attempt(self) -> float:
        try:
            if isinstance(self._adapter, MaintainedAdapter):
                async with asyncio.timeout(SEND_SECONDS):
                    await self._adapter.maintain()
            if await self._graph.audiences.is_paused(self.name):
                return POLL_SECONDS
            more = await self.step()
        except Unavailable as problem:
            return await self._put_off(problem)
        except KithError:
            raise
        except Exception as error:
            # An error of an adapter must not end the sending. Its message may hold personal values.
            log.warning("destination %s: unexpected %s", self.name, type(error).__name__)
            return await self._put_off(Unavailable(f"unexpected error ({type(error).__name__})"))
        return 0 if more else POLL_SECONDS

    async def step(self) -> bool:
        """Send one batch of what is owed; return whether more may be. Raises `Unavailable`."""
        ledger = self._graph.ledger
        more = await ledger.maintain(self.name)
        if self._changes is not None:
            taken = self._changes.taken
            more = await self._changes.step() or more
            if self._changes.taken > taken:
                self.sent += self._changes.taken - taken
                await self._note_success()
        due = await ledger.due(self.name, self._adapter.batch_size)
        if not due:
            return more or await self._send_snapshots()
        pending = [one for one in due if one.status is DeliveryStatus.PENDING]
        owed = [one for one in due if one.status is DeliveryStatus.OWED]
        begun = await ledger.begin(owed) if owed else []
        if not begun and not pending:
            # Their customers are changing: they are decided about anew first.
            return more
        refs = await audience_refs(self._graph)
        if begun:
            await self._send(begun, refs)
        if pending:
            await self._poll(pending, refs)
        return True

    async def _send(self, begun: Sequence[tuple[Delivery, Target | None]], refs: dict[str, AudienceRef]) -> None:
        updates = [update_of(delivery, target, refs) for delivery, target in begun]
        async with asyncio.timeout(SEND_SECONDS):
            outcomes = await self._adapter.send(updates)
        await self._finish([delivery for delivery, _ in begun], outcomes)

    async def _send_snapshots(self) -> bool:
        count = None if self._snapshots is None else await self._snapshots.step()
        if count:
            self.sent += count
            await self._note_success()
        return count is not None

    async def _poll(self, pending: Sequence[Delivery], refs: dict[str, AudienceRef]) -> None:
        async with asyncio.timeout(SEND_SECONDS):
            outcomes = await self._adapter.poll([update_of(delivery, None, refs) for delivery in pending])
        await self._finish(pending, outcomes)

    async def _finish(self, deliveries: Sequence[Delivery], outcomes: Sequence[Outcome]) -> None:
        sent = [Sent(delivery, storable(outcome)) for delivery, outcome in zip(deliveries, outcomes, strict=True)]
        await self._graph.ledger.finish(sent)
        taken = sum(outcome.status in (Status.DONE, Status.PENDING) for outcome in outcomes)
        self.sent += taken
        self.failed += len(outcomes) - taken
        if taken:
            await self._note_success()

    # --- how it goes

    async def _current_state(self) -> DestinationState:
        if self._state is None:
            self._state = await self._graph.audiences.state(self.name)
        return self._state

    async def _note_success(self) -> None:
        """Store that the destination works; at most once a second, and at once after a problem."""
        self._failures = 0
        state, now = await self._current_state(), self._graph.now()
        if state.problem or state.last_sent_at is None or now - state.last_sent_at >= 1_000_000:
            if state.problem:
                log.info("destination %s works again", self.name)
            await self._set_state(DestinationState(last_sent_at=now))

    async def _put_off(self, problem: Unavailable) -> float:
        self._failures += 1
        seconds = float(max(min(pause(self._failures), LONGEST_PAUSE), problem.retry_after or 0))
        message = one_line(problem.message)
        with contextlib.suppress(KithError):
            state = await self._current_state()
            if state.problem != message:
                log.warning("destination %s: %s", self.name, message)
                since = state.problem_since if state.problem else self._graph.now()
                await self._set_state(replace(state, problem=message, problem_since=since, login=problem.login))
        # What is owed meanwhile does not end the pause, but what an operator decides does.
        end, before = asyncio.get_running_loop().time() + seconds, await self._decisions()
        while (left := end - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(min(left, POLL_SECONDS))
            if await self._decisions() != before:
                break
        return 0

    async def _decisions(self) -> tuple[bool, bool]:
        """What operators have decided, maybe in another process: whether to pause, and whether to send all again."""
        audiences = self._graph.audiences
        return await audiences.is_paused(self.name), await audiences.is_resyncing(self.name)

    async def _set_state(self, state: DestinationState) -> None:
        await self._graph.audiences.set_state(self.name, state)
        self._state = state
