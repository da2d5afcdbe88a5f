"""Audiences: which segments go to which destinations, and how sending goes. The times are in microseconds."""

import time
from collections.abc import Callable, Mapping, Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from graph.commands import audience_writes
from graph.commands.audience_writes import FILL_KEY
from graph.commands.segments import MAX_PREVIEW_SECONDS, Segments
from graph.commands.segments import PAGE_SIZE as CUSTOMERS_AT_ONCE
from graph.commands.sending import (
    COMPLETE,
    PAGE_SIZE,
    POSITION_KEY,
    RESYNC_KEY,
    SNAPSHOT_KEY,
    TYPE_KEY,
    LedgerStore,
    SendingLedger,
)
from graph.commands.write_gate import WriteGate
from graph.domain.access.counts import FINGERPRINTED
from graph.domain.audiences import ledger
from graph.domain.audiences.targets import check_audience, requires_consent
from graph.domain.model.audiences import (
    Audience,
    AudienceProgress,
    Delivery,
    DeliveryCount,
    DeliveryPosition,
    DeliveryStatus,
    DestinationHealth,
    DestinationInfo,
    DestinationState,
    WaitingChange,
)
from graph.domain.model.errors import InvalidInput
from graph.domain.model.rules import Rules
from graph.domain.profile.catalog import Catalog
from graph.domain.profile.pages import Page
from graph.ports import Clock, Ids

PAUSED_KEY = "destination_paused:"
STATE_KEY = "destination_state:"


class DestinationStatus(Struct, frozen=True):
    """A destination with how it goes. It is `configured` unless only its audiences are left.

    `counts` are the deliveries that are not done. `resyncing` says whether everything is being sent again.
    """

    info: DestinationInfo
    state: DestinationState
    paused: bool
    resyncing: bool
    counts: Sequence[DeliveryCount]
    configured: bool = True

    @property
    def health(self) -> DestinationHealth:
        """Whether it is sent to. What keeps it from being sent to first is named."""
        if not self.configured:
            return DestinationHealth.NOT_CONFIGURED
        if self.paused:
            return DestinationHealth.PAUSED
        if not self.state.problem:
            return DestinationHealth.ACTIVE
        return DestinationHealth.LOGIN_REQUIRED if self.state.login else DestinationHealth.FAILING

    @property
    def open_removals(self) -> int:
        """How many of the deliveries that are not done are removals: addresses that it should no longer hold."""
        return sum(count.removals for count in self.counts)

    def count(self, status: DeliveryStatus) -> int:
        """Return how many deliveries have a status other than done."""
        return sum(count.count for count in self.counts if count.status is status)

    @property
    def oldest_owed(self) -> int | None:
        """When the oldest delivery that is owed changed."""
        owed = [count.oldest for count in self.counts if count.status is DeliveryStatus.OWED]
        return min(owed, default=None)


class DestinationReading(Struct, frozen=True):
    """How sending to a destination goes, as monitoring reads it: at a cost that does not grow with what is owed.

    `counts` are deliveries by status, and `waiting` and `dead_changes` changes, each up to a limit. `due_since` is
    since when the delivery that is due longest is (microseconds); `None` if none is due. `unread_changes` are entries
    of the feed that the destination has not been sent; `None` if it is sent none.
    """

    name: str
    state: DestinationState
    paused: bool
    counts: Mapping[DeliveryStatus, int]
    due_since: int | None
    waiting: int = 0
    dead_changes: int = 0
    unread_changes: int | None = None


class AudiencePreview(Struct, frozen=True):
    """How many members a segment has, how many of these an audience would reach, and at how many addresses.

    A preview stops after some seconds: then the numbers are those of the `evaluated` members, and not `complete`.
    `first` are the first members that are reached, by id.
    """

    members: int | None
    evaluated: int
    reached: int | None
    addresses: int | None
    complete: bool
    first: tuple[str, ...] = ()


