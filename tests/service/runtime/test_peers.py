"""Workers reach each other."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from service.runtime.peers import Peers
from tests.builders.runs import Run


class Heard:
    """Counts news."""

    def __init__(self) -> None:
        self.count, self.first = 0, asyncio.Event()

    def __call__(self) -> None:
        self.count += 1
        self.first.set()


@asynccontextmanager
async def opened(count: int) -> AsyncIterator[list[tuple[Peers, Heard]]]:
    # Not in `tmp_path`, whose name may be too long for the address of a socket.
    with tempfile.TemporaryDirectory() as folder:
        workers = [(Peers(Path(folder), number, count), Heard()) for number in range(1, count + 1)]
        for peers, heard in workers:
            await peers.open(heard)
        yield workers
        for peers, _ in workers:
            peers.close()


async def say(text: str) -> bytes:
    return text.upper().encode()


def test_news_reach_all_others_once(run: Run) -> None:
    async def attempt() -> list[int]:
        async with opened(3) as workers:
            for _ in range(50):
                workers[0][0].announce()
            async with asyncio.timeout(10):
                for _, heard in workers[1:]:
                    await heard.first.wait()
            return [heard.count for _, heard in workers]

    assert run(attempt()) == [0, 1, 1]


def test_questions_are_answered_by_all_that_are_there(run: Run) -> None:
    async def attempt() -> dict[int, bytes]:
        async with opened(3) as workers:
            for peers, _ in workers[:2]:
                peers.answers("say", say)
            workers[1][0].answers("other", say)
            # when: the third has no answer
            return await workers[0][0].ask("say", "hello you")

    assert run(attempt()) == {2: b"HELLO YOU"}


def test_a_worker_that_is_gone_is_left_out(run: Run) -> None:
    async def attempt() -> dict[int, bytes]:
        async with opened(3) as workers:
            for peers, _ in workers:
                peers.answers("say", say)
            workers[2][0].close()
            workers[0][0].announce()
            return await workers[0][0].ask("say", "x")

    assert run(attempt()) == {2: b"X"}


def test_a_successor_takes_the_place_of_a_worker(run: Run) -> None:
    async def attempt() -> dict[int, bytes]:
        async with opened(2) as workers:
            old = workers[1][0]
            old.answers("say", say)
            successor = Peers(old._folder, 2, 2)

            async def newer(text: str) -> bytes:
                return b"newer"

            successor.answers("say", newer)
            # when
            await successor.open(Heard())
            old.close()
            # then
            answers = await workers[0][0].ask("say", "x")
            successor.close()
            return answers

    assert run(attempt()) == {2: b"newer"}
