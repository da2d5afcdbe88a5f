"""Every entry of the feed reaches a destination, those of each customer in their order, whatever fails in between."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import pytest

from graph.domain.model.audiences import Outcome, Status
from graph.domain.model.changes import Entry
from graph.ports import Store
from service.config.destinations_file import DestinationSettings
from service.destinations import change_sender
from service.destinations.adapter import DONE, ChangeMessage, Unavailable
from service.destinations.change_sender import ChangeSender
from tests.builders.audiences import NAME, Activation
from tests.builders.clients import seen
from tests.builders.operations import set_override
from tests.builders.restrictions import restricted
from tests.builders.runs import Run

ANN, BEN, CID = "email=ann@example.com", "email=ben@example.com", "email=cid@example.com"
RETRY, DEAD = Outcome(Status.RETRY, "429"), Outcome(Status.DEAD, "400: no")


class Following:
    """A destination that follows the feed of a shop."""

    def __init__(self, store: Store, run: Run, **settings: Any) -> None:
        self.shop = Activation(store, run)
        self.settings = DestinationSettings(name=NAME, type="webhook", changes=True, **settings)
        self.run, self.graph, self.clock = run, self.shop.client.graph, self.shop.clock
        self.destination = self.shop.destination
        self.step()

    def sender(self, graph: Any = None, adapter: Any = None) -> ChangeSender:
        return ChangeSender(graph or self.graph, self.settings, adapter or self.destination)

    def step(self) -> bool:
        return self.run(self.sender().step())

    def finish(self) -> None:
        """Send until nothing is left, as time passes."""
        for _ in range(100):
            while self.step():
                pass
            due = [one.due_at for one in self.waiting() if one.due_at is not None]
            if not due:
                return
            self.clock.at = max(self.clock.at, *due)
        raise AssertionError("something waits forever")

    def waiting(self) -> list[Any]:
        return self.run(self.graph.ledger.waiting(NAME))

    def link(self, *keys: str) -> str:
        """Link keys; return the customer's id."""
        (result,) = self.shop.client.link(seen(*keys, source="crm"))
        return result["customerId"]

    def feed(self) -> list[Entry]:
        """The entries since the destination was configured."""
        return self.run(self.graph.changes(0, 1_000)).items

    def received(self) -> list[int]:
        """The numbers of the entries that the destination has taken, in their order."""
        return [number_of(change) for change in self.destination.changes]


def number_of(change: ChangeMessage) -> int:
    return int(change.id.removeprefix("chg_"))


def is_about(customer: str) -> Callable[[ChangeMessage], bool]:
    return lambda change: customer in (change.customer_id, change.data["otherCustomerId"])


def answer_to(customer: str, outcome: Outcome, times: int = 1_000_000) -> Callable[[ChangeMessage], Outcome]:
    """Answers so to entries about a customer, some times, and takes the others."""
    left = [outcome] * times if times < 1_000 else None

    def answer(change: ChangeMessage) -> Outcome:
        if not is_about(customer)(change):
            return DONE
        if left is None:
            return outcome
        return left.pop() if left else DONE

    return answer


@pytest.fixture
def following(store: Store, run: Run) -> Following:
    return Following(store, run)


def test_it_starts_at_the_newest_entry(store: Store, run: Run) -> None:
    # given
    before = Activation(store, run)
    before.client.link(seen(ANN, source="crm"))
    following = Following(store, run)
    old = following.feed()
    # when
    ben = following.link(BEN)
    following.finish()
    # then
    assert old
    assert following.received() == [entry.number for entry in following.feed()[len(old) :]]
    assert {change.customer_id for change in following.destination.changes} == {ben}


def test_entries_are_sent_as_the_feed_has_them(following: Following) -> None:
    # when
    ann, ben = following.link(ANN), following.link(BEN)
    set_override(following.shop.client, "keepTogether", ANN, BEN, actor="sue")
    following.finish()
    # then
    assert following.received() == [entry.number for entry in following.feed()]
    merge = next(change for change in following.destination.changes if change.kind == "CUSTOMERS_MERGED")
    assert {merge.data["customerId"], merge.data["otherCustomerId"]} == {ann, ben}
    assert merge.data["cause"]["type"] == "OVERRIDE_SET"
    assert "identifiers" not in merge.data


