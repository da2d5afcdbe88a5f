"""Sends the entries of the change feed to one destination, in the order of each customer."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from graph.domain.audiences.ledger import MAX_ATTEMPTS, SECOND, pause
from graph.domain.model.audiences import Outcome, Status, WaitingChange
from graph.domain.model.changes import Entry
from graph.domain.model.identifiers import Identifier
from graph.domain.model.times import iso
from graph.domain.profile.pages import ById, Selection
from graph.identity_graph import IdentityGraph
from service.config.destinations_file import DestinationSettings
from service.destinations.adapter import SEND_SECONDS, ChangeAdapter, ChangeMessage
from service.destinations.answer_texts import storable

PAGE_SIZE = 100
MAX_WAITING = 1_000
"""While so many changes wait, the feed is not followed any further: the destination takes too little."""

MAX_DEAD = 1_000
"""Changes that the destination refused for good and that are kept: the latest."""

log = logging.getLogger("kith.destinations")


class ChangeSender:
    """Follows the feed for one destination, from when the destination was configured.

    An entry that the destination does not take waits, and so do those of the same customer after it; all others go on.
    One that it refuses for good steps aside: it is kept, and the customer's others follow.
    """

    def __init__(self, graph: IdentityGraph, settings: DestinationSettings, adapter: ChangeAdapter) -> None:
        self._graph, self._name, self._adapter = graph, settings.name, adapter
        self._kinds = frozenset(settings.change_kinds)
        self._identifiers = settings.identifiers
        self.taken = 0
        """Changes that the destination has taken from this process."""

    async def step(self) -> bool:
        """Send the changes that wait and are due, then some of the feed; return whether more may follow.

        Raises `Unavailable`.
        """
        waiting = await self._waiting()
        sent = await self._send_waiting(waiting)
        position = await self._graph.ledger.feed_position(self._name)
        if position is None:
            newest = await self._graph.newest_change()
            await self._graph.ledger.advance(self._name, newest)
            return True
        if sent:
            waiting = await self._waiting()
        if len(waiting) >= MAX_WAITING:
            return sent
        page = await self._graph.changes(position, PAGE_SIZE)
        if not page.items:
            return sent
        entries = [entry for entry in page.items if not self._kinds or entry.change.kind.name in self._kinds]
        number, sendable, held = _taken_apart(entries, set().union(*(one.customers for one in waiting)))
        outcomes = await self._send(sendable) if sendable else []
        now = self._graph.now()
        more = [_waiting_change(self._name, entry, 0, now) for entry in held]
        more += _not_taken(self._name, sendable, outcomes, now)
        await self._graph.ledger.advance(self._name, number or page.items[-1].number, more)
        return True

    async def _waiting(self) -> list[WaitingChange]:
        """Return the changes that wait, by number, without those that stepped aside."""
        kept = await self._graph.ledger.waiting(self._name)
        dead = [one.number for one in kept if one.due_at is None]
        if len(dead) > MAX_DEAD:
            log.warning("destination %s refuses changes for good: the latest %d are kept", self._name, MAX_DEAD)
            position = await self._graph.ledger.feed_position(self._name)
            await self._graph.ledger.advance(self._name, position or 0, ended=dead[:-MAX_DEAD])
        return [one for one in kept if one.due_at is not None]

    async def _send_waiting(self, waiting: Sequence[WaitingChange]) -> bool:
        """Send the changes that are due and wait behind no other one; return whether any was sent."""
        now = self._graph.now()
        blocked: set[str] = set()
        due: list[WaitingChange] = []
        for one in waiting:
            if blocked.isdisjoint(one.customers) and one.due_at is not None and one.due_at <= now:
                due.append(one)
            blocked |= one.customers
        due = due[:PAGE_SIZE]
        if not due:
            return False
        found = [await self._graph.change(one.number) for one in due]
        entries = [entry for entry in found if entry is not None]
        outcomes = await self._send(entries) if entries else []
        again = _not_taken(self._name, entries, outcomes, self._graph.now(), {one.number: one for one in due})
        over = {one.number for one in due} - {one.number for one in again}
        position = await self._graph.ledger.feed_position(self._name)
        await self._graph.ledger.advance(self._name, position or 0, again, sorted(over))
        return True

    async def _send(self, entries: Sequence[Entry]) -> list[Outcome]:
        restricted = await self._restricted(entries) if self._identifiers else frozenset()
        messages = [self._message(entry, restricted) for entry in entries]
        async with asyncio.timeout(SEND_SECONDS):
            outcomes = await self._adapter.send_changes(messages)
        self.taken += sum(outcome.status in (Status.DONE, Status.PENDING) for outcome in outcomes)
        return outcomes

    async def _restricted(self, entries: Sequence[Entry]) -> frozenset[str]:
        """Return the customers of entries that are restricted: their identifiers are not sent."""
        if not await self._graph.has_restrictions():
            return frozenset()
        ids = sorted(set().union(*map(_customers, entries)))
        views = await self._graph.customers([ById(id) for id in ids], Selection())
        return frozenset(id for id, view in zip(ids, views, strict=True) if view is not None and view.restricted)

    def _message(self, entry: Entry, restricted: frozenset[str]) -> ChangeMessage:
        change = entry.change
        data: dict[str, Any] = {
            "id": f"chg_{entry.number}",
            "kind": change.kind.name,
            "recordedAt": iso(change.recorded_at),
            "customerId": change.customer or None,
            "otherCustomerId": change.other_customer or None,
            "cause": {"type": change.cause.type.name, "source": change.cause.source or None},
        }
        if self._identifiers and restricted.isdisjoint(_customers(entry)):
            data["identifiers"] = [Identifier.from_key(key)._asdict() for key in change.keys]
        return ChangeMessage(f"chg_{entry.number}", change.kind.name, change.customer, change.recorded_at, data)


def _customers(entry: Entry) -> set[str]:
    """Return the customers that an entry names."""
    return {id for id in (entry.change.customer, entry.change.other_customer) if id}


def _taken_apart(entries: Sequence[Entry], blocked: set[str]) -> tuple[int | None, list[Entry], list[Entry]]:
    """Return which entries may be sent now, all at once, and which have to wait behind those of `blocked` customers.

    An adapter keeps the order of entries of one customer. An entry that names a second one may have to follow entries
    of that one, and so ends what is sent at once: also return the number of the last entry that was considered, `None`
    for all.
    """
    sendable: list[Entry] = []
    held: list[Entry] = []
    first_named: dict[str, str] = {}
    blocked = set(blocked)
    last: int | None = None
    for entry in entries:
        customers = _customers(entry)
        if not blocked.isdisjoint(customers):
            held.append(entry)
            blocked |= customers
        elif any(first_named.get(id, entry.change.customer) != entry.change.customer for id in customers):
            return last, sendable, held
        else:
            sendable.append(entry)
            first_named |= dict.fromkeys(customers, entry.change.customer)
        last = entry.number
    return None, sendable, held


def _waiting_change(name: str, entry: Entry, attempts: int, due_at: int | None, answer: str = "") -> WaitingChange:
    change = entry.change
    return WaitingChange(name, entry.number, change.customer, attempts, due_at, answer, change.other_customer)


def _not_taken(
    name: str,
    entries: Sequence[Entry],
    outcomes: Sequence[Outcome],
    now: int,
    before: dict[int, WaitingChange] | None = None,
) -> list[WaitingChange]:
    """Return the changes that a destination did not take, with when they are sent next."""
    waiting = []
    for entry, outcome in zip(entries, map(storable, outcomes), strict=True):
        if outcome.status in (Status.DONE, Status.PENDING):
            continue
        earlier = (before or {}).get(entry.number)
        attempts = 1 + (0 if earlier is None else earlier.attempts)
        is_dead = outcome.status is Status.DEAD or attempts >= MAX_ATTEMPTS
        due_at = None if is_dead else now + round(max(pause(attempts), outcome.retry_after or 0) * SECOND)
        waiting.append(_waiting_change(name, entry, attempts, due_at, outcome.message))
    return waiting
