"""Work that lasts for some slices of time, and how often others have a turn beside it."""

import asyncio
from collections.abc import Callable
from time import sleep

from graph.runtime.scheduling import SLICE_SECONDS, in_turns
from tests.builders.runs import Run

SLICES = 8


def slowly(item: int) -> int:
    """A function that takes longer than a slice."""
    sleep(SLICE_SECONDS * 1.5)
    return -item


def turns_of_others(run: Run, change: Callable[[int], int] = slowly) -> int:
    """How often something else had a turn while some items were worked on."""

    async def count() -> int:
        seen = 0

        async def other() -> None:
            nonlocal seen
            while True:
                seen += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        await in_turns(range(SLICES), change)
        task.cancel()
        return seen

    return run(count())
