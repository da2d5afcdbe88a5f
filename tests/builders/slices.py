"""Work that takes several slices of time, and how often another task runs in the meantime."""

import asyncio
from collections.abc import Callable
from time import sleep

from graph.runtime.scheduling import SLICE_SECONDS, map_cooperatively
from tests.builders.runs import Run

SLICES = 8


def negate_slowly(item: int) -> int:
    """A function that takes longer than a slice."""
    sleep(SLICE_SECONDS * 1.5)
    return -item


def runs_of_another_task(run: Run, function: Callable[[int], int] = negate_slowly) -> int:
    """How often another task ran while items were processed."""

    async def count() -> int:
        runs = 0

        async def other() -> None:
            nonlocal runs
            while True:
                runs += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        await map_cooperatively(range(SLICES), function)
        task.cancel()
        return runs

    return run(count())
