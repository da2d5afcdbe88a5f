"""A limit that many share does to each what `asyncio.timeout` does."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, cast

import pytest

from graph.runtime.timeouts import TimeLimit
from tests.builders.runs import Run

SHORT = 0.02
Limited = Callable[[], AbstractAsyncContextManager[object]]


def ours(seconds: float) -> Limited:
    """A limit of ours, as often as it is wanted."""
    limit = TimeLimit(seconds)

    @asynccontextmanager
    async def within() -> AsyncIterator[None]:
        with limit.within():
            yield

    return within


LIMITS = pytest.mark.parametrize(
    "made", [ours, lambda seconds: lambda: asyncio.timeout(seconds)], ids=["ours", "asyncio"]
)


@LIMITS
def test_what_is_done_in_time_is_left_alone(run: Run, made: Callable[[float], Limited]) -> None:
    async def work() -> str:
        async with made(60)():
            await asyncio.sleep(0)
        return "done"

    assert run(work()) == "done"


@LIMITS
def test_what_takes_too_long_is_cancelled_where_it_waits(run: Run, made: Callable[[float], Limited]) -> None:
    async def work() -> list[str]:
        told = []
        try:
            async with made(SHORT)():
                try:
                    await asyncio.sleep(60)
                finally:
                    told.append("cleaned up")
        except TimeoutError:
            told.append("too late")
        # and the task goes on as if nothing had been
        await asyncio.sleep(0)
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        return told

    assert run(work()) == ["cleaned up", "too late"]


@LIMITS
def test_an_error_of_the_body_is_its_own(run: Run, made: Callable[[float], Limited]) -> None:
    async def work(seconds: float) -> None:
        async with made(seconds)():
            try:
                await asyncio.sleep(SHORT)
            finally:
                raise KeyError("mine")

    for seconds in (60, SHORT / 4):
        with pytest.raises(KeyError):
            run(work(seconds))


@LIMITS
def test_who_is_cancelled_by_others_is_cancelled(run: Run, made: Callable[[float], Limited]) -> None:
    async def work(seconds: float) -> bool:
        async def body() -> None:
            async with made(seconds)():
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    # long enough for the limit to run out as well
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
def test_a_limit_within_a_limit(run: Run, made: Callable[[float], Limited]) -> None:
    async def work(outer: float, inner: float) -> str:
        try:
            async with made(outer)():
                try:
                    async with made(inner)():
                        await asyncio.sleep(60)
                except TimeoutError:
                    return "inner"
        except TimeoutError:
            return "outer"
        return "none"

    assert run(work(60, SHORT)) == "inner"
    assert run(work(SHORT, 60)) == "outer"


def test_each_of_many_has_its_own_time(run: Run) -> None:
    # given: one every third of the limit, of which every other one is done in time
    within = ours(SHORT * 3)

    async def one(seconds: float) -> tuple[str, float]:
        began = asyncio.get_running_loop().time()
        try:
            async with within():
                await asyncio.sleep(seconds)
            how = "done"
        except TimeoutError:
            how = "late"
        return how, asyncio.get_running_loop().time() - began

    async def all_of_them() -> list[tuple[str, float]]:
        tasks = []
        for number in range(12):
            tasks.append(asyncio.create_task(one(60 if number % 2 else 0)))
            await asyncio.sleep(SHORT)
        return [await task for task in tasks]

    # when
    found = run(all_of_them())
    # then
    assert [how for how, _ in found] == ["done", "late"] * 6
    assert all(took >= SHORT * 2.9 for how, took in found if how == "late")


class Counting(asyncio.SelectorEventLoop):
    """An event loop that counts its timers."""

    timers = 0

    def call_at(self, *arguments: Any, **options: Any) -> asyncio.TimerHandle:
        """Set one."""
        self.timers += 1
        return super().call_at(*arguments, **options)


def test_one_timer_is_set_for_all() -> None:
    limit = TimeLimit(60)

    async def hundred() -> None:
        for _ in range(100):
            with limit.within():
                await asyncio.sleep(0)

    with asyncio.Runner(loop_factory=Counting) as runner:
        runner.run(hundred())
        assert cast("Counting", runner.get_loop()).timers == 1


def test_it_goes_on_in_another_loop() -> None:
    limit = TimeLimit(SHORT)

    async def late() -> None:
        with limit.within():
            await asyncio.sleep(60)

    for _ in range(2):
        with pytest.raises(TimeoutError):
            asyncio.run(late())


def test_it_is_for_tasks_only() -> None:
    with pytest.raises(RuntimeError):
        TimeLimit(1).within().__enter__()