class AudienceControl:
    """Manages audiences and destinations. `destinations` are those that are configured."""

    def __init__(
        self,
        store: LedgerStore,
        clock: Clock,
        ids: Ids,
        gate: WriteGate,
        segments: Segments,
        catalog: Catalog,
        rules: Callable[[], Rules],
        destinations: Sequence[DestinationInfo],
        ledger: SendingLedger,
    ) -> None:
        self._store, self._clock, self._ids, self._gate = store, clock, ids, gate
        self._segments, self._catalog, self._rules, self._ledger = segments, catalog, rules, ledger
        self.destinations: Mapping[str, DestinationInfo] = {info.name: info for info in destinations}

    # --- audiences

    async def all(self) -> list[Audience]:
        """Return all audiences, by id; those that have ended until their addresses are removed."""
        return await self._store.audiences()

    async def create(self, audience: Audience) -> Audience:
        """Send a segment to a destination from now on; a repeated request returns the existing audience.

        Without namespaces, the addresses are those of the channel that the destination takes. Raises `InvalidInput`.
        """
        self._gate.check()
        created = self._checked(audience)
        stored = await self._store.write(lambda: audience_writes.create(created))
        self._ledger.wake([stored.destination])
        return stored

    def _checked(self, audience: Audience) -> Audience:
        """Return a new audience with all that follows from its values; raise `InvalidInput` if it is not valid."""
        info = self._info(audience.destination)
        namespaces = audience.namespaces or tuple(self._catalog.channels.get(audience.channel, ()))
        if info.namespaces is not None and not audience.namespaces:
            namespaces = tuple(name for name in namespaces if name in info.namespaces)
        if info.namespaces is not None and (refused := sorted({*namespaces} - info.namespaces)):
            allowed = ", ".join(sorted(info.namespaces))
            message = f"namespaces: {info.name} takes no {', '.join(refused)}; it takes {allowed}"
            raise InvalidInput("INVALID_VALUE", message, ("namespaces",))
        if info.external_ids is not None and (problem := info.external_ids.problem(audience.external_id)):
            raise InvalidInput("INVALID_VALUE", f"externalId: {info.name}: {problem}", ("externalId",))
        created = replace(
            audience, id=self._ids.audience(), namespaces=namespaces, created_at=self._clock.now(), ended=False
        )
        check_audience(created, self._catalog, [namespace.name for namespace in self._rules().namespaces])
        return created

    async def preview(self, audience: Audience) -> AudiencePreview:
        """Return how many addresses an audience would have. Raises `InvalidInput`. Changes no data."""
        checked = self._checked(audience)
        segment = await self._segments.get(checked.segment)
        if segment is None:
            raise audience_writes.unknown_segment(checked.segment)
        deadline = time.monotonic() + MAX_PREVIEW_SECONDS
        after, is_last = "", False
        evaluated = reached = addresses = 0
        first: list[str] = []
        while not is_last and (not after or time.monotonic() < deadline):
            members = await self._store.members(segment.id, after, CUSTOMERS_AT_ONCE)
            is_last = len(members) < CUSTOMERS_AT_ONCE
            ids = [member.customer for member in members]
            for evaluation in await self._segments.evaluate(ids, [segment], [checked]) if ids else ():
                evaluated += 1
                addresses += len(evaluation.targets)
                if evaluation.targets:
                    reached += 1
                    first.append(evaluation.id)
            after = ids[-1] if ids else after
        members_count = evaluated if is_last else await self._store.count_members(segment.id)
        return AudiencePreview(members_count, evaluated, reached, addresses, is_last, tuple(first[:FINGERPRINTED]))

    def wake_all(self) -> None:
        """Let all senders look for work."""
        self._ledger.wake(self.destinations)

    async def end(self, id: str) -> Audience:
        """Stop sending a segment, and remove its addresses from the destination. Raises `InvalidInput`."""
        self._gate.check()
        ended = await self._store.write(lambda: audience_writes.end(id))
        self._ledger.wake([ended.destination])
        return ended

    async def get(self, id: str) -> Audience | None:
        """Return an audience by its id."""
        return next((audience for audience in await self._store.audiences() if audience.id == id), None)

    async def progress(self, audience: Audience) -> AudienceProgress:
        """Return how far an audience has come."""
        if audience.ended or await self._segments.get(audience.segment) is None:
            return AudienceProgress.ENDING
        filled = await self._store.get_value(FILL_KEY + audience.id)
        return AudienceProgress.FILLING if filled not in (None, COMPLETE) else AudienceProgress.ACTIVE

    async def count_sent(self, audience: str) -> int:
        """Return how many addresses of an audience its destination holds."""
        return await self._store.count_sent(audience)

    def requires_consent(self, audience: Audience) -> bool:
        """Return whether all that are in an audience have consented to its purpose."""
        return requires_consent(audience, self._catalog)

    async def sent_sample(self, audience: Audience) -> tuple[list[str], int]:
        """Return the first addresses of an audience that its destination holds, and how many it holds in all."""
        page = await self._store.deliveries(audience.destination, audience.id, None, None, FINGERPRINTED)
        first = [one.key for one in page if one.is_settled and not one.is_removal]
        return first, await self.count_sent(audience.id)

    # --- destinations

    def _info(self, name: str) -> DestinationInfo:
        if name not in self.destinations:
            known = ", ".join(self.destinations) or "none is"
            message = f"destination {name[:60]!r} is not configured; configured: {known}"
            raise InvalidInput("DESTINATION_NOT_FOUND", message, ("destination",))
        return self.destinations[name]

    async def statuses(self) -> list[DestinationStatus]:
        """Return all destinations, those that are configured first."""
        counts = await self._store.open_deliveries()
        audiences = await self._store.audiences()
        left = {audience.destination for audience in audiences} | {count.destination for count in counts}
        infos = [*self.destinations.values()]
        infos += [DestinationInfo(name, "") for name in sorted(left - self.destinations.keys())]
        return [
            DestinationStatus(
                info,
                await self.state(info.name),
                await self.is_paused(info.name),
                await self.is_resyncing(info.name),
                [count for count in counts if count.destination == info.name],
                info.name in self.destinations,
            )
            for info in infos
        ]

    async def readings(self, newest_change: int, limit: int) -> list[DestinationReading]:
        """Return how sending to each configured destination goes, with numbers up to a limit."""
        return [await self._reading(info, newest_change, limit) for info in self.destinations.values()]

    async def _reading(self, info: DestinationInfo, newest_change: int, limit: int) -> DestinationReading:
        name, now = info.name, self._clock.now()
        not_done = [status for status in DeliveryStatus if status is not DeliveryStatus.DONE]
        counts: dict[DeliveryStatus, int] = {
            status: await self._store.count_open(name, status, limit) for status in not_done
        }
        heads = [one for removals in (True, False) for one in await self._store.due_deliveries(name, removals, now, 1)]
        waiting = await self._store.waiting_changes(name, 0, limit) if info.changes else []
        position = await self._ledger.feed_position(name) if info.changes else None
        return DestinationReading(
            name,
            await self.state(name),
            await self.is_paused(name),
            counts,
            min((one.due_at for one in heads if one.due_at is not None), default=None),
            sum(one.due_at is not None for one in waiting),
            sum(one.due_at is None for one in waiting),
            None if position is None else max(newest_change - position, 0),
        )

    async def problems(self) -> dict[str, DestinationState]:
        """Return the states of the configured destinations that take nothing now and are not paused, by name."""
        states = {name: await self.state(name) for name in self.destinations if not await self.is_paused(name)}
        return {name: state for name, state in states.items() if state.problem}

    async def state(self, name: str) -> DestinationState:
        """Return how sending to a destination goes."""
        text = await self._store.get_value(STATE_KEY + name)
        return msgspec.json.decode(text, type=DestinationState) if text else DestinationState()

    async def set_state(self, name: str, state: DestinationState) -> None:
        """Store how sending to a destination goes."""
        await self._store.put_value(STATE_KEY + name, msgspec.json.encode(state).decode())

    async def is_paused(self, name: str) -> bool:
        """Return whether nothing is sent to a destination. The ledger goes on."""
        return bool(await self._store.get_value(PAUSED_KEY + name))

    async def is_resyncing(self, name: str) -> bool:
        """Return whether everything is being sent to a destination again."""
        return bool(await self._store.get_value(RESYNC_KEY + name))

    async def pause(self, name: str) -> None:
        """Send nothing to a destination until it is resumed: what is owed stays owed. Raises `InvalidInput`."""
        await self._set(name, PAUSED_KEY, "yes")

    async def resume(self, name: str) -> None:
        """Send to a destination again. Raises `InvalidInput`."""
        await self._set(name, PAUSED_KEY, "")

    async def resync(self, name: str) -> None:
        """Send everything to a destination again, whatever it was sent. Raises `InvalidInput`."""
        await self._set(name, SNAPSHOT_KEY, "")
        await self._set(name, RESYNC_KEY, msgspec.json.encode(DeliveryPosition("", "")).decode())

    async def forget(self, name: str) -> int:
        """Forget what was sent to a destination that is no longer configured, and end its audiences.

        Return how many addresses it may still hold: nobody else removes them. Raises `InvalidInput`.
        """
        self._gate.check()
        if name in self.destinations:
            message = f"destination {name[:60]!r} is configured: end its audiences instead"
            raise InvalidInput("INVALID_VALUE", message, ("destination",))
        if name not in {status.info.name for status in await self.statuses()}:
            message = f"nothing was sent to a destination {name[:60]!r}"
            raise InvalidInput("DESTINATION_NOT_FOUND", message, ("destination",))
        audiences = [one for one in await self._store.audiences() if one.destination == name]
        for audience in audiences:
            # From here on nothing is added to it.
            await self._store.write(lambda audience=audience: audience_writes.end(audience.id))  # type: ignore[misc]
        held = 0
        while page := await self._store.deliveries(name, None, None, None, PAGE_SIZE):
            gone = await self._store.write(lambda page=page: audience_writes.change(page, ledger.gone))  # type: ignore[misc]
            held += len(gone)
        while waiting := await self._store.waiting_changes(name, 0, PAGE_SIZE):
            await self._ledger.advance(name, 0, ended=[change.number for change in waiting])
        for audience in audiences:
            await self._store.write(lambda audience=audience: audience_writes.remove(audience.id))  # type: ignore[misc]
        for key in (PAUSED_KEY, STATE_KEY, RESYNC_KEY, SNAPSHOT_KEY, TYPE_KEY, POSITION_KEY):
            await self._store.put_value(key + name, "")
        return held

    async def _set(self, name: str, key: str, text: str) -> None:
        self._gate.check()
        self._info(name)
        await self._store.put_value(key + name, text)
        self._ledger.wake([name])

    # --- dead deliveries

    async def dead(self, name: str, audience: str | None, after: DeliveryPosition | None, first: int) -> Page[Delivery]:
        """Return deliveries that a destination refused for good, by audience and key."""
        await self._check_places(name, audience)
        found = await self._store.deliveries(name, audience, DeliveryStatus.DEAD, after, first + 1)
        return Page(found[:first], len(found) > first)

    async def retry_dead(self, name: str, audience: str | None = None) -> int:
        """Send what a destination refused for good again; return how many deliveries that are.

        Without an audience, that includes changes.
        """
        now = self._clock.now()
        count = await self._change_dead(name, audience, audience_writes.tried_again(now))
        if audience is None:
            changes = [replace(one, due_at=now, attempts=0) for one in await self.dead_changes(name)]
            if changes:
                await self._store.write(lambda: audience_writes.change_waiting(changes))
            count += len(changes)
        self._ledger.wake([name])
        return count

    async def ignore_dead(self, name: str, audience: str | None = None) -> int:
        """Do nothing more about what a destination refused for good; return how many deliveries that are.

        Without an audience, that includes changes.
        """
        count = await self._change_dead(name, audience, audience_writes.ignored(self._clock.now()))
        if audience is None:
            ended = [(name, one.number) for one in await self.dead_changes(name)]
            if ended:
                await self._store.write(lambda: audience_writes.change_waiting((), ended))
            count += len(ended)
        return count

    async def dead_changes(self, name: str) -> list[WaitingChange]:
        """Return the changes that a destination refused for good, by number."""
        return [one for one in await self._ledger.waiting(name) if one.due_at is None]

    async def _change_dead(self, name: str, audience: str | None, change: Callable[[Delivery], Delivery | None]) -> int:
        self._gate.check()
        await self._check_places(name, audience)
        count = 0
        async for page in self._ledger.pages(name, audience, DeliveryStatus.DEAD):
            changed = await self._store.write(lambda page=page: audience_writes.change(page, change))  # type: ignore[misc]
            count += len(changed)
        return count

    async def _check_places(self, name: str, audience: str | None) -> None:
        self._info(name)
        if audience is not None and await self.get(audience) is None:
            raise audience_writes.unknown_audience(audience, "audienceId")