def test_only_the_kinds_that_were_chosen_are_sent(store: Store, run: Run) -> None:
    # given
    following = Following(store, run, change_kinds=["CUSTOMERS_MERGED"])
    # when
    following.link(ANN)
    following.link(BEN)
    set_override(following.shop.client, "keepTogether", ANN, BEN, actor="sue")
    following.finish()
    # then
    assert [change.kind for change in following.destination.changes] == ["CUSTOMERS_MERGED"]


def test_identifiers_are_sent_where_that_was_chosen_but_not_those_of_restricted_customers(
    store: Store, run: Run
) -> None:
    # given
    following = Following(store, run, identifiers=True)
    ann, ben = following.link(ANN), following.link(BEN)
    restricted(following.shop.client, ANN)
    # when
    following.finish()
    # then
    named = {change.customer_id: change.data.get("identifiers") for change in following.destination.changes}
    assert named[ben] == [{"namespace": "email", "value": "ben@example.com"}]
    assert named[ann] is None
    assert "ann@example.com" not in repr(following.destination.changes)


def test_followers_of_one_that_was_put_off_wait_and_others_go_on(following: Following) -> None:
    # given
    ann = following.link(ANN)
    following.destination.answer_to_change = answer_to(ann, RETRY, times=1)
    following.step()
    first = [one.number for one in following.waiting()]
    # when
    following.link(ANN, "phone=+49301234567")
    following.link(BEN)
    following.step()
    # then
    assert not any(map(is_about(ann), following.destination.changes))
    assert following.destination.changes
    assert [one.number for one in following.waiting()][: len(first)] == first
    # when
    following.finish()
    # then
    assert sorted(following.received()) == [entry.number for entry in following.feed()]
    about_ann = [number_of(change) for change in filter(is_about(ann), following.destination.changes)]
    assert len(about_ann) > 1
    assert about_ann == sorted(about_ann)


def test_an_entry_about_two_customers_waits_for_both_and_holds_both(following: Following) -> None:
    # given: an entry about Ann waits
    ann, ben = following.link(ANN), following.link(BEN)
    first = next(entry.number for entry in following.feed() if entry.change.customer == ann)
    refused = [True]
    following.destination.answer_to_change = lambda change: RETRY if number_of(change) == first and refused[0] else DONE
    following.step()
    # when: she becomes one with Ben, about whom another entry follows
    set_override(following.shop.client, "keepTogether", ANN, BEN, actor="sue")
    following.link(BEN, "phone=+49301234567")
    for _ in range(4):
        following.step()
    # then: neither is sent before the entry about Ann
    merges = [change for change in following.destination.changes if change.kind == "CUSTOMERS_MERGED"]
    assert merges == []
    assert len(following.waiting()) > 1
    # when
    refused[0] = False
    following.finish()
    # then
    assert sorted(following.received()) == [entry.number for entry in following.feed()]
    for customer in (ann, ben):
        about = [number_of(change) for change in filter(is_about(customer), following.destination.changes)]
        assert about == sorted(about)


def test_one_call_has_no_entry_that_may_have_to_wait_for_one_of_another_customer(following: Following) -> None:
    # given: the destination puts off whatever it is sent first about Ann
    ann = following.link(ANN)
    following.link(BEN)
    set_override(following.shop.client, "keepTogether", ANN, BEN, actor="sue")
    following.link(CID)
    following.destination.answer_to_change = answer_to(ann, RETRY, times=1)
    # when
    following.finish()
    # then
    about = [number_of(change) for change in filter(is_about(ann), following.destination.changes)]
    assert about == sorted(about)
    assert sorted(following.received()) == [entry.number for entry in following.feed()]


