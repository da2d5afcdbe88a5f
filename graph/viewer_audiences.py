"""What a viewer may know of destinations, and decide about what is sent to them."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from graph.commands.audiences import AudiencePreview, DestinationStatus
from graph.domain.access.masking import Masked, mask_in_text
from graph.domain.access.viewer import Reach
from graph.domain.model.audiences import (
    Audience,
    AudienceProgress,
    Delivery,
    DeliveryPosition,
    DeliveryStatus,
    WaitingChange,
)
from graph.domain.model.identifiers import MASK, namespace_of
from graph.domain.profile.pages import ByKey, Page
from graph.viewer_writes import ViewerWrites


class AudienceNumbers(Struct, frozen=True):
    """Numbers of addresses of an audience; `None` for one that the viewer is not told.

    `sent` are those that the destination holds; `owed`, `pending` and `dead` are deliveries with these statuses.
    """

    sent: int | None
    owed: int | None
    pending: int | None
    dead: int | None


class DestinationNumbers(Struct, frozen=True):
    """Numbers of deliveries of a destination, as those of an audience; `removals` are the removals among them.

    `oldest_owed` is since when the oldest that is owed is (microseconds).
    """

    owed: int | None
    pending: int | None
    dead: int | None
    removals: int | None
    oldest_owed: int | None


class ShownDelivery(Struct, frozen=True):
    """A delivery as the viewer is shown it: `key` may be masked, and `answer` with it."""

    delivery: Delivery
    key: str
    answer: str


class ViewerAudiences(ViewerWrites):
    """Audiences and destinations for one viewer. The schema's scopes decide who may use them.

    Who works with numbers and not with people is told rounded numbers, as of segments. What is decided is in the audit
    log with the destination: data of people goes there.
    """

    __slots__ = ()

    async def destinations(self) -> list[DestinationStatus]:
        """Return all destinations, those that are configured first."""
        return await self._graph.audiences.statuses()

    async def destination(self, name: str) -> DestinationStatus | None:
        """Return a destination by its name."""
        return next((status for status in await self.destinations() if status.info.name == name), None)

    async def destination_numbers(self, status: DestinationStatus) -> DestinationNumbers:
        """Return the numbers of a destination."""
        name = status.info.name
        owed, pending, dead = [
            await self._shown_count(status.count(one), f"{name} {one.value}")
            for one in (DeliveryStatus.OWED, DeliveryStatus.PENDING, DeliveryStatus.DEAD)
        ]
        removals = await self._shown_count(status.open_removals, f"{name} removals")
        # When a single one came to be owed is not a number of many.
        return DestinationNumbers(owed, pending, dead, removals, status.oldest_owed if owed is not None else None)

    async def audiences(self) -> list[Audience]:
        """Return all audiences, by id."""
        return await self._graph.audiences.all()

    async def audience(self, id: str) -> Audience | None:
        """Return an audience by its id."""
        return await self._graph.audiences.get(id)

    async def audience_progress(self, audience: Audience) -> AudienceProgress:
        """Return how far an audience has come."""
        return await self._graph.audiences.progress(audience)

    async def audience_numbers(self, audiences: Sequence[Audience]) -> dict[str, AudienceNumbers]:
        """Return the numbers of audiences by id."""
        statuses = await self._graph.audiences.statuses()
        open_counts = {(count.audience, count.status): count.count for status in statuses for count in status.counts}
        sees_few = self.viewer.reach not in (Reach.COUNT, Reach.NONE)
        numbers: dict[str, AudienceNumbers] = {}
        for audience in audiences:
            if sees_few:
                sent: int | None = await self._graph.audiences.count_sent(audience.id)
            else:
                sent = await self._graph.segment_counts.of_addresses(
                    audience, *await self._graph.audiences.sent_sample(audience)
                )
            owed, pending, dead = [
                await self._shown_count(open_counts.get((audience.id, status), 0), f"{audience.id} {status.value}")
                for status in (DeliveryStatus.OWED, DeliveryStatus.PENDING, DeliveryStatus.DEAD)
            ]
            numbers[audience.id] = AudienceNumbers(sent, owed, pending, dead)
        return numbers

    async def _shown_count(self, count: int, name: str) -> int | None:
        if self.viewer.reach is not Reach.COUNT:
            return count
        return await self._graph.segment_counts.of_deliveries(count, name)

    # --- decisions; all raise `InvalidInput`

    async def create_audience(self, audience: Audience) -> Audience:
        """Send a segment to a destination from now on; a repeated request returns the existing audience."""
        created = await self._graph.audiences.create(replace(audience, created_by=self.viewer.caller))
        self._note_recipient(created.destination)
        return created

    async def end_audience(self, id: str) -> Audience:
        """Stop sending a segment, and remove its addresses from the destination."""
        ended = await self._graph.audiences.end(id)
        self._note_recipient(ended.destination)
        return ended

    async def preview_audience(self, audience: Audience) -> AudiencePreview:
        """Return how many addresses an audience would have."""
        if self.viewer.reach is Reach.COUNT:
            parts = (audience.segment, audience.purpose, audience.channel, *audience.namespaces)
            self._budget.spend([f"audience:{' '.join(parts)}"])
        preview = await self._graph.audiences.preview(audience)
        if self.viewer.reach is not Reach.COUNT:
            return preview
        counts = self._graph.segment_counts
        reached = await counts.of_addresses(audience, preview.first, preview.reached or 0)
        return replace(
            preview,
            members=(await counts.of_segments([audience.segment]))[audience.segment],
            reached=reached,
            addresses=None if reached is None else await counts.of_addresses(audience, (), preview.addresses or 0),
        )

    async def pause_destination(self, name: str) -> DestinationStatus:
        """Send nothing to a destination until it is resumed."""
        await self._graph.audiences.pause(name)
        return await self._decided(name)

    async def resume_destination(self, name: str) -> DestinationStatus:
        """Send to a destination again."""
        await self._graph.audiences.resume(name)
        return await self._decided(name)

    async def resync_destination(self, name: str) -> DestinationStatus:
        """Send everything to a destination again."""
        await self._graph.audiences.resync(name)
        return await self._decided(name)

    async def _decided(self, name: str) -> DestinationStatus:
        self._note_recipient(name)
        status = await self.destination(name)
        assert status is not None
        return status

    def _note_recipient(self, name: str) -> None:
        self.accessed.recipients[name] = None

    # --- what destinations refused

    async def dead_changes(self, name: str) -> list[WaitingChange]:
        """Return the entries of the feed that a destination refused for good, by number. They name no values."""
        return await self._graph.audiences.dead_changes(name)

    async def dead_deliveries(
        self, name: str, audience: str | None, after: DeliveryPosition | None, first: int
    ) -> Page[ShownDelivery]:
        """Return what a destination refused for good, by audience and address.

        Addresses are masked for a viewer that sees none; of a viewer without reach and of restricted customers, no part
        of them is shown.
        """
        self._require_reach(Reach.NONE)
        await self._graph.references.open()
        page = await self._graph.audiences.dead(name, audience, after, first)
        if self.viewer.reach is Reach.NONE:
            return Page([_hidden(delivery) for delivery in page.items], page.has_more)
        withheld = await self._restrictions.of(ByKey(delivery.key) for delivery in page.items)
        shown = []
        for delivery in page.items:
            if ByKey(delivery.key) in withheld:
                shown.append(_hidden(delivery))
                continue
            self._note_keys((delivery.key,))
            self._note_customers((delivery.customer,))
            key = self.masks.key(delivery.key)
            shown.append(ShownDelivery(delivery, key, _without(delivery, key)))
        return Page(shown, page.has_more)

    async def retry_dead_deliveries(self, name: str, audience: str | None = None) -> int:
        """Send what a destination refused for good again; return how many deliveries that are."""
        count = await self._graph.audiences.retry_dead(name, audience)
        self._note_recipient(name)
        return count

    async def ignore_dead_deliveries(self, name: str, audience: str | None = None) -> int:
        """Do nothing more about what a destination refused for good; return how many deliveries that are."""
        count = await self._graph.audiences.ignore_dead(name, audience)
        self._note_recipient(name)
        return count


def _hidden(delivery: Delivery) -> ShownDelivery:
    key = Masked(f"{namespace_of(delivery.key)}={MASK}", delivery.key)
    return ShownDelivery(delivery, key, _without(delivery, key))


def _without(delivery: Delivery, key: str) -> str:
    """Return the answer of a destination without the address, if that is masked: some repeat what they refuse."""
    if not isinstance(key, Masked):
        return delivery.answer
    return mask_in_text(delivery.answer.replace(delivery.key.partition("=")[2], MASK))
