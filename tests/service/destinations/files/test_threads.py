"""Blocking work in a thread: its result, its errors, and what happens when it hangs."""

import asyncio
import threading

import pytest

from service.destinations.files.threads import OneThread, StillRunning
from tests.builders.runs import Run


def test_a_result_and_an_error_come_back(run: Run) -> None:
    # given
    thread = OneThread("test")

    def fail(_: threading.Event) -> None:
        raise ValueError("no")

    # then
    for _ in range(200):
        assert run(thread.run(lambda _: 7, 60)) == 7
        with pytest.raises(ValueError, match="no"):
            run(thread.run(fail, 60))


def test_nothing_is_started_while_work_that_was_given_up_hangs(run: Run) -> None:
    # given
    thread, release, told = OneThread("test"), threading.Event(), threading.Event()

    def hang(given_up: threading.Event) -> None:
        assert given_up.wait(60)
        told.set()
        assert release.wait(60)

    # when
    with pytest.raises(TimeoutError):
        run(thread.run(hang, 0.05))
    # then
    assert told.wait(60)
    with pytest.raises(StillRunning):
        run(thread.run(lambda _: 7, 60))
    # when
    release.set()

    # then
    async def again() -> int:
        while True:
            try:
                return await thread.run(lambda _: 7, 60)
            except StillRunning:
                await asyncio.sleep(0.01)

    assert run(again()) == 7


def test_a_caller_that_is_canceled_gives_the_work_up(run: Run) -> None:
    # given
    thread, started, told = OneThread("test"), threading.Event(), threading.Event()

    def hang(given_up: threading.Event) -> None:
        started.set()
        assert given_up.wait(60)
        told.set()

    async def cancel() -> None:
        task = asyncio.create_task(thread.run(hang, 60))
        await asyncio.to_thread(started.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    # when
    run(cancel())
    # then
    assert told.wait(60)