def test_one_that_is_refused_for_good_steps_aside_and_is_kept(following: Following) -> None:
    # given
    ann = following.link(ANN)
    (created,) = [entry.number for entry in following.feed()]
    following.destination.answer_to_change = lambda change: DEAD if number_of(change) == created else DONE
    following.step()
    # when
    following.link(ANN, "phone=+49301234567")
    following.finish()
    # then
    (kept,) = following.waiting()
    assert (kept.number, kept.customer, kept.due_at, kept.answer) == (created, ann, None, "400: no")
    assert following.received() == [entry.number for entry in following.feed()[1:]]


def test_one_that_is_put_off_again_and_again_steps_aside_in_the_end(following: Following) -> None:
    # given
    ann = following.link(ANN)
    following.destination.answer_to_change = answer_to(ann, RETRY)
    # when
    following.finish()
    # then
    (kept,) = following.waiting()
    assert (kept.attempts, kept.due_at) == (change_sender.MAX_ATTEMPTS, None)


def test_nothing_moves_while_the_destination_is_down(following: Following) -> None:
    # given
    following.link(ANN)
    following.destination.is_down = True
    # when
    for _ in range(3):
        with pytest.raises(Unavailable):
            following.step()
    following.destination.is_down = False
    following.finish()
    # then
    assert following.received() == [entry.number for entry in following.feed()]


def test_the_feed_is_not_followed_any_further_while_too_many_wait(
    following: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    monkeypatch.setattr(change_sender, "MAX_WAITING", 3)
    following.destination.answer_to_change = lambda _: RETRY
    for number in range(3):
        following.link(f"email=p{number}@example.com")
    following.step()
    position = following.run(following.graph.ledger.feed_position(NAME))
    # when
    following.link(ANN)
    following.step()
    # then
    assert following.run(following.graph.ledger.feed_position(NAME)) == position
    # when
    following.destination.answer_to_change = lambda _: DONE
    following.finish()
    # then
    assert sorted(following.received()) == [entry.number for entry in following.feed()]


class CutOff:
    """Stands before a graph or an adapter, and ends the process at one of the calls: before or after it."""

    def __init__(self, behind: Any, left: list[int]) -> None:
        self._behind, self._left = behind, left

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._behind, name)
        if name == "ledger":
            return CutOff(value, self._left)
        if not inspect.iscoroutinefunction(value):
            return value

        async def call(*arguments: Any) -> Any:
            self._count()
            result = await value(*arguments)
            self._count()
            return result

        return call

    def _count(self) -> None:
        self._left[0] -= 1
        if self._left[0] == 0:
            raise asyncio.CancelledError


def story(following: Following, moment: int) -> bool:
    """Send what is about three people, ended at a moment; return whether that moment came."""
    first, second, third = (f"email=p{moment}-{number}@example.com" for number in range(3))
    one = following.link(first)
    following.link(second)
    following.destination.answer_to_change = answer_to(one, RETRY, times=1)
    left = [moment]
    try:
        for _ in range(3):
            following.run(following.sender(CutOff(following.graph, left), CutOff(following.destination, left)).step())
            following.clock.add(1)
            set_override(following.shop.client, "keepTogether", first, second, actor="sue")
            following.link(third)
    except asyncio.CancelledError:
        return True
    return False


def test_a_process_that_ends_at_any_moment_loses_nothing_and_breaks_no_order(following: Following) -> None:
    moment, came = 0, True
    while came:
        # when
        moment += 1
        before = len(following.feed())
        following.destination.changes.clear()
        came = story(following, moment)
        following.finish()
        # then: nothing is missing; repeats are allowed
        entries = following.feed()[before:]
        assert sorted(set(following.received())) == [entry.number for entry in entries], moment
        for customer in set().union(*(change_sender._customers(entry) for entry in entries)):
            about = [number_of(change) for change in filter(is_about(customer), following.destination.changes)]
            assert list(dict.fromkeys(about)) == sorted(set(about)), moment
    assert moment > 20
