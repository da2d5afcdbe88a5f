"""What senders do with the ledger of audiences: find what is owed, note that it is being sent, store what became of it.

The times of deliveries are in microseconds.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from graph.commands import audience_writes
from graph.commands.audience_writes import FILL_KEY, Sent, position
from graph.commands.segments import Segments
from graph.domain.audiences import ledger
from graph.domain.audiences.targets import Target
from graph.domain.model.audiences import (
    Audience,
    Delivery,
    DeliveryPosition,
    DeliveryStatus,
    DestinationInfo,
    WaitingChange,
)
from graph.ports import AudienceStore, Clock, SegmentStore, WriteStore

PAGE_SIZE = 500
COMPLETE = "complete"
DRAIN_KEY = "audience_drain:"
"""The beginning of the name under which is stored how far an audience that ended owes the removal of its addresses."""
RESYNC_KEY = "destination_resync:"
SNAPSHOT_KEY = "destination_snapshot:"
"""The beginning of the name under which is stored when a destination was sent snapshots last; empty if they are due."""
TYPE_KEY = "destination_type:"
"""The beginning of the name under which is stored which type of destination the references in the ledger come from."""
POSITION_KEY = "destination_position:"


class LedgerStore(WriteStore, AudienceStore, SegmentStore, Protocol):
    """Audiences, their ledger, the members of segments, and writes."""


class SendingLedger:
    """The ledger for senders. One calls `maintain`, then `due`, `begin` and `finish`, until nothing is owed."""

    def __init__(
        self, store: LedgerStore, clock: Clock, segments: Segments, destinations: Mapping[str, DestinationInfo]
    ) -> None:
        self._store, self._clock, self._segments, self._destinations = store, clock, segments, destinations
        self._same_type: set[str] = set()
        """The destinations of which it is known that their type is the stored one."""
        self._complete: set[str] = set()
        """The audiences whose members were all decided about."""
        self._owed: dict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def wake(self, names: Iterable[str]) -> None:
        """Let the senders of destinations look for work."""
        for name in names:
            self._owed[name].set()

    async def wait(self, name: str, seconds: float) -> None:
        """Return when something may be owed to a destination, at the latest after some seconds."""
        try:
            async with asyncio.timeout(seconds):
                await self._owed[name].wait()
        except TimeoutError:
            pass
        self._owed[name].clear()

    async def maintain(self, name: str) -> bool:
        """Carry out a step of what audiences of a destination need beside changes; return whether more is to be done.

        Decide about the members of a new audience, owe the removal of one that has ended, and owe everything again
        during a resync.
        """
        if await self._resync(name):
            return True
        segments = {segment.id for segment in await self._segments.all()}
        for audience in await self._store.audiences():
            if audience.destination != name:
                continue
            if audience.ended or audience.segment not in segments:
                if await self._drain(audience):
                    return True
            elif await self._fill(audience):
                return True
        return False

    async def _fill(self, audience: Audience) -> bool:
        if audience.id in self._complete:
            return False
        after = await self._store.get_value(FILL_KEY + audience.id)
        # Without a value there is nothing that was begun.
        if after is not None and after != COMPLETE:
            members = await self._store.members(audience.segment, after, PAGE_SIZE)
            await self._segments.refresh_all([member.customer for member in members])
            after = members[-1].customer if len(members) == PAGE_SIZE else COMPLETE
            await self._store.put_value(FILL_KEY + audience.id, after)
        if after in (None, COMPLETE):
            self._complete.add(audience.id)
            return False
        return True

    async def _drain(self, audience: Audience) -> bool:
        text = await self._store.get_value(DRAIN_KEY + audience.id)
        if text == COMPLETE:
            return await self._remove_ended(audience)
        after = msgspec.json.decode(text, type=DeliveryPosition) if text else None
        page = await self._store.deliveries(audience.destination, audience.id, None, after, PAGE_SIZE)
        progress = msgspec.json.encode(position(page[-1])).decode() if page else COMPLETE
        now, values = self._clock.now(), {DRAIN_KEY + audience.id: progress}
        await self._store.write(lambda: audience_writes.change(page, audience_writes.drained(now), values))
        return True

    async def _remove_ended(self, audience: Audience) -> bool:
        """Remove an audience of which nothing is owed anymore, page by page; return whether more is to be done."""
        name = audience.destination
        for status in (DeliveryStatus.OWED, DeliveryStatus.PENDING, DeliveryStatus.DEAD):
            if await self._store.deliveries(name, audience.id, status, None, 1):
                return False
        if page := await self._store.deliveries(name, audience.id, None, None, PAGE_SIZE):
            await self._store.write(lambda: audience_writes.change(page, ledger.gone))
            return True
        await self._store.write(lambda: audience_writes.remove(audience.id))
        return False

    async def _resync(self, name: str) -> bool:
        text, is_other = await self._store.get_value(RESYNC_KEY + name), await self._is_other_type(name)
        if not text and not is_other:
            return False
        after = msgspec.json.decode(text, type=DeliveryPosition) if text else None
        page = await self._store.deliveries(name, None, None, after, PAGE_SIZE)
        progress = msgspec.json.encode(position(page[-1])).decode() if page else ""
        now, values = self._clock.now(), {RESYNC_KEY + name: progress}
        await self._store.write(lambda: audience_writes.change(page, audience_writes.forgotten(now, is_other), values))
        if is_other and not page:
            await self._store.put_value(SNAPSHOT_KEY + name, "")
            await self._store.put_value(TYPE_KEY + name, self._destinations[name].type)
        return bool(page)

    async def _is_other_type(self, name: str) -> bool:
        """Return whether the file gives a destination another type than the one that the ledger is about."""
        if name in self._same_type or name not in self._destinations:
            return False
        stored, type = await self._store.get_value(TYPE_KEY + name), self._destinations[name].type
        if stored and stored != type:
            return True
        if not stored:
            await self._store.put_value(TYPE_KEY + name, type)
        self._same_type.add(name)
        return False

    async def due(self, name: str, first: int) -> list[Delivery]:
        """Return what is to be sent, or asked about, now: removals before all else, then the longest due."""
        now = self._clock.now()
        removals = await self._store.due_deliveries(name, True, now, first)
        return removals or await self._store.due_deliveries(name, False, now, first)

    async def next_due(self, name: str) -> int | None:
        """Return when something is due; `None` if nothing is owed."""
        return await self._store.next_delivery(name)

    async def begin(self, deliveries: Sequence[Delivery]) -> list[tuple[Delivery, Target | None]]:
        """Decide anew about the customers of deliveries that are owed, and note that these are being sent.

        Return those that are to be sent now, each with what is sent; `None` for a removal.
        """
        additions = [one for one in deliveries if not one.is_removal]
        customers = sorted({one.customer for one in additions if one.customer})
        targets: dict[tuple[str, str], Target] = {}
        for saved in await self._segments.refresh_all(customers):
            if saved is None:
                return []
            targets |= {(target.audience, target.key): target for target in saved.targets}
        sendable = []
        for one in deliveries:
            target = targets.get((one.audience, one.key))
            if one.is_removal or (target is not None and target.state == one.wanted):
                sendable.append(one)
        current = await self._store.write(lambda: audience_writes.begin(sendable)) if sendable else []
        return [(one, None if one.is_removal else targets[one.audience, one.key]) for one in current]

    async def finish(self, sent: Sequence[Sent]) -> None:
        """Store what became of what was sent, with the erasures that the destination has carried out by it."""
        now = self._clock.now()
        info = self._destinations.get(sent[0].delivery.destination) if sent else None
        await self._store.write(lambda: audience_writes.finish(sent, now, info is not None and info.keeps_removed))

    async def pages(
        self, name: str, audience: str | None, status: DeliveryStatus | None = None
    ) -> AsyncGenerator[list[Delivery], None]:
        """Yield the deliveries of a destination, of an audience or with a status, in pages by audience and key."""
        after: DeliveryPosition | None = None
        while page := await self._store.deliveries(name, audience, status, after, PAGE_SIZE):
            yield page
            after = position(page[-1])

    # --- changes

    async def feed_position(self, name: str) -> int | None:
        """Return the number of the last entry that a destination was sent; `None` before the first."""
        text = await self._store.get_value(POSITION_KEY + name)
        return int(text) if text else None

    async def advance(
        self, name: str, number: int, waiting: Sequence[WaitingChange] = (), ended: Sequence[int] = ()
    ) -> None:
        """Store how far a destination has followed the feed, with the changes that wait and those that no longer do."""
        key, over = POSITION_KEY + name, [(name, change) for change in ended]
        await self._store.write(lambda: audience_writes.advance(key, str(number), waiting, over))

    async def waiting(self, name: str) -> list[WaitingChange]:
        """Return the changes that a destination has not taken, by number."""
        found: list[WaitingChange] = []
        while page := await self._store.waiting_changes(name, found[-1].number if found else 0, PAGE_SIZE):
            found += page
        return found
