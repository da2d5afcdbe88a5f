"""Bulk work lets others go on, and stands aside for who waits."""

import asyncio
from time import sleep

import pytest

from graph.runtime.scheduling import WAIT_SECONDS, SomeoneWaits, Turnstile, in_turns, someone_was_here
from tests.builders.runs import Run
from tests.builders.turns import SLICES, slowly, turns_of_others


def test_the_answers_are_in_the_order_of_the_items(run: Run) -> None:
    assert run(in_turns(range(5), slowly)) == [0, -1, -2, -3, -4]


def test_others_go_on_between_slices(run: Run) -> None:
    assert turns_of_others(run) == SLICES - 1


def test_work_of_a_moment_is_done_at_once(run: Run) -> None:
    assert turns_of_others(run, lambda item: item) < SLICES / 2


def test_it_stands_aside_while_someone_waits(run: Run) -> None:
    with SomeoneWaits():
        assert turns_of_others(run) > 3 * SLICES


def test_who_listens_for_hours_is_not_waited_for(run: Run) -> None:
    with SomeoneWaits():
        sleep(WAIT_SECONDS * 1.2)
        assert turns_of_others(run) == SLICES - 1


def test_who_came_last_counts(run: Run) -> None:
    with SomeoneWaits():
        sleep(WAIT_SECONDS * 1.2)
        with SomeoneWaits():
            assert turns_of_others(run) > 3 * SLICES
        # and is forgotten once it has gone
        assert turns_of_others(run) == SLICES - 1


def test_who_sends_one_item_does_not_stand_aside() -> None:
    asking = in_turns([1], slowly)
    with SomeoneWaits(), pytest.raises(StopIteration):
        asking.send(None)


def test_who_was_here_is_remembered_for_a_while() -> None:
    with SomeoneWaits():
        sleep(0.002)
        assert someone_was_here(60)
        assert not someone_was_here(0.001)
    assert someone_was_here(60)
    sleep(0.002)
    assert not someone_was_here(0.001)


def test_a_turnstile_lets_one_through_in_a_turn_of_the_loop_in_the_order_they_came(run: Run) -> None:
    # given
    turnstile, told, turn = Turnstile(), [], 0

    async def one(name: int) -> None:
        for _ in range(3):
            await turnstile.through()
            told.append((turn, name))

    async def clock() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    async def all_of_them() -> None:
        ticking = asyncio.create_task(clock())
        await asyncio.gather(*(one(name) for name in range(4)))
        ticking.cancel()

    # when
    run(all_of_them())

    # then
    assert [name for _, name in told] == [0, 1, 2, 3] * 3
    turns = [at for at, _ in told]
    assert len(set(turns)) == len(turns)


def test_a_turnstile_goes_on_behind_one_that_gave_up(run: Run) -> None:
    async def through() -> None:
        turnstile = Turnstile()
        first, second, third = (asyncio.create_task(turnstile.through()) for _ in range(3))
        await asyncio.sleep(0)
        second.cancel()
        async with asyncio.timeout(5):
            await asyncio.gather(first, third)
            await turnstile.through()

    run(through())
