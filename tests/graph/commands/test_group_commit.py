"""Group commit: waiting writes share a transaction, each with its own result, and a failing one affects no other."""

import asyncio
from typing import Any

import pytest

from graph.commands import group_commit
from graph.commands.commit import Accepted, Rejected
from graph.commands.group_commit import PART_SIZE, SHARED_SIZE, GroupCommit
from graph.commands.rules_rollout import ActiveRules
from graph.domain.model.errors import Overloaded, StoreUnavailable
from graph.domain.resolution.preparation import Revoke
from graph.runtime.scheduling import InteractiveRequest
from tests.builders.graphs import NOW, CountingIds, FixedClock, observe, seen, small_rules
from tests.builders.memory import MemoryStore
from tests.builders.runs import Run

RULES = small_rules()


class SlowStore:
    """The store in dictionaries, slow enough that writes wait, with an error for one source."""

    max_batch_size = 150
    contended = False

    def __init__(self, error: type[Exception] | None = None, bad: str = "bad") -> None:
        self.memory, self.transactions, self._error, self._bad = MemoryStore(), 0, error, bad

    async def write(self, work):
        self.transactions += 1
        await asyncio.sleep(0.01)
        generator = work()
        first = next(generator)
        generator.close()
        if self._error and any(source == self._bad for source, _ in first.receipts):
            raise self._error("failed")
        return self.memory.run(work)


def test_waiting_writes_share_a_transaction_and_get_their_own_results(run: Run) -> None:
    # given
    store = SlowStore()
    writer = GroupCommit(store, ActiveRules(RULES, RULES), FixedClock(), CountingIds())

    async def everything():
        return await asyncio.gather(
            *(writer.run([observe(seen(f"cookie=c{n}", id=f"o{n}"), RULES)]) for n in range(50))
        )

    # when
    results = run(everything())
    # then
    assert [result.id for (result,) in results] == [f"o{n}" for n in range(50)]
    assert store.transactions <= 2


def test_sizes_of_groups_are_counted(run: Run) -> None:
    # given
    writer = GroupCommit(SlowStore(), ActiveRules(RULES, RULES), FixedClock(), CountingIds())
    # when
    run(writer.run([observe(seen(f"cookie=c{n}", id=f"o{n}"), RULES) for n in range(3)]))
    # then
    assert writer.counters.group_sizes.total == 3
    assert sum(writer.counters.group_sizes.buckets) == 1
    assert writer.waiting == 0


def test_a_rejected_command_does_not_affect_others(run: Run) -> None:
    # given
    writer = GroupCommit(SlowStore(), ActiveRules(RULES, RULES), FixedClock(), CountingIds())
    accepted = observe(seen("cookie=a", id="same"), RULES)
    conflicting = observe(seen("cookie=b", id="same"), RULES)

    async def everything():
        return await asyncio.gather(writer.run([accepted]), writer.run([conflicting]), writer.run([accepted]))

    # when
    (first,), (second,), (third,) = run(everything())
    # then
    assert isinstance(first, Accepted)
    assert isinstance(second, Rejected)
    assert isinstance(third, Accepted)
    assert third.duplicate


def test_a_failing_write_does_not_affect_others(run: Run) -> None:
    # given
    writer = GroupCommit(SlowStore(RuntimeError), ActiveRules(RULES, RULES), FixedClock(), CountingIds())

    async def everything():
        sent = [writer.run([observe(seen("cookie=a", source=source), RULES)]) for source in ("good", "bad", "fine")]
        return await asyncio.gather(*sent, return_exceptions=True)

    # when
    good, bad, fine = run(everything())
    # then
    assert isinstance(bad, RuntimeError)
    assert isinstance(good[0], Accepted)
    assert isinstance(fine[0], Accepted)


def test_if_the_database_is_unavailable_all_waiting_writes_fail_at_once(run: Run) -> None:
    # given
    store = SlowStore(StoreUnavailable)
    writer = GroupCommit(store, ActiveRules(RULES, RULES), FixedClock(), CountingIds())

    async def everything():
        sent = [writer.run([observe(seen("cookie=a", source="bad"), RULES)]) for _ in range(5)]
        return await asyncio.gather(*sent, return_exceptions=True)

    # when, then
    assert all(isinstance(error, StoreUnavailable) for error in run(everything()))
    assert store.transactions <= 2


