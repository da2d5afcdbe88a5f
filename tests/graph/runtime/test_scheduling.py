"""Bulk work yields to other tasks, and pauses for interactive requests."""

import asyncio
from time import sleep

import pytest

from graph.runtime.scheduling import (
    INTERACTIVE_SECONDS,
    FairQueue,
    InteractiveRequest,
    interactive_within,
    map_cooperatively,
)
from tests.builders.runs import Run
from tests.builders.slices import SLICES, negate_slowly, runs_of_another_task


def test_the_results_are_in_the_order_of_the_items(run: Run) -> None:
    assert run(map_cooperatively(range(5), negate_slowly)) == [0, -1, -2, -3, -4]


def test_other_tasks_run_between_slices(run: Run) -> None:
    assert runs_of_another_task(run) == SLICES - 1


def test_work_shorter_than_a_slice_does_not_yield(run: Run) -> None:
    assert runs_of_another_task(run, lambda item: item) < SLICES / 2


def test_bulk_work_pauses_while_an_interactive_request_runs(run: Run) -> None:
    with InteractiveRequest():
        assert runs_of_another_task(run) > 3 * SLICES


def test_bulk_work_does_not_pause_for_a_long_request(run: Run) -> None:
    with InteractiveRequest():
        sleep(INTERACTIVE_SECONDS * 1.2)
        assert runs_of_another_task(run) == SLICES - 1


def test_the_newest_interactive_request_counts(run: Run) -> None:
    with InteractiveRequest():
        sleep(INTERACTIVE_SECONDS * 1.2)
        with InteractiveRequest():
            assert runs_of_another_task(run) > 3 * SLICES
        # and no longer once it has finished
        assert runs_of_another_task(run) == SLICES - 1


def test_a_request_with_one_item_does_not_yield() -> None:
    mapping = map_cooperatively([1], negate_slowly)
    with InteractiveRequest(), pytest.raises(StopIteration):
        mapping.send(None)


def test_a_finished_interactive_request_is_remembered_for_a_while() -> None:
    with InteractiveRequest():
        sleep(0.002)
        assert interactive_within(60)
        assert not interactive_within(0.001)
    assert interactive_within(60)
    sleep(0.002)
    assert not interactive_within(0.001)


def test_a_fair_queue_runs_one_task_per_iteration_of_the_loop_in_order_of_arrival(run: Run) -> None:
    # given
    queue, turns, iteration = FairQueue(), [], 0

    async def task(name: int) -> None:
        for _ in range(3):
            await queue.wait_turn()
            turns.append((iteration, name))

    async def clock() -> None:
        nonlocal iteration
        while True:
            iteration += 1
            await asyncio.sleep(0)

    async def run_all() -> None:
        ticking = asyncio.create_task(clock())
        await asyncio.gather(*(task(name) for name in range(4)))
        ticking.cancel()

    # when
    run(run_all())

    # then
    assert [name for _, name in turns] == [0, 1, 2, 3] * 3
    iterations = [at for at, _ in turns]
    assert len(set(iterations)) == len(iterations)


def test_a_fair_queue_continues_after_a_canceled_task(run: Run) -> None:
    async def wait() -> None:
        queue = FairQueue()
        first, second, third = (asyncio.create_task(queue.wait_turn()) for _ in range(3))
        await asyncio.sleep(0)
        second.cancel()
        async with asyncio.timeout(5):
            await asyncio.gather(first, third)
            await queue.wait_turn()

    run(wait())
