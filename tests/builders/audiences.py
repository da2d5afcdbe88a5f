"""A destination that keeps a list, as systems of email marketing do, and a graph that sends to it."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from graph.domain.model.audiences import Audience, DestinationInfo
from graph.ports import Store
from service.destinations.adapter import DONE, ChangeMessage, MemberUpdate, Outcome, Status, Unavailable
from service.destinations.lease import Lease
from service.destinations.sender import Sender
from tests.builders.clients import Client
from tests.builders.retention import SettableClock
from tests.builders.runs import Run
from tests.builders.safeguards import ListSafeguards

NAME = "mail-tool"
START = "2026-03-01T00:00:00Z"


class ListDestination:
    """Keeps what it was sent: the fields by audience and address. Tests make it fail."""

    batch_size = 3
    namespaces = None

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], dict[str, Any]] = {}
        self.updates: list[MemberUpdate] = []
        self.changes: list[ChangeMessage] = []
        self.is_down = False
        self.cut_off = ""
        """`before` or `after`: the next batch ends the process, before it is taken or after."""
        self.answer: Callable[[MemberUpdate], Outcome] = lambda _: DONE
        self.answer_to_poll: Callable[[MemberUpdate], Outcome] = lambda _: DONE
        self.answer_to_change: Callable[[ChangeMessage], Outcome] = lambda _: DONE

    async def send(self, updates: Sequence[MemberUpdate]) -> list[Outcome]:
        if self.is_down:
            raise Unavailable("503: down for maintenance", retry_after=1)
        if self.cut_off == "before":
            self.cut_off = ""
            raise asyncio.CancelledError
        outcomes = [self._take(update) for update in updates]
        if self.cut_off == "after":
            self.cut_off = ""
            raise asyncio.CancelledError
        return outcomes

    def _take(self, update: MemberUpdate) -> Outcome:
        self.updates.append(update)
        outcome = self.answer(update)
        if outcome.status in (Status.DONE, Status.PENDING):
            place = update.audience.id, f"{update.namespace}={update.value}"
            if update.present:
                self.held[place] = dict(update.fields)
            else:
                self.held.pop(place, None)
        return outcome

    async def poll(self, updates: Sequence[MemberUpdate]) -> list[Outcome]:
        return [self.answer_to_poll(update) for update in updates]

    async def send_changes(self, changes: Sequence[ChangeMessage]) -> list[Outcome]:
        if self.is_down:
            raise Unavailable("503: down for maintenance")
        outcomes: list[Outcome] = []
        blocked: set[str] = set()
        for change in changes:
            is_blocked = change.customer_id in blocked
            outcomes.append(Outcome(Status.RETRY) if is_blocked else self.answer_to_change(change))
            if outcomes[-1].status is Status.RETRY and change.customer_id:
                blocked.add(change.customer_id)
        self.changes += [change for change, outcome in zip(changes, outcomes, strict=True) if outcome == DONE]
        return outcomes

    async def close(self) -> None:
        pass

    def addresses(self, audience: str) -> set[str]:
        """The addresses that the destination holds of an audience."""
        return {key for id, key in self.held if id == audience}


class Activation:
    """A service with one destination. Its clock stands still until a test moves it."""

    def __init__(
        self,
        store: Store,
        run: Run,
        destination: ListDestination | None = None,
        attributes: str = "",
        type: str = "webhook",
    ) -> None:
        self.store, self.run = store, run
        self.clock = SettableClock(START)
        self.destination = destination or ListDestination()
        info = DestinationInfo(NAME, type, changes=True)
        self.client = Client(
            store, run, safeguards=ListSafeguards(), clock=self.clock, attributes=attributes, destinations=[info]
        )
        run(self.client.wiring.prepare())
        self.sender = self._new_sender()

    def _new_sender(self) -> Sender:
        return Sender(self.client.graph, NAME, self.destination, Lease(self.store, self.clock, NAME))

    def audience(self, segment: str, **more: Any) -> str:
        """Send a segment to the destination from now on: its addresses for newsletters. Returns the audience's id."""
        values = {"purpose": "newsletter", "channel": "EMAIL", "namespaces": ("email",), **more}
        return self.run(self.client.graph.audiences.create(Audience("", NAME, segment, **values))).id

    def segment(self, name: str, **rule: Any) -> str:
        """Create a segment and return its id."""
        return self.run(self.client.graph.segments.create(name, rule, "sue")).id

    def evaluate(self) -> None:
        """Bring all memberships up to date."""
        self.run(self.client.graph.segment_worker.catch_up())

    def send(self) -> None:
        """Send all that is due now; a process that is cut off is followed by another."""
        while True:
            try:
                if not self.run(self.sender.step()):
                    return
            except asyncio.CancelledError:
                self.sender = self._new_sender()
            except Unavailable:
                return

    def settle(self) -> None:
        """Evaluate and send until nothing is owed, as time passes."""
        for _ in range(50):
            self.evaluate()
            self.send()
            self.evaluate()
            due = self.run(self.client.graph.ledger.next_due(NAME))
            if due is None:
                return
            self.clock.at = max(self.clock.at, due)
        raise AssertionError("something is owed forever")
