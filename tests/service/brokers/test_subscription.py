"""Batches are acknowledged in order, after they are stored, and never after one that is not."""

import asyncio
from collections.abc import Sequence

import pytest

from graph.domain.model.errors import StoreUnavailable
from service.brokers import subscription as module
from service.brokers.subscription import Message, consume
from tests.builders.runs import Run

BATCHES = [[Message(b"%d" % number, 0)] for number in range(5)]


class Memory:
    """A subscription whose messages are in memory. Sets `stop` once there are none left."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop, self._batches = stop, list(BATCHES)
        self._last: Sequence[Message] = ()
        self.acknowledged: list[Sequence[Message]] = []

    async def receive(self) -> Sequence[Message]:
        if not self._batches:
            self._stop.set()
            await asyncio.Event().wait()
        self._last = self._batches.pop(0)
        return self._last

    async def acknowledge(self) -> bool:
        self.acknowledged.append(self._last)
        return True

    async def close(self) -> None: ...


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PAUSE", 0)


def consumed(run: Run, failures: int, stop_at: int | None = None) -> tuple[list[bytes], list[bytes]]:
    """What was handled, and what was acknowledged, if the third batch fails some times, and then `stop` may be set."""
    handled: list[bytes] = []

    async def work() -> Memory:
        nonlocal failures
        stop = asyncio.Event()
        memory = Memory(stop)

        async def handle(messages: Sequence[Message]) -> None:
            nonlocal failures
            assert len(memory.acknowledged) == len(set(handled)), "an earlier batch is not acknowledged yet"
            if messages == BATCHES[2] and failures:
                failures -= 1
                if failures == stop_at:
                    stop.set()
                raise StoreUnavailable("the database does not respond")
            handled.extend(message.value or b"" for message in messages)

        await asyncio.wait_for(consume(memory, handle, stop), 60)
        return memory

    memory = run(work())
    return handled, [message.value or b"" for batch in memory.acknowledged for message in batch]


def test_all_batches_are_acknowledged_after_they_are_stored(run: Run) -> None:
    assert consumed(run, failures=0) == ([b"0", b"1", b"2", b"3", b"4"],) * 2


def test_a_batch_waits_for_the_store(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    # when
    result = consumed(run, failures=3)
    # then
    assert result == ([b"0", b"1", b"2", b"3", b"4"],) * 2
    assert "1 messages wait, because they cannot be stored now: the database does not respond" in caplog.text


def test_nothing_is_acknowledged_after_a_batch_that_is_not_stored(run: Run) -> None:
    # when: the process is asked to stop while a batch waits
    handled, acknowledged = consumed(run, failures=10, stop_at=5)
    # then
    assert handled == acknowledged == [b"0", b"1"]
