"""Several processes of one service: starts them, replaces those that end or hang, and ends them all.

The supervisor opens the sockets and never closes them, so while a worker is replaced, connections wait and are not
refused. It serves nothing itself.
"""

import asyncio
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress

from service.runtime.worker import READY, STARTED, Place

log = logging.getLogger("kith.workers")

MAX_PAUSE, FIRST_PAUSE = 10.0, 0.5
"""Seconds before a worker is started again: at first, and at most, since each start that fails doubles them."""
SHORT_LIFE_SECONDS = 10.0
"""A worker that ends within this time counts as one that fails to start."""
MAX_FAILED_STARTS = 5
"""Starts in a row that may fail before the service gives up, if no other worker serves."""
HANGING_SECONDS = 30.0
"""A worker that reports nothing for this long serves nobody either, and is killed."""
READY_SECONDS = 60.0
"""How long a new worker may take until its store is ready before the old one stays in its place."""
KILL_GRACE_SECONDS = 3.0
"""How much longer than its own limit a worker may take to shut down."""
_CHECK_SECONDS = 1.0


class _Process:
    """A process of a worker, and what it has reported."""

    def __init__(self, number: int, process: asyncio.subprocess.Process, channel: socket.socket) -> None:
        self.number, self.process, self.channel = number, process, channel
        self.began = self.heard_at = asyncio.get_running_loop().time()
        self.started, self.ready = asyncio.Event(), asyncio.Event()
        self.ending = False
        """Whether it was asked to end."""
        self.watching: asyncio.Task[int] = asyncio.create_task(self._watch())

    def hear(self) -> None:
        """Read what the process has reported."""
        loop = asyncio.get_running_loop()
        try:
            reports = self.channel.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            reports = b""
        if not reports:
            loop.remove_reader(self.channel)
        self.heard_at = loop.time()
        if STARTED in reports:
            self.started.set()
        if READY in reports:
            self.ready.set()

    async def _watch(self) -> int:
        loop = asyncio.get_running_loop()
        loop.add_reader(self.channel, self.hear)
        try:
            return await self.process.wait()
        finally:
            self.hear()
            loop.remove_reader(self.channel)
            self.channel.close()

    def send(self, number: int) -> None:
        """Send a signal that asks the process to end."""
        self.ending = True
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    async def reaches(self, event: asyncio.Event, seconds: float | None) -> bool:
        """Wait until the process has reported an event; return whether it has, and has not ended nor been too slow."""
        waiting = asyncio.create_task(event.wait())
        await asyncio.wait([waiting, self.watching], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        return event.is_set() and not self.watching.done()

    async def end(self, seconds: float) -> int:
        """Wait until the process has ended, and kill it after so many seconds; return its status."""
        done, _ = await asyncio.wait([self.watching], timeout=seconds)
        if not done:
            log.error("worker %d (process %d) did not end within %g s", self.number, self.process.pid, seconds)
            self.send(signal.SIGKILL)
        return await self.watching


class Supervisor:
    """Runs `count` workers with a command each, on the same listening sockets.

    `shutdown_seconds` is how long a worker takes at most to shut down.
    """

    def __init__(
        self,
        command: Sequence[str],
        count: int,
        listeners: Sequence[socket.socket],
        shutdown_seconds: float,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._command, self._count, self._listeners = command, count, list(listeners)
        self._seconds = shutdown_seconds + KILL_GRACE_SECONDS
        # A worker that shuts down reports nothing, too.
        self._hanging_seconds = max(HANGING_SECONDS, self._seconds)
        self._environment = os.environ if environment is None else environment
        self._folder = ""
        self._workers: dict[int, _Process] = {}
        """The processes in their places."""
        self._retired: set[_Process] = set()
        """Processes that others have replaced, and that have not ended."""
        self._keeping: set[asyncio.Task[None]] = set()
        self._rolling: asyncio.Task[None] | None = None
        self._roll_again = False
        self._stopping = asyncio.Event()
        self._given_up = 0

    def run(self) -> int:
        """Run until a signal ends it; return the status with which to exit.

        SIGTERM and SIGINT end all workers, SIGHUP replaces them one by one.
        """
        return asyncio.run(self.supervise())

    async def supervise(self) -> int:
        """Run all workers; return the status with which to exit."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, self._replace_all)
        for ending in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(ending, self._stop, ending)
        self._folder = tempfile.mkdtemp(prefix="kith-")
        try:
            return await self._supervise()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    async def _supervise(self) -> int:
        # Alone, because it makes the structure of an empty store, and says what is wrong with the settings.
        first = await self._start(1, announces=True)
        stopping = asyncio.create_task(self._stopping.wait())
        starting = asyncio.create_task(first.reaches(first.started, None))
        await asyncio.wait([stopping, starting], return_when=asyncio.FIRST_COMPLETED)
        if starting.done() and not starting.result() and not self._stopping.is_set():
            status = await first.watching
            log.error("the first worker ended with status %d before it served anything; giving up", status)
            return status if status > 0 else 1
        if not self._stopping.is_set():
            for number in range(2, self._count + 1):
                await self._start(number)
        checking = asyncio.create_task(self._end_hanging())
        await stopping
        checking.cancel()
        return await self._end_all()

    async def _start(self, number: int, announces: bool = False) -> _Process:
        """Start a process, and keep its place filled."""
        process = await self._spawn(number, announces)
        self._give_place(process)
        return process

    def _give_place(self, process: _Process) -> None:
        self._workers[process.number] = process
        keeping = asyncio.create_task(self._keep(process))
        self._keeping.add(keeping)
        keeping.add_done_callback(self._keeping.discard)

    async def _spawn(self, number: int, announces: bool = False) -> _Process:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        listeners = tuple(listener.fileno() for listener in self._listeners)
        place = Place(number, self._count, listeners, theirs.fileno(), self._folder, announces)
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                env={**self._environment, **place.as_variable()},
                pass_fds=(*listeners, theirs.fileno()),
                # A terminal sends SIGINT to a whole group, and a second one would end workers at once.
                process_group=0,
            )
        finally:
            theirs.close()
        log.info("worker %d is process %d", number, process.pid)
        started = _Process(number, process, ours)
        if self._stopping.is_set():
            started.send(signal.SIGTERM)
        return started

    async def _keep(self, process: _Process) -> None:
        """Keep the place of a process filled: once it ends, unless it was asked to, another one is started."""
        failed = 0
        while True:
            status = await process.watching
            if process.ending or self._workers.get(process.number) is not process:
                return
            lived = asyncio.get_running_loop().time() - process.began
            failed = failed + 1 if lived < SHORT_LIFE_SECONDS else 1
            others = any(other.started.is_set() for other in self._workers.values() if not other.watching.done())
            if failed >= MAX_FAILED_STARTS and not others:
                log.error(
                    "worker %d ended %d times in a row, and no other one serves; giving up", process.number, failed
                )
                self._given_up = status if status > 0 else 1
                self._stopping.set()
                return
            pause = min(MAX_PAUSE, FIRST_PAUSE * 2 ** (failed - 1))
            log.error(
                "worker %d (process %d) ended with status %d; starting another one in %g s",
                process.number,
                process.process.pid,
                status,
                pause,
            )
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stopping.wait()
            if self._stopping.is_set() or self._workers.get(process.number) is not process:
                return
            process = await self._spawn(process.number)
            self._workers[process.number] = process

    async def _end_hanging(self) -> None:
        loop = asyncio.get_running_loop()
        checked = loop.time()
        while True:
            await asyncio.sleep(_CHECK_SECONDS)
            now = loop.time()
            was_stopped, checked = now - checked > 2 * _CHECK_SECONDS, now
            for process in list(self._workers.values()):
                if was_stopped:
                    process.heard_at = now
                elif process.started.is_set() and now - process.heard_at > self._hanging_seconds:
                    log.error("worker %d reports nothing for %g s; killing it", process.number, self._hanging_seconds)
                    with suppress(ProcessLookupError):
                        process.process.kill()

    # --- replacing and ending

    def _replace_all(self) -> None:
        if self._rolling is not None and not self._rolling.done():
            self._roll_again = True
        elif not self._stopping.is_set():
            self._rolling = asyncio.create_task(self._roll())

    async def _roll(self) -> None:
        again = True
        while again and not self._stopping.is_set():
            self._roll_again = False
            for number in range(1, self._count + 1):
                if not await self._replace(number):
                    log.error("worker %d stays, and so do those after it", number)
                    return
            log.info("all workers were replaced")
            again = self._roll_again

    async def _replace(self, number: int) -> bool:
        """Replace a worker by one whose store is ready; return whether there was one."""
        successor = await self._spawn(number)
        self._retired.add(successor)
        try:
            is_ready = await successor.reaches(successor.ready, READY_SECONDS)
            if not is_ready or self._stopping.is_set():
                log.error("the new worker %d did not become ready", number)
                successor.send(signal.SIGTERM)
                await successor.end(self._seconds)
                return False
        finally:
            self._retired.discard(successor)
        old = self._workers[number]
        self._give_place(successor)
        if old.watching.done():
            return True
        self._retired.add(old)
        # Others accept connections, so it need not go on doing so.
        old.send(signal.SIGHUP)
        await old.end(self._seconds)
        self._retired.discard(old)
        return True

    def _stop(self, number: int) -> None:
        is_first = not self._stopping.is_set()
        self._stopping.set()
        # The last worker that closes a socket accepts what waits at it.
        for listener in self._listeners:
            listener.close()
        for process in self._processes():
            # A second signal ends a process at once, so those that are ending already get none with the first.
            if not is_first or not process.ending:
                process.send(number)

    def _processes(self) -> list[_Process]:
        return [process for process in {*self._workers.values(), *self._retired} if not process.watching.done()]

    async def _end_all(self) -> int:
        for process in self._processes():
            if not process.ending:
                process.send(signal.SIGTERM)
        statuses = await asyncio.gather(*(process.end(self._seconds) for process in self._processes()))
        if self._rolling is not None:
            await asyncio.wait([self._rolling], timeout=self._seconds)
        # One that is still starting is ended by the signal itself.
        ended_as_asked = (0, -signal.SIGTERM, -signal.SIGINT)
        return self._given_up or int(any(status not in ended_as_asked for status in statuses))


def own_command() -> list[str]:
    """Return the command that started this process."""
    return [sys.executable, *sys.orig_argv[1:]]
