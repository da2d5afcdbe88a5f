"""A server as a child process, which ends with the process that started it. Standard library only."""

import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tools.neo4j.guard import guard, release

STOP_SECONDS = 30
"""Time for a clean end, after which the server is killed."""


class CannotStart(Exception):
    """The server cannot run on this machine. The message is the reason."""


class ServerProcess:
    """Runs `command`, whose output goes to the end of the file `log`. `name` is used in messages."""

    def __init__(self, command: Sequence[str], log: Path, name: str) -> None:
        self._log, self._name = log, name
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                list(command), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
        self._guard: subprocess.Popen[bytes] | None = guard(self._process.pid)

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Wait until the server is ready. Raises `CannotStart`, and stops the server, if it ends or takes too long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                self.stop()
                raise CannotStart(f"{self._name} stopped at once; see {self._log}")
            if ready():
                return
            time.sleep(0.2)
        self.stop()
        raise CannotStart(f"{self._name} did not answer within {seconds:g} s")

    def stop(self) -> None:
        """Stop the server cleanly, or kill it if that takes too long."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._guard is not None:
            release(self._guard)
            self._guard = None

    def kill(self) -> None:
        """End the server at once, as a crash does."""
        self._process.kill()
        self.stop()


class ChildServer:
    """A server of the tools, which its subclass starts in `__enter__` as `_process`."""

    _process: ServerProcess | None = None

    def stop(self) -> None:
        """Stop the server cleanly, or kill it after `STOP_SECONDS`."""
        if self._process is not None:
            self._process.stop()

    def kill(self) -> None:
        """End the server at once, as a crash does."""
        if self._process is not None:
            self._process.kill()

    def __exit__(self, *_: object) -> None:
        self.stop()
