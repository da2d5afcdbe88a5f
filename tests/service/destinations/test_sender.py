"""What a sender does when a destination, its adapter or the store fails, and what operators see of it."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from graph.domain.model.audiences import DestinationState, Outcome, Status
from graph.domain.model.errors import StoreUnavailable
from graph.ports import Store
from service.destinations import sender as module
from service.destinations.adapter import DONE, MAX_MESSAGE_LENGTH, MemberUpdate, Unavailable
from service.destinations.lease import Lease
from service.destinations.sender import Sender
from tests.builders.audiences import NAME, Activation, ListDestination
from tests.builders.clients import seen
from tests.builders.operations import decide
from tests.builders.runs import Run

ANN, BEN = "email=ann@example.com", "email=ben@example.com"
MONDAY, TUESDAY = "2026-02-02T00:00:00Z", "2026-02-03T00:00:00Z"


class FailingDestination(ListDestination):
    """Raises what a test says, and holds what it was sent otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.error: Callable[[], BaseException] | None = None
        self.is_closed = False
        self.maintained = 0

    async def send(self, updates: Sequence[MemberUpdate]) -> list[Outcome]:
        if self.error is not None:
            raise self.error()
        return await super().send(updates)

    async def maintain(self) -> None:
        self.maintained += 1

    async def close(self) -> None:
        self.is_closed = True


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow one another at once."""
    monkeypatch.setattr(module, "pause", lambda _: 0)


@pytest.fixture
def shop(store: Store, run: Run) -> Activation:
    """Ann and Ben, who agreed to newsletters, in an audience of which nothing was sent."""
    shop = Activation(store, run, FailingDestination())
    for number, key in enumerate((ANN, BEN)):
        shop.client.link(seen(key, f"crm_id=c-{number}", source="crm"))
        decide(shop.client, key, decision="GIVEN", at=MONDAY)
    shop.audience(shop.segment("known", known=True))
    shop.evaluate()
    return shop


def destination_of(shop: Activation) -> FailingDestination:
    assert isinstance(shop.destination, FailingDestination)
    return shop.destination


def state_of(shop: Activation) -> DestinationState:
    return shop.run(shop.client.graph.audiences.state(NAME))


def rounds(shop: Activation, sender: Sender | None = None) -> None:
    """Let a sender do what it does now, and look for more."""
    for _ in range(8):
        shop.run((sender or shop.sender)._round())


def held(shop: Activation) -> set[str]:
    return {key for _, key in shop.destination.held}


def test_a_destination_that_is_down_gets_everything_once_it_works_again(
    shop: Activation, caplog: pytest.LogCaptureFixture
) -> None:
    # given
    caplog.set_level(logging.INFO, "kith.destinations")
    destination_of(shop).error = lambda: Unavailable("503: maintenance")
    began = shop.clock.now()
    rounds(shop)
    shop.clock.add(1)
    rounds(shop)
    # then: the problem is there since it began, and is logged once
    assert state_of(shop) == DestinationState("503: maintenance", began)
    assert [record.getMessage() for record in caplog.records] == ["destination mail-tool: 503: maintenance"]
    # when
    destination_of(shop).error = None
    rounds(shop)
    # then
    assert held(shop) == {ANN, BEN}
    assert state_of(shop) == DestinationState(last_sent_at=shop.clock.now())
    assert caplog.records[-1].getMessage() == "destination mail-tool works again"
    assert shop.sender.sent == 2


def test_another_problem_is_shown_since_the_first_one_began(shop: Activation) -> None:
    # given
    destination_of(shop).error = lambda: Unavailable("503: maintenance")
    began = shop.clock.now()
    rounds(shop)
    # when
    shop.clock.add(1)
    destination_of(shop).error = lambda: Unavailable("401: token expired", login=True)
    rounds(shop)
    # then
    assert state_of(shop) == DestinationState("401: token expired", began, login=True)


@pytest.mark.parametrize(
    "error",
    [
        lambda: ValueError("ann@example.com is not an address"),
        lambda: KeyError("ann@example.com"),
        lambda: RuntimeError("token s3cr3t-s3cr3t for ann@example.com"),
    ],
)
def test_an_unexpected_error_of_an_adapter_ends_nothing_and_shows_no_value(
    shop: Activation, caplog: pytest.LogCaptureFixture, error: Callable[[], Exception]
) -> None:
    # given
    destination_of(shop).error = error
    # when
    rounds(shop)
    # then
    assert state_of(shop).problem == f"unexpected error ({type(error()).__name__})"
    assert caplog.records
    for record in caplog.records:
        assert "ann" not in record.getMessage() + str(record.exc_info)
        assert "s3cr3t" not in record.getMessage()
    # when
    destination_of(shop).error = None
    rounds(shop)
    # then
    assert held(shop) == {ANN, BEN}


def test_an_adapter_that_never_answers_is_given_up_and_tried_again(
    shop: Activation, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    async def never(updates: Sequence[MemberUpdate]) -> list[Outcome]:
        await asyncio.Event().wait()
        raise AssertionError

    answering = shop.destination.send
    monkeypatch.setattr(module, "SEND_SECONDS", 0.01)
    monkeypatch.setattr(shop.destination, "send", never)
    # when
    shop.run(shop.sender._round())
    shop.run(shop.sender._round())
    # then
    assert state_of(shop).problem == "unexpected error (TimeoutError)"
    # when
    monkeypatch.setattr(module, "SEND_SECONDS", 120)
    monkeypatch.setattr(shop.destination, "send", answering)
    rounds(shop)
    # then
    assert held(shop) == {ANN, BEN}


def test_outcomes_that_do_not_match_the_updates_are_an_error_and_all_is_sent_again(
    shop: Activation, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    async def one_too_few(updates: Sequence[MemberUpdate]) -> list[Outcome]:
        return [DONE] * (len(updates) - 1)

    answering = shop.destination.send
    monkeypatch.setattr(shop.destination, "send", one_too_few)
    rounds(shop)
    assert state_of(shop).problem == "unexpected error (ValueError)"
    # when
    monkeypatch.setattr(shop.destination, "send", answering)
    rounds(shop)
    # then
    assert held(shop) == {ANN, BEN}


def test_long_answers_are_cut(shop: Activation) -> None:
    # given
    shop.destination.answer = lambda _: Outcome(Status.DEAD, "x" * 10_000)
    # when
    rounds(shop)
    # then
    dead = shop.run(shop.client.graph.audiences.dead(NAME, None, None, 10)).items
    assert {len(one.answer) for one in dead} == {MAX_MESSAGE_LENGTH}
    assert (shop.sender.sent, shop.sender.failed) == (0, 2)


def test_the_id_of_an_update_is_that_of_its_state(shop: Activation) -> None:
    # given: the first attempt is put off
    left = [Outcome(Status.RETRY)]
    shop.destination.answer = lambda update: left.pop() if left and update.value == "ann@example.com" else DONE
    shop.settle()
    # when
    decide(shop.client, ANN, decision="WITHDRAWN", at=TUESDAY)
    shop.settle()
    # then
    ids: dict[Any, set[str]] = {}
    for update in shop.destination.updates:
        ids.setdefault((update.value, update.present), set()).add(update.id)
    assert len(shop.destination.updates) == 4
    assert {place: len(found) for place, found in ids.items()} == {
        ("ann@example.com", True): 1,
        ("ann@example.com", False): 1,
        ("ben@example.com", True): 1,
    }
    assert len(set().union(*ids.values())) == 3


def test_nothing_is_sent_without_the_lease_or_while_paused_but_a_pause_is_no_reason_to_keep_what_is_too_old(
    shop: Activation,
) -> None:
    # given
    other = Lease(shop.store, shop.clock, NAME)
    assert shop.run(other.hold())
    rounds(shop)
    assert (held(shop), destination_of(shop).maintained) == (set(), 0)
    # when
    shop.run(other.release())
    shop.run(shop.client.graph.audiences.pause(NAME))
    rounds(shop)
    # then
    assert held(shop) == set()
    assert destination_of(shop).maintained == 8
    # when
    shop.run(shop.client.graph.audiences.resume(NAME))
    rounds(shop)
    # then
    assert held(shop) == {ANN, BEN}


def test_what_another_process_may_send_by_now_is_cut_off(
    shop: Activation, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given: the store refuses renewals, and the destination takes its time
    monkeypatch.setattr("service.destinations.lease.SECONDS", 0.05)
    monkeypatch.setattr("service.destinations.lease.RENEW_SECONDS", 0.01)

    class Away(Lease):
        async def _renew(self, now: int) -> bool:
            if self._until:
                raise StoreUnavailable("the store is away")
            return await super()._renew(now)

    async def never(updates: Sequence[MemberUpdate]) -> list[Outcome]:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(shop.destination, "send", never)
    sender = Sender(shop.client.graph, NAME, shop.destination, Away(shop.store, shop.clock, NAME))
    # when: a round that sends ends
    for _ in range(8):
        shop.run(sender._round())
        if caplog.records:
            break
    # then
    assert "the lease was lost" in caplog.records[-1].getMessage()


@pytest.mark.parametrize("is_away", [False, True])
def test_a_sender_that_ends_gives_the_lease_back_and_closes_the_adapter(shop: Activation, is_away: bool) -> None:
    # given
    lease = Lease(shop.store, shop.clock, NAME)
    sender = Sender(shop.client.graph, NAME, shop.destination, lease)

    async def until_all_is_sent() -> None:
        running = asyncio.create_task(sender.run())
        while len(shop.destination.held) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        if is_away:

            async def away(name: str) -> str | None:
                raise StoreUnavailable("the store is away")

            lease._store = type("Away", (), {"get_value": staticmethod(away)})()  # type: ignore[assignment]
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    # when
    shop.run(asyncio.wait_for(until_all_is_sent(), 60))
    # then
    assert destination_of(shop).is_closed
    assert shop.run(Lease(shop.store, shop.clock, NAME).hold()) != is_away
