"""Group commit: waiting writes share a transaction, each with its own answer, and one that fails harms no other."""

import asyncio

import pytest

from graph.commands import group_commit
from graph.commands.commit import Accepted, Refused
from graph.commands.group_commit import PART, GroupCommit
from graph.commands.rules_rollout import Current
from graph.domain.model.errors import Overloaded, StoreUnavailable
from graph.domain.resolution.intake import Revoke
from graph.runtime.scheduling import SomeoneWaits
from tests.builders.graphs import NOW, CountingIds, FixedClock, observe, seen, small_rules
from tests.builders.memory import MemoryStore
from tests.builders.runs import Run

RULES = small_rules()


class SlowStore:
    """The store in dictionaries, slow enough that others wait, and out of order for one source."""

    most_at_once = 150

    def __init__(self, error: type[Exception] | None = None, bad: str = "bad") -> None:
        self.memory, self.transactions, self._error, self._bad = MemoryStore(), 0, error, bad

    async def write(self, work):
        self.transactions += 1
        await asyncio.sleep(0.01)
        generator = work()
        first = next(generator)
        generator.close()
        if self._error and any(source == self._bad for source, _ in first.receipts):
            raise self._error("no")
        return self.memory.run(work)


def test_waiting_writes_share_a_transaction_and_get_their_own_answers(run: Run) -> None:
    # given
    store = SlowStore()
    writer = GroupCommit(store, Current(RULES, RULES), FixedClock(), CountingIds())

    async def everything():
        return await asyncio.gather(
            *(writer.run([observe(seen(f"cookie=c{n}", id=f"o{n}"), RULES)]) for n in range(50))
        )

    # when
    answers = run(everything())
    # then
    assert [one.id for (one,) in answers] == [f"o{n}" for n in range(50)]
    assert store.transactions <= 2


def test_a_bad_record_costs_only_itself(run: Run) -> None:
    # given
    writer = GroupCommit(SlowStore(), Current(RULES, RULES), FixedClock(), CountingIds())
    one = observe(seen("cookie=a", id="same"), RULES)
    other = observe(seen("cookie=b", id="same"), RULES)

    async def everything():
        return await asyncio.gather(writer.run([one]), writer.run([other]), writer.run([one]))

    # when
    (first,), (second,), (third,) = run(everything())
    # then
    assert isinstance(first, Accepted)
    assert isinstance(second, Refused)
    assert isinstance(third, Accepted)
    assert third.repeated


def test_a_write_that_fails_harms_no_other(run: Run) -> None:
    # given
    writer = GroupCommit(SlowStore(RuntimeError), Current(RULES, RULES), FixedClock(), CountingIds())

    async def everything():
        sent = [writer.run([observe(seen("cookie=a", source=source), RULES)]) for source in ("good", "bad", "fine")]
        return await asyncio.gather(*sent, return_exceptions=True)

    # when
    good, bad, fine = run(everything())
    # then
    assert isinstance(bad, RuntimeError)
    assert isinstance(good[0], Accepted)
    assert isinstance(fine[0], Accepted)


def test_where_the_database_is_away_all_hear_it_once(run: Run) -> None:
    # given
    store = SlowStore(StoreUnavailable)
    writer = GroupCommit(store, Current(RULES, RULES), FixedClock(), CountingIds())

    async def everything():
        sent = [writer.run([observe(seen("cookie=a", source="bad"), RULES)]) for _ in range(5)]
        return await asyncio.gather(*sent, return_exceptions=True)

    # when, then
    assert all(isinstance(one, StoreUnavailable) for one in run(everything()))
    assert store.transactions <= 2


def test_too_many_waiting_are_turned_away(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    # given
    monkeypatch.setattr(group_commit, "MOST_WAITING", 3)
    writer = GroupCommit(SlowStore(), Current(RULES, RULES), FixedClock(), CountingIds())

    async def everything():
        sent = [writer.run([Revoke("s", str(n), NOW)]) for n in range(5)]
        return await asyncio.gather(*sent, return_exceptions=True)

    # when
    answers = run(everything())
    # then
    assert [isinstance(one, Overloaded) for one in answers] == [False, False, False, True, True]
    assert run(writer.run([Revoke("s", "later", NOW)])), "the queue drains"


class Counting(SlowStore):
    """Notes how many commands each transaction holds."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    async def write(self, work):
        generator = work()
        self.sizes.append(len(next(generator).receipts))
        generator.close()
        return await super().write(work)


def test_a_small_request_does_not_wait_for_all_of_a_large_one(run: Run) -> None:
    # given
    store = Counting()
    writer = GroupCommit(store, Current(RULES, RULES), FixedClock(), CountingIds())
    large = [observe(seen(f"cookie=c{n}", id=f"large{n}"), RULES) for n in range(350)]
    done: list[str] = []

    async def send(name: str, commands: list) -> list:
        answers = await writer.run(commands)
        done.append(name)
        return answers

    async def everything():
        sent = [send("first", [observe(seen("cookie=x", id="x"), RULES)]), send("large", large)]
        tasks = [asyncio.create_task(one) for one in sent]
        await asyncio.sleep(0.015)
        tasks.append(asyncio.create_task(send("small", [observe(seen("cookie=y", id="y"), RULES)])))
        return await asyncio.gather(*tasks)

    # when
    _, answers, _ = run(everything())
    # then
    assert done == ["first", "small", "large"]
    assert [one.id for one in answers] == [f"large{n}" for n in range(350)]
    assert max(store.sizes) == PART


def test_large_requests_alone_are_taken_whole(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    # given
    monkeypatch.setattr(group_commit, "someone_was_here", lambda seconds: False)
    store = Counting()
    writer = GroupCommit(store, Current(RULES, RULES), FixedClock(), CountingIds())
    requests = [[observe(seen(f"cookie=c{n}", id=f"{r} {n}"), RULES) for n in range(400)] for r in range(3)]

    async def everything():
        return await asyncio.gather(*(writer.run(one) for one in requests))

    # when
    answers = run(everything())
    # then
    assert store.sizes == [800, 400]
    assert [[one.id for one in each] for each in answers] == [[f"{r} {n}" for n in range(400)] for r in range(3)]


def test_a_large_request_goes_in_parts_beside_reads(run: Run) -> None:
    # given
    store = Counting()
    writer = GroupCommit(store, Current(RULES, RULES), FixedClock(), CountingIds())
    large = [observe(seen(f"cookie=c{n}", id=str(n)), RULES) for n in range(400)]

    # when someone looks somebody up
    with SomeoneWaits():
        answers = run(writer.run(large))

    # then
    assert store.sizes == [150, 150, 100]
    assert [one.id for one in answers] == [str(n) for n in range(400)]
