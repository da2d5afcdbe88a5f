"""What becomes of the updates of a batch when some of its requests fail."""

import asyncio

import pytest

from service.destinations.adapter import DONE, Outcome, Status, Unavailable
from service.destinations.attempts import MAX_FAILURES_IN_A_ROW, Batch, Item, by_address
from tests.builders.member_updates import is_each, people, statuses, update


class Vendor:
    """Takes one item after another; `unavailable` by address says what it raises instead."""

    def __init__(self, unavailable: dict[str, Unavailable] | None = None) -> None:
        self.asked: list[str] = []
        self._unavailable = unavailable or {}

    async def send(self, item: Item) -> Outcome:
        self.asked.append(item.update.value)
        await asyncio.sleep(0)
        if error := self._unavailable.get(item.update.value):
            raise error
        return DONE


def sent(batch: Batch, vendor: Vendor, concurrency: int = 1) -> list[Outcome]:
    asyncio.run(batch.each(by_address(batch.items), vendor.send, concurrency))
    return batch.outcomes()


def test_outcomes_are_in_the_order_of_the_updates() -> None:
    # given
    updates = people(20)
    late = Unavailable("429 Too Many Requests", retry_after=7)
    vendor = Vendor({u.value: late for u in updates if is_each(5, u.value)})
    # when
    outcomes = sent(Batch(updates), vendor, concurrency=4)
    # then
    assert sorted(vendor.asked) == sorted(u.value for u in updates)
    assert [o.status for o in outcomes] == [Status.RETRY if is_each(5, u.value) else Status.DONE for u in updates]
    assert {o.retry_after for o in outcomes if o.status is Status.RETRY} == {7}


def test_nothing_is_taken_if_each_request_finds_the_destination_unavailable() -> None:
    # given
    updates = people(9)
    vendor = Vendor({u.value: Unavailable("no answer") for u in updates})
    # when
    with pytest.raises(Unavailable, match="no answer"):
        sent(Batch(updates), vendor)
    # then
    assert len(vendor.asked) == MAX_FAILURES_IN_A_ROW


def test_a_refused_login_ends_the_batch_and_keeps_what_was_done() -> None:
    # given
    updates = people(4)
    vendor = Vendor({updates[1].value: Unavailable("401 Unauthorized", login=True)})
    # when
    outcomes = sent(Batch(updates), vendor)
    # then
    assert statuses(outcomes) == ["done", "retry", "retry", "retry"]
    assert vendor.asked == [updates[0].value, updates[1].value]


def test_a_slow_destination_gets_the_rest_later() -> None:
    # given: a clock on which each request takes 25 s
    now = 0.0

    async def send(item: Item) -> Outcome:
        nonlocal now
        now += 25
        return DONE

    batch = Batch(people(5), Status.PENDING, clock=lambda: now)
    # when
    asyncio.run(batch.each(by_address(batch.items), send, concurrency=1))
    # then
    assert statuses(batch.outcomes()) == ["done", "done", "done", "pending", "pending"]


def test_updates_of_one_address_are_sent_one_after_the_other() -> None:
    # given
    updates = [update("ann@example.com", "1"), update("bob@example.com", "1"), update("ann@example.com", "2")]
    # when
    groups = by_address(Batch(updates).items)
    # then
    assert [[item.update.audience.external_id for item in group] for group in groups] == [["1", "2"], ["1"]]


def test_an_update_of_which_nothing_was_said_is_sent_again() -> None:
    assert statuses(Batch([update()]).outcomes()) == ["retry"]
