"""What operators do to destinations: types that change in the file, clocks that are wrong, long waits, refusals."""

import asyncio
from typing import Any

import pytest

from graph.domain.model.audiences import Outcome, Status
from graph.ports import Store
from service.config.destinations_file import DestinationSettings
from service.destinations import change_sender
from service.destinations.adapter import Unavailable
from service.destinations.change_sender import ChangeSender
from service.destinations.lease import SECONDS, UNBELIEVABLE_SECONDS, Lease
from service.destinations.sender import Sender
from tests.builders.audiences import NAME, Activation, ListDestination
from tests.builders.clients import seen
from tests.builders.operations import decide
from tests.builders.runs import Run

ANN = "email=ann@example.com"


@pytest.fixture
def shop(store: Store, run: Run) -> Activation:
    """Ann, who agreed to newsletters."""
    shop = Activation(store, run)
    shop.client.link(seen(ANN, "crm_id=c-1", source="crm"))
    decide(shop.client, ANN, decision="GIVEN", at="2026-02-02T00:00:00Z")
    return shop


def use(shop: Activation, destination: ListDestination) -> Sender:
    """Send to another system from now on."""
    shop.destination = destination
    shop.sender = Sender(shop.client.graph, NAME, destination, Lease(shop.store, shop.clock, NAME))
    return shop.sender


def test_a_destination_with_another_type_is_sent_everything_without_old_references(
    shop: Activation, store: Store, run: Run
) -> None:
    # given
    audience = shop.audience(shop.segment("known", known=True))
    shop.destination.answer = lambda _: Outcome(Status.DONE, reference="id-of-a-webhook")
    shop.settle()
    # when: the file names another system by the same name, and the service is restarted
    restarted = Activation(store, run, type="hubspot")
    restarted.settle()
    # then
    assert restarted.destination.addresses(audience) == {ANN}
    assert [update.reference for update in restarted.destination.updates] == [""]
    # when
    restarted.settle()
    # then: once
    assert len(restarted.destination.updates) == 1


def test_a_lease_of_a_clock_that_was_wrong_is_not_believed(store: Store, run: Run, shop: Activation) -> None:
    # given
    first, other = Lease(store, shop.clock, NAME), Lease(store, shop.clock, NAME)
    assert run(first.hold())
    # when: the clock is set right
    shop.clock.at -= (UNBELIEVABLE_SECONDS - SECONDS) * 1_000_000
    believed = run(other.hold())
    shop.clock.at -= 1_000_000
    # then
    assert (believed, run(other.hold())) == (False, True)


class Busy(ListDestination):
    """Asks to wait for a day at first."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()

    async def send(self, updates: Any) -> list[Outcome]:
        if not self.asked.is_set():
            self.asked.set()
            raise Unavailable("429", retry_after=86_400)
        return await super().send(updates)


def test_an_operator_ends_a_long_wait(shop: Activation, run: Run) -> None:
    # given: a destination that asks to wait for a day
    busy = Busy()
    sender = use(shop, busy)
    audience = shop.audience(shop.segment("known", known=True))
    shop.evaluate()
    audiences = shop.client.graph.audiences

    async def sent() -> None:
        sending = asyncio.create_task(sender.run())
        await busy.asked.wait()
        # when
        paused = True
        while not busy.addresses(audience):
            await (audiences.pause(NAME) if paused else audiences.resume(NAME))
            paused = not paused
            await asyncio.sleep(1.5)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)

    # then
    run(sent())


def test_changes_that_are_refused_for_good_do_not_grow_without_bound(
    shop: Activation, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    monkeypatch.setattr(change_sender, "MAX_DEAD", 2)
    settings = DestinationSettings(name=NAME, type="webhook", changes=True)
    sender = ChangeSender(shop.client.graph, settings, shop.destination)
    run(sender.step())
    shop.destination.answer_to_change = lambda _: Outcome(Status.DEAD, "400")
    # when
    for number in range(5):
        shop.client.link(seen(f"email=p{number}@example.com", source="crm"))
    while run(sender.step()):
        pass
    # then
    kept = [one.number for one in run(shop.client.graph.ledger.waiting(NAME))]
    refused = run(shop.client.graph.changes(0, 100)).items
    assert kept == [entry.number for entry in refused][-2:]
