"""A shared timeout does to each scope what `asyncio.timeout` does."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, cast

import pytest

from graph.runtime.timeouts import SharedTimeout
from tests.builders.runs import Run

SHORT = 0.02
Limited = Callable[[], AbstractAsyncContextManager[object]]


def shared(seconds: float) -> Limited:
    """A shared timeout that returns a new scope for each call."""
    timeout = SharedTimeout(seconds)

    @asynccontextmanager
    async def scope() -> AsyncIterator[None]:
        with timeout.scope():
            yield

    return scope


LIMITS = pytest.mark.parametrize(
    "timeout", [shared, lambda seconds: lambda: asyncio.timeout(seconds)], ids=["shared", "asyncio"]
)


@LIMITS
def test_work_within_the_timeout_is_not_affected(run: Run, timeout: Callable[[float], Limited]) -> None:
    async def work() -> str:
        async with timeout(60)():
            await asyncio.sleep(0)
        return "done"

    assert run(work()) == "done"


@LIMITS
def test_work_that_takes_too_long_is_canceled_while_it_waits(run: Run, timeout: Callable[[float], Limited]) -> None:
    async def work() -> list[str]:
        events = []
        try:
            async with timeout(SHORT)():
                try:
                    await asyncio.sleep(60)
                finally:
                    events.append("cleaned up")
        except TimeoutError:
            events.append("too late")
        # and the task continues without a pending cancellation
        await asyncio.sleep(0)
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        return events

    assert run(work()) == ["cleaned up", "too late"]


@LIMITS
def test_an_error_of_the_body_is_raised(run: Run, timeout: Callable[[float], Limited]) -> None:
    async def work(seconds: float) -> None:
        async with timeout(seconds)():
            try:
                await asyncio.sleep(SHORT)
            finally:
                raise KeyError("body")

    for seconds in (60, SHORT / 4):
        with pytest.raises(KeyError):
            run(work(seconds))


@LIMITS
def test_a_task_that_is_canceled_by_another_stays_canceled(run: Run, timeout: Callable[[float], Limited]) -> None:
    async def work(seconds: float) -> bool:
        async def body() -> None:
            async with timeout(seconds)():
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    # long enough for the timeout to expire as well
                    await asyncio.sleep(SHORT * 3)
                    raise

        task = asyncio.create_task(body())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert run(work(60))
    assert run(work(SHORT))


@LIMITS
def test_a_timeout_within_a_timeout(run: Run, timeout: Callable[[float], Limited]) -> None:
    async def work(outer: float, inner: float) -> str:
        try:
            async with timeout(outer)():
                try:
                    async with timeout(inner)():
                        await asyncio.sleep(60)
                except TimeoutError:
                    return "inner"
        except TimeoutError:
            return "outer"
        return "none"

    assert run(work(60, SHORT)) == "inner"
    assert run(work(SHORT, 60)) == "outer"


def test_each_scope_has_its_own_deadline(run: Run) -> None:
    # given: one scope every third of the timeout, of which every second one finishes in time
    scope = shared(SHORT * 3)

    async def measure(seconds: float) -> tuple[str, float]:
        began = asyncio.get_running_loop().time()
        try:
            async with scope():
                await asyncio.sleep(seconds)
            outcome = "done"
        except TimeoutError:
            outcome = "late"
        return outcome, asyncio.get_running_loop().time() - began

    async def measure_all() -> list[tuple[str, float]]:
        tasks = []
        for number in range(12):
            tasks.append(asyncio.create_task(measure(60 if number % 2 else 0)))
            await asyncio.sleep(SHORT)
        return [await task for task in tasks]

    # when
    results = run(measure_all())
    # then
    assert [outcome for outcome, _ in results] == ["done", "late"] * 6
    assert all(duration >= SHORT * 2.9 for outcome, duration in results if outcome == "late")


class Counting(asyncio.SelectorEventLoop):
    """An event loop that counts its timers."""

    timers = 0

    def call_at(self, *arguments: Any, **options: Any) -> asyncio.TimerHandle:
        """Set a timer."""
        self.timers += 1
        return super().call_at(*arguments, **options)


def test_one_timer_is_set_for_all_scopes() -> None:
    timeout = SharedTimeout(60)

    async def hundred() -> None:
        for _ in range(100):
            with timeout.scope():
                await asyncio.sleep(0)

    with asyncio.Runner(loop_factory=Counting) as runner:
        runner.run(hundred())
        assert cast("Counting", runner.get_loop()).timers == 1


def test_it_works_on_another_loop() -> None:
    timeout = SharedTimeout(SHORT)

    async def late() -> None:
        with timeout.scope():
            await asyncio.sleep(60)

    for _ in range(2):
        with pytest.raises(TimeoutError):
            asyncio.run(late())


def test_a_scope_must_be_entered_in_a_task() -> None:
    with pytest.raises(RuntimeError):
        SharedTimeout(1).scope().__enter__()


def test_all_scopes_can_be_expired_at_once() -> None:
    # given
    timeout = SharedTimeout(60)

    async def wait() -> None:
        with timeout.scope():
            await asyncio.sleep(60)

    async def three() -> list[BaseException | None]:
        tasks = [asyncio.create_task(wait()) for _ in range(3)]
        await asyncio.sleep(0)
        # when
        timeout.expire()
        return await asyncio.gather(*tasks, return_exceptions=True)

    # then
    assert [type(error) for error in asyncio.run(three())] == [TimeoutError] * 3
