"""Senders of files that are killed in the middle of a batch. Run as a process of its own, because it forks.

    python -m tests.builders.killed_file_drops SETTINGS TIMES

SETTINGS is JSON. Starts a sender TIMES times, and kills each after it has begun some batches; like the ledger, the next
one repeats what was not acknowledged. The last one ends by itself. Prints the numbers of the acknowledged batches, and
how many were cut off, as JSON.
"""

import asyncio
import json
import os
import random
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from service.destinations.adapter import DONE, MemberUpdate
from service.destinations.files.adapter import FilesAdapter
from service.destinations.files.settings import FilesSettings
from tests.builders.file_drops import WINBACK, settings, update

ADDRESSES = 200
"""Addresses that a batch adds to each of two audiences, and that the next batch removes."""
OTHER = replace(WINBACK, id="aud_2", external_id="other")


def batch(number: int) -> Sequence[MemberUpdate]:
    """The updates of a batch: their addresses and fields have its number."""
    updates = []
    for audience in (WINBACK, OTHER):
        for n in range(ADDRESSES):
            fields = {"first_name": f"batch {number}"}
            updates.append(update(f"{number}-{n}@x.example", audience, fields=fields))
            updates.append(update(f"{number - 1}-{n}@x.example", audience, present=False))
    return updates


def send(chosen: FilesSettings, first: int, end: int | None, told: int) -> None:
    """Send batches, and tell of each before and after, by writing to the descriptor `told`."""

    async def run() -> None:
        adapter = FilesAdapter(chosen)
        number = first
        while end is None or number < end:
            os.write(told, f"begun {number}\n".encode())
            assert set(await adapter.send(batch(number))) == {DONE}
            os.write(told, f"done {number}\n".encode())
            number += 1

    asyncio.run(run())


def main() -> None:
    """Run the command line."""
    chosen, times = settings(Path("/"), **json.loads(sys.argv[1])), int(sys.argv[2])
    dice = random.Random(7)
    done: list[int] = []
    cut_off = 0
    for turn in range(times + 1):
        first, last = len(done), turn == times
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                send(chosen, first, first + 3 if last else None, writing)
            finally:
                os._exit(0)
        os.close(writing)
        begun, kill_at = -1, first + dice.randrange(3)
        with os.fdopen(reading) as lines:
            for line in lines:
                what, number = line.split()
                if what == "done":
                    done.append(int(number))
                else:
                    begun = int(number)
                    if begun == kill_at and not last:
                        # Anywhere from before the first file to after the last manifest.
                        time.sleep(dice.random() * 0.02)
                        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        cut_off += begun == len(done)
    print(json.dumps({"done": done, "cut_off": cut_off}))


if __name__ == "__main__":
    main()
