"""A supervisor keeps its workers running. The workers here serve nothing, and write down what they are."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from service.runtime import supervisor as supervisor_module
from service.runtime.supervisor import Supervisor

WORKER = """
import os, signal, sys, threading, time
from pathlib import Path
from service.runtime.worker import STARTED, Worker
folder, behavior = Path(sys.argv[1]), sys.argv[2]
worker = Worker.from_environment()
ending = threading.Event()
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda *_: ending.set())
with (folder / "seen").open("a") as seen:
    print(worker.number, os.getpid(), int(worker.announces), file=seen)
attempts = len((folder / "seen").read_text().splitlines())
if behavior == "fails":
    sys.exit(7)
if behavior == "second fails" and worker.number == 2 and attempts < 4:
    sys.exit(7)
if behavior == "successors fail" and attempts > 2:
    sys.exit(7)
worker.end_with_supervisor()
worker.report(STARTED)
while not ending.wait(0.05):
    if not (behavior == "hangs" and attempts <= 2 and worker.number == 1):
        worker.beat(ready=True)
"""


class Started:
    """What the workers have written down: number, process, and whether it announces, in the order of their starts."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "seen"

    @property
    def all(self) -> list[tuple[int, int, bool]]:
        lines = self._file.read_text().splitlines() if self._file.exists() else []
        return [(int(number), int(process), said == "1") for number, process, said in map(str.split, lines)]

    async def wait(self, count: int) -> list[tuple[int, int, bool]]:
        """Wait until so many workers were started."""
        async with asyncio.timeout(20):
            while len(self.all) < count:  # noqa: ASYNC110 - other processes have no events of this loop
                await asyncio.sleep(0.02)
        return self.all


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor_module, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(supervisor_module, "_CHECK_SECONDS", 0.1)


def supervise(folder: Path, behavior: str, work: Callable[[Started], Awaitable[None]], count: int = 2) -> int:
    """Run workers while `work` runs, which ends them; return the status of the supervisor."""
    started = Started(folder)

    async def run() -> int:
        script = [sys.executable, "-c", WORKER, str(folder), behavior]
        supervising = asyncio.create_task(Supervisor(script, count, [], 5).supervise())
        await work(started)
        status = await supervising
        assert not [process for _, process, _ in started.all if is_alive(process)]
        return status

    return asyncio.run(run())


async def end() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def test_the_first_worker_announces_and_all_end_with_the_supervisor(tmp_path: Path) -> None:
    async def work(started: Started) -> None:
        seen = await started.wait(3)
        assert sorted((number, announces) for number, _, announces in seen) == [(1, True), (2, False), (3, False)]
        await end()

    assert supervise(tmp_path, "works", work, count=3) == 0


def test_a_worker_that_ends_is_started_again(tmp_path: Path) -> None:
    async def work(started: Started) -> None:
        # given
        _, (_, killed, _) = await started.wait(2)
        # when
        os.kill(killed, signal.SIGKILL)
        # then
        number, process, announces = (await started.wait(3))[2]
        assert (number, announces) == (2, False)
        assert process != killed
        await end()

    assert supervise(tmp_path, "works", work) == 0


def test_it_gives_up_with_the_status_of_a_first_worker_that_cannot_start(tmp_path: Path) -> None:
    async def work(started: Started) -> None:
        await started.wait(1)

    assert supervise(tmp_path, "fails", work) == 7


def test_a_worker_that_fails_to_start_is_tried_again_beside_one_that_serves(tmp_path: Path) -> None:
    async def work(started: Started) -> None:
        assert [number for number, _, _ in await started.wait(4)] == [1, 2, 2, 2]
        await end()

    assert supervise(tmp_path, "second fails", work) == 0


def test_sighup_replaces_the_workers_one_by_one(tmp_path: Path) -> None:
    async def work(started: Started) -> None:
        # given
        old = [process for _, process, _ in await started.wait(2)]
        await asyncio.sleep(0.2)
        # when
        os.kill(os.getpid(), signal.SIGHUP)
        # then: the second one is alive until the first was replaced
        (number, _, announces) = (await started.wait(3))[2]
        assert (number, announces) == (1, False)
        assert is_alive(old[1])
        assert (await started.wait(4))[3][0] == 2
        async with asyncio.timeout(10):
            while any(map(is_alive, old)):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.02)
        await end()

    assert supervise(tmp_path, "works", work) == 0


def test_a_worker_whose_successor_cannot_start_stays(tmp_path: Path) -> None:
    async def work(started: Started) -> None:
        # given
        old = [process for _, process, _ in await started.wait(2)]
        await asyncio.sleep(0.2)
        # when
        os.kill(os.getpid(), signal.SIGHUP)
        await started.wait(3)
        await asyncio.sleep(0.3)
        # then
        assert all(map(is_alive, old))
        assert len(started.all) == 3
        await end()

    assert supervise(tmp_path, "successors fail", work) == 0


def test_a_worker_that_hangs_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # given
    monkeypatch.setattr(supervisor_module, "HANGING_SECONDS", 0.5)
    monkeypatch.setattr(supervisor_module, "KILL_GRACE_SECONDS", -4.5)

    async def work(started: Started) -> None:
        seen = await started.wait(3)
        # then
        assert seen[2][0] == 1
        assert not is_alive(seen[0][1])
        monkeypatch.setattr(supervisor_module, "HANGING_SECONDS", 30)
        await end()

    assert supervise(tmp_path, "hangs", work) == 0