def test_too_many_waiting_writes_are_rejected(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    # given
    monkeypatch.setattr(group_commit, "MAX_WAITING", 3)
    writer = GroupCommit(SlowStore(), ActiveRules(RULES, RULES), FixedClock(), CountingIds())

    async def everything():
        sent = [writer.run([Revoke("s", str(n), NOW)]) for n in range(5)]
        return await asyncio.gather(*sent, return_exceptions=True)

    # when
    results = run(everything())
    # then
    assert [isinstance(result, Overloaded) for result in results] == [False, False, False, True, True]
    assert run(writer.run([Revoke("s", "later", NOW)])), "the queue accepts writes again"


class Counting(SlowStore):
    """Records the number of commands of each transaction."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    async def write(self, work):
        generator = work()
        self.sizes.append(len(next(generator).receipts))
        generator.close()
        return await super().write(work)


def test_a_small_request_does_not_wait_for_all_of_a_large_one(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    # given: however slow the machine is
    monkeypatch.setattr(group_commit, "QUIET_SECONDS", 600)
    store = Counting()
    writer = GroupCommit(store, ActiveRules(RULES, RULES), FixedClock(), CountingIds())
    large = [observe(seen(f"cookie=c{n}", id=f"large{n}"), RULES) for n in range(350)]
    done: list[str] = []

    async def send(name: str, commands: list) -> list:
        results = await writer.run(commands)
        done.append(name)
        return results

    async def everything():
        sent = [send("first", [observe(seen("cookie=x", id="x"), RULES)]), send("large", large)]
        tasks = [asyncio.create_task(request) for request in sent]
        await asyncio.sleep(0.015)
        tasks.append(asyncio.create_task(send("small", [observe(seen("cookie=y", id="y"), RULES)])))
        return await asyncio.gather(*tasks)

    # when
    _, results, _ = run(everything())
    # then
    assert done == ["first", "small", "large"]
    assert [result.id for result in results] == [f"large{n}" for n in range(350)]
    assert max(store.sizes) == PART_SIZE


def test_a_large_request_is_written_in_parts_while_another_process_waits(run: Run) -> None:
    # given
    store = Counting()
    store.contended = True
    writer = GroupCommit(store, ActiveRules(RULES, RULES), FixedClock(), CountingIds())
    large = [observe(seen(f"cookie=c{n}", id=f"large{n}"), RULES) for n in range(120)]
    # when
    results = run(writer.run(large))
    # then
    assert [result.id for result in results] == [f"large{n}" for n in range(120)]
    assert store.sizes == [SHARED_SIZE, SHARED_SIZE, 120 - 2 * SHARED_SIZE]


def test_large_requests_alone_are_written_whole(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    # given
    monkeypatch.setattr(group_commit, "interactive_within", lambda seconds: False)
    store = Counting()
    writer = GroupCommit(store, ActiveRules(RULES, RULES), FixedClock(), CountingIds())
    requests = [[observe(seen(f"cookie=c{n}", id=f"{r} {n}"), RULES) for n in range(400)] for r in range(3)]

    async def everything():
        return await asyncio.gather(*(writer.run(request) for request in requests))

    # when
    results = run(everything())
    # then
    assert store.sizes == [800, 400]
    assert [[result.id for result in of_request] for of_request in results] == [
        [f"{r} {n}" for n in range(400)] for r in range(3)
    ]


def test_a_large_request_is_written_in_parts_while_there_are_reads(run: Run) -> None:
    # given
    store = Counting()
    writer = GroupCommit(store, ActiveRules(RULES, RULES), FixedClock(), CountingIds())
    large = [observe(seen(f"cookie=c{n}", id=str(n)), RULES) for n in range(400)]

    # when: an interactive request is running
    with InteractiveRequest():
        results = run(writer.run(large))

    # then
    assert store.sizes == [150, 150, 100]
    assert [result.id for result in results] == [str(n) for n in range(400)]


async def batches(writer: GroupCommit, count: int, size: int = 100) -> list[Any]:
    """The results of requests that are sent at once, each with observations of its own."""
    sent = (
        writer.run([observe(seen(f"cookie=c{b}-{n}", id=f"{b} {n}"), RULES) for n in range(size)]) for b in range(count)
    )
    return await asyncio.gather(*sent, return_exceptions=True)


def test_large_requests_that_cannot_be_stored_in_time_are_rejected_at_once(run: Run) -> None:
    # given: about 1 s of work for operations of 0.5 s
    store = Counting()
    store.max_batch_size = 100
    writer = GroupCommit(store, ActiveRules(RULES, RULES), FixedClock(), CountingIds(), operation_seconds=0.5)
    order: list[str] = []
    requests = [
        [observe(seen(f"cookie=c{name}-{n}", id=f"{name} {n}"), RULES) for n in range(100)] for name in range(200)
    ]

    async def send(commands: list[Any]) -> Any:
        try:
            await writer.run(commands)
        except Overloaded as error:
            order.append("rejected")
            return error
        order.append("stored")
        return None

    async def everything() -> list[Any]:
        with InteractiveRequest():
            return await asyncio.gather(*map(send, requests))

    # when
    results = run(everything())
    # then: all that were rejected know it before the last one is stored
    rejected = [error for error in results if error is not None]
    assert 0 < len(rejected) < 200
    assert order[-1] == "stored"
    assert all(2 <= error.retry_after <= 60 for error in rejected)
    assert results[0] is None
    assert sum(store.sizes) == 100 * (200 - len(rejected)), "rejected ones are not stored"
    # and the queue accepts requests again
    (again,) = run(batches(writer, 1))
    assert len(again) == 100


def test_a_request_of_which_a_part_is_stored_is_finished(run: Run) -> None:
    # given: no time at all
    writer = GroupCommit(
        Counting(), ActiveRules(RULES, RULES), FixedClock(), CountingIds(), operation_seconds=0.000_001
    )
    # when
    with InteractiveRequest():
        (results,) = run(batches(writer, 1, 400))
    # then
    assert len(results) == 400


def test_small_requests_are_not_rejected_because_of_large_ones(run: Run) -> None:
    # given
    writer = GroupCommit(SlowStore(), ActiveRules(RULES, RULES), FixedClock(), CountingIds(), operation_seconds=0.05)

    async def everything() -> list[Any]:
        large = asyncio.create_task(batches(writer, 30, 400))
        await asyncio.sleep(0)
        small = await writer.run([observe(seen("cookie=x", id="x"), RULES)])
        return [small, *await large]

    # when
    small, *large = run(everything())
    # then
    assert isinstance(small[0], Accepted)
    assert any(isinstance(result, Overloaded) for result in large)
