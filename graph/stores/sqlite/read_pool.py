"""Reads in threads for callers on the event loop. Each can be canceled alone; short reads share a thread."""

import asyncio
import sqlite3
import threading
from asyncio import Future
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

MIN_BATCH = 4
"""Jobs that one thread gets together: handing a job over takes as long as most jobs do."""


class ReadJob:
    """Work of one thread for one caller, so that the caller can stop it and nothing else."""

    def __init__(self, function: Callable[..., Any], values: Sequence[object]) -> None:
        self._function, self._values = function, values
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._cancelled = False
        self.interrupted = False
        """Whether a connection was interrupted for this job; its open cursors and transaction are then unusable."""

    def run(self, connection: sqlite3.Connection) -> Any:
        """Run the function. Until it returns, the connection works for this job alone."""
        with self._lock:
            if self._cancelled:
                return None
            self._connection = connection
        try:
            return self._function(*self._values)
        finally:
            with self._lock:
                self._connection = None

    def interrupt(self) -> None:
        """Stop the statement that runs for this job. A job that has not begun will not run."""
        with self._lock:
            self._cancelled = True
            if self._connection is not None:
                self.interrupted = True
                self._connection.interrupt()


class ReadPool:
    """Distributes the jobs of one turn of the event loop over as few threads as are useful."""

    def __init__(self, pool: ThreadPoolExecutor, threads: int, run: Callable[[ReadJob], Any]) -> None:
        self._pool, self._threads, self._run = pool, threads, run
        self._waiting: list[tuple[ReadJob, Future[Any]]] = []

    async def run(self, function: Callable[..., Any], *values: object) -> Any:
        """Return the result of a function, run in a thread. It must be short, because other jobs may wait for it."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._flush, loop)
        job, result = ReadJob(function, values), loop.create_future()
        self._waiting.append((job, result))
        try:
            return await result
        except asyncio.CancelledError:
            job.interrupt()
            raise

    def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        waiting, self._waiting = self._waiting, []
        size = max(MIN_BATCH, -(-len(waiting) // self._threads))
        for start in range(0, len(waiting), size):
            batch = waiting[start : start + size]
            try:
                self._pool.submit(self._work, batch, loop)
            except RuntimeError as error:  # the store was closed
                _deliver([(result, None, error) for _, result in batch])

    def _work(self, batch: Sequence[tuple[ReadJob, Future[Any]]], loop: asyncio.AbstractEventLoop) -> None:
        done: list[tuple[Future[Any], Any, Exception | None]] = []
        for job, result in batch:
            try:
                done.append((result, self._run(job), None))
            except Exception as error:
                done.append((result, None, error))
        loop.call_soon_threadsafe(_deliver, done)


def _deliver(done: Sequence[tuple[Future[Any], Any, Exception | None]]) -> None:
    for result, value, error in done:
        if result.done():
            continue
        if error is None:
            result.set_result(value)
        else:
            result.set_exception(error)
