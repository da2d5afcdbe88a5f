"""Snapshots: all addresses that an audience should have at one moment, for destinations that take whole audiences."""

from collections.abc import Mapping

from graph.commands import audience_writes
from graph.commands.audience_writes import position
from graph.commands.segments import Segments
from graph.commands.sending import PAGE_SIZE, SNAPSHOT_KEY, LedgerStore, SendingLedger
from graph.domain.audiences import ledger
from graph.domain.audiences.targets import Target
from graph.domain.model.audiences import Audience, Delivery, DeliveryPosition, DeliveryStatus
from graph.ports import Clock


class Snapshots:
    """Collects what an audience should have, and notes that it is being sent. Times are in microseconds."""

    def __init__(self, store: LedgerStore, clock: Clock, segments: Segments, ledger: SendingLedger) -> None:
        self._store, self._clock, self._segments, self._ledger = store, clock, segments, ledger

    async def is_due(self, name: str, interval: int | None) -> bool:
        """Return whether a destination is to be sent snapshots: after a resync, and so often."""
        text = await self._store.get_value(SNAPSHOT_KEY + name)
        if text == "":
            return True
        return interval is not None and (text is None or self._clock.now() - int(text) >= interval)

    async def done(self, name: str) -> None:
        """Store that a destination was sent snapshots of all its audiences."""
        await self._store.put_value(SNAPSHOT_KEY + name, str(self._clock.now()))

    async def collect(
        self, audience: Audience, after: DeliveryPosition | None
    ) -> tuple[list[Target], DeliveryPosition | None]:
        """Decide anew about the customers of a page of an audience; return what it should have of their addresses.

        The second value is where the next page begins, `None` after the last.
        """
        page = await self._store.deliveries(audience.destination, audience.id, None, after, PAGE_SIZE)
        wanted = {one.key: one.wanted for one in page if not one.is_removal}
        customers = sorted({one.customer for one in page if one.customer and not one.is_removal})
        found: list[Target] = []
        for saved in await self._segments.refresh_all(customers):
            # Without an answer, or with another one, they are sent after the snapshot.
            targets = saved.targets if saved is not None else ()
            found += [one for one in targets if one.audience == audience.id and wanted.get(one.key) == one.state]
        return found, position(page[-1]) if len(page) == PAGE_SIZE else None

    async def begin(self, audience: Audience, targets: Mapping[str, Target]) -> list[tuple[Delivery, Target]]:
        """Owe an audience everything that it should have, and return what of it is known from `targets`, by key.

        A snapshot replaces what the destination holds. So what is not in it stays owed, and is sent after it.
        """

        def owed(delivery: Delivery) -> Delivery | None:
            if delivery.is_removal or delivery.status is DeliveryStatus.DEAD:
                return None
            return ledger.unknown(delivery, self._clock.now())

        begun: list[tuple[Delivery, Target]] = []
        async for page in self._ledger.pages(audience.destination, audience.id):
            changed = await self._store.write(lambda page=page: audience_writes.change(page, owed))  # type: ignore[misc]
            for one in changed:
                target = targets.get(one.key)
                if target is not None and target.state == one.wanted:
                    begun.append((one, target))
        return begun
