"""Sends whole audiences to a destination that takes them: after a resync, and as often as it wants them."""

import asyncio
import logging

from graph.commands.audience_writes import Sent
from graph.domain.audiences.targets import Target
from graph.domain.model.audiences import Audience, DeliveryPosition
from graph.identity_graph import IdentityGraph
from service.destinations.adapter import SEND_SECONDS, ScheduledSnapshotAdapter
from service.destinations.answer_texts import storable
from service.destinations.updates import audience_refs, update_of

log = logging.getLogger("kith.destinations")
MAX_ADDRESSES = 1_000_000
"""The most addresses of a snapshot, which are held in memory."""
FINISH_SIZE = 500


class SnapshotSender:
    """Collects an audience page by page, so that removals do not wait for it, and sends it as a whole."""

    def __init__(self, graph: IdentityGraph, name: str, adapter: ScheduledSnapshotAdapter) -> None:
        self._graph, self._name, self._adapter = graph, name, adapter
        self._left: list[Audience] | None = None
        self._after: DeliveryPosition | None = None
        self._targets: dict[str, Target] = {}

    async def step(self) -> int | None:
        """Carry out a step, while nothing is owed to the destination.

        Return how many addresses the destination has taken, and `None` if nothing is to be done. Raises `Unavailable`.
        """
        snapshots = self._graph.snapshots
        if self._left is None:
            hours = self._adapter.snapshot_hours
            if not await snapshots.is_due(self._name, None if hours is None else hours * 3_600_000_000):
                return None
            audiences = await self._graph.audiences.all()
            self._left = [one for one in audiences if one.destination == self._name and not one.ended]
        if not self._left:
            self._left = None
            await snapshots.done(self._name)
            return 0
        targets, self._after = await snapshots.collect(self._left[0], self._after)
        self._targets |= {target.key: target for target in targets}
        if len(self._targets) > MAX_ADDRESSES:
            log.warning(
                "destination %s: no snapshot of audience %s, which has more than %d addresses",
                self._name, self._left[0].id, MAX_ADDRESSES,
            )  # fmt: skip
            self._next()
        elif self._after is None:
            return await self._send(self._left[0])
        return 0

    async def _send(self, audience: Audience) -> int:
        targets, self._targets = self._targets, {}
        begun = await self._graph.snapshots.begin(audience, targets)
        refs = await audience_refs(self._graph)
        if audience.id not in refs:
            self._next()
            return 0
        updates = [update_of(delivery, target, refs) for delivery, target in begun]
        async with asyncio.timeout(SEND_SECONDS):
            outcomes = await self._adapter.send_snapshot(refs[audience.id], updates)
        sent = [Sent(delivery, storable(outcome)) for (delivery, _), outcome in zip(begun, outcomes, strict=True)]
        for start in range(0, len(sent), FINISH_SIZE):
            await self._graph.ledger.finish(sent[start : start + FINISH_SIZE])
        self._next()
        return len(sent)

    def _next(self) -> None:
        """Go on to the next audience."""
        assert self._left is not None
        del self._left[0]
        self._after, self._targets = None, {}
