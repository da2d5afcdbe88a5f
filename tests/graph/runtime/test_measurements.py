"""Stopwatches: waits that overlap count once."""

import asyncio
from time import perf_counter

from graph.runtime.measurements import OperationTimes, Stopwatch, current
from tests.builders.runs import Run


def test_waits_that_overlap_count_once(run: Run) -> None:
    # given
    watch = Stopwatch()

    async def wait() -> None:
        with watch:
            await asyncio.sleep(0.02)

    async def wait_together() -> float:
        began = perf_counter()
        await asyncio.gather(*(wait() for _ in range(50)))
        return perf_counter() - began

    # when
    taken = run(wait_together())
    # then: 50 waits would be a second
    assert 0.019 <= watch.seconds <= taken


def test_waits_after_one_another_add_up(run: Run) -> None:
    # given
    watch = Stopwatch()

    async def wait() -> None:
        for _ in range(3):
            with watch:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.01)

    # when
    began = perf_counter()
    run(wait())
    # then
    assert 0.029 <= watch.seconds < perf_counter() - began - 0.029


def test_tasks_of_an_operation_share_its_times(run: Run) -> None:
    # given
    times = OperationTimes()

    async def operation() -> OperationTimes | None:
        current.set(times)
        return await asyncio.create_task(part())

    async def part() -> OperationTimes | None:
        return current.get()

    # when, then
    assert run(operation()) is times
    assert current.get() is None
