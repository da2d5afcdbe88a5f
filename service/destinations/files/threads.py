"""Blocking work outside the event loop, of which nobody waits longer than a limit."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


class StillRunning(Exception):
    """The work before has not ended: it was given up, but its thread is still blocked."""


class OneThread:
    """Runs one piece of work at a time.

    A thread cannot be ended from outside. One that is given up is told so by an event, and nothing else is started
    before it ends: so threads do not pile up behind a disk that hangs, and what it may still write comes before what
    follows. As a daemon, it does not keep the process from ending.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._free = threading.Event()
        self._free.set()

    async def run(self, work: Callable[[threading.Event], T], seconds: float) -> T:
        """Return the result of `work`, which is given an event that is set when nobody waits for it anymore.

        Raises what `work` raises, `TimeoutError` after `seconds`, and `StillRunning`.
        """
        if not self._free.is_set():
            raise StillRunning
        self._free.clear()
        given_up = threading.Event()
        result: Future[T] = Future()
        # Only the waiting can be canceled from here on: the thread still sets a result.
        result.set_running_or_notify_cancel()

        def target() -> None:
            try:
                value = work(given_up)
            except BaseException as error:
                self._free.set()
                result.set_exception(error)
            else:
                self._free.set()
                result.set_result(value)

        threading.Thread(target=target, name=self._name, daemon=True).start()
        try:
            return await asyncio.wait_for(asyncio.wrap_future(result), seconds)
        finally:
            given_up.set()
