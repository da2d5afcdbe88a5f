"""What threads do for callers of the event loop: each can be given up alone, and short ones go to a thread together."""

import asyncio
import sqlite3
import threading
from asyncio import Future
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

FEWEST = 4
"""Jobs that go to one thread together: the way there and back takes as long as what most of them do."""


class Job:
    """What one thread does for one caller, so that the caller can stop it and nothing else."""

    def __init__(self, function: Callable[..., Any], values: Sequence[object]) -> None:
        self._function, self._values = function, values
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._given_up = False

    def run(self, connection: sqlite3.Connection) -> Any:
        """Do it, while a connection works for it alone."""
        with self._lock:
            if self._given_up:
                return None
            self._connection = connection
        try:
            return self._function(*self._values)
        finally:
            with self._lock:
                self._connection = None

    def interrupt(self) -> None:
        """Stop the statement that runs for this job, if one does; if none has, none will."""
        with self._lock:
            self._given_up = True
            if self._connection is not None:
                self._connection.interrupt()


class Crews:
    """Takes jobs that come in one turn of the event loop to as few of the threads as are of use."""

    def __init__(self, pool: ThreadPoolExecutor, threads: int, run: Callable[[Job], Any]) -> None:
        self._pool, self._threads, self._run = pool, threads, run
        self._waiting: list[tuple[Job, Future[Any]]] = []

    async def run(self, function: Callable[..., Any], *values: object) -> Any:
        """What a function answers in a thread; it must take a moment only, for others may wait behind it."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._leave, loop)
        job, answer = Job(function, values), loop.create_future()
        self._waiting.append((job, answer))
        try:
            return await answer
        except asyncio.CancelledError:
            job.interrupt()
            raise

    def _leave(self, loop: asyncio.AbstractEventLoop) -> None:
        waiting, self._waiting = self._waiting, []
        size = max(FEWEST, -(-len(waiting) // self._threads))
        for start in range(0, len(waiting), size):
            crew = waiting[start : start + size]
            try:
                self._pool.submit(self._work, crew, loop)
            except RuntimeError as error:  # the store was closed
                _told([(answer, None, error) for _, answer in crew])

    def _work(self, crew: Sequence[tuple[Job, Future[Any]]], loop: asyncio.AbstractEventLoop) -> None:
        done: list[tuple[Future[Any], Any, Exception | None]] = []
        for job, answer in crew:
            try:
                done.append((answer, self._run(job), None))
            except Exception as error:
                done.append((answer, None, error))
        loop.call_soon_threadsafe(_told, done)


def _told(done: Sequence[tuple[Future[Any], Any, Exception | None]]) -> None:
    for answer, found, error in done:
        if answer.done():
            continue
        if error is None:
            answer.set_result(found)
        else:
            answer.set_exception(error)
