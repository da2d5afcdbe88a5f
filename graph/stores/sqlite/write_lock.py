"""A lock that the writers of several processes wait for in turn.

SQLite keeps their transactions apart, but a writer that finds SQLite's lock taken sleeps and looks again, ever more
rarely: beside a busy process it waits for seconds. Here it waits in the kernel, which wakes it when the lock is free,
and frees the locks of a process that ends, however it ends. Without this lock writes are as safe as with it.
"""

import os
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress

from graph.domain.model.errors import StoreUnavailable
from graph.stores.sqlite import failures

if sys.platform != "win32":
    import fcntl


class WriteLock:
    """Lets one process at a time write to the file at a path. Used by one thread."""

    def __init__(self, path: str) -> None:
        # A process that frees the lock and wants it again would take it before a waiting process has woken up. So there
        # are two: who is next holds `queue` while it waits for `lock`, and the others wait for `queue`.
        self._paths = f"{path}-queue", f"{path}-lock"
        self._files: list[int] = []
        self.contended_at = float("-inf")
        """When another process had the lock last, or was next in turn, by the monotonic clock."""

    @contextmanager
    def held(self, seconds: float) -> Iterator[None]:
        """Hold the lock. Raises `StoreUnavailable` if it was not free for so many seconds."""
        if not self._files:
            self._open()
        if not self._files:
            yield
            return
        queue, lock = self._files
        deadline = time.monotonic() + seconds
        self._acquire(queue, deadline)
        try:
            self._acquire(lock, deadline)
        finally:
            self._release(queue)
        try:
            yield
        finally:
            self._release(lock)

    def _open(self) -> None:
        if sys.platform == "win32":
            return
        try:
            for path in self._paths:
                self._files.append(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666))
                with suppress(BlockingIOError):
                    fcntl.flock(self._files[-1], fcntl.LOCK_SH | fcntl.LOCK_NB)
                    self._release(self._files[-1])
        except OSError:
            # The folder is read-only or full, and SQLite reports it; or its file system has no locks.
            self.close()

    def _acquire(self, file: int, deadline: float) -> None:
        with suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        self.contended_at = time.monotonic()
        # The kernel's wait has no time limit, so a thread waits that nobody has to wait for.
        acquired: Future[None] = Future()
        threading.Thread(target=_wait_for, args=(file, acquired), daemon=True).start()
        try:
            acquired.result(max(0, deadline - time.monotonic()))
        except TimeoutError as error:
            self.close()  # A lock that is acquired too late is free at once, since its file is closed.
            raise StoreUnavailable(failures.SENTENCES[sqlite3.SQLITE_BUSY]) from error

    def _release(self, file: int) -> None:
        if self._files:
            fcntl.flock(file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the files of the lock."""
        for file in self._files:
            os.close(file)
        self._files = []


def _wait_for(file: int, acquired: Future[None]) -> None:
    with suppress(OSError):  # the file was closed
        fcntl.flock(file, fcntl.LOCK_EX)
    acquired.set_result(None)
