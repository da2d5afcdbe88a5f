"""Whether the database can be used: while it cannot, callers are told at once, and one task looks for it."""

import asyncio
from collections.abc import Awaitable, Callable

from graph.domain.model.errors import StoreUnavailable
from graph.stores.neo4j.failures import LOCKED_OUT, NO_ANSWER, FailureKind, failure

GRACE_SECONDS = 1.0
"""Seconds after the beginning of an outage during which callers wait for its end; later ones fail at once."""
CHECK_PAUSE = 0.1
"""Seconds between two checks during an outage: a refused connection costs both sides less than a millisecond."""
CHECK_SECONDS = 3.0
"""Seconds after which a check without an answer is given up."""
LOGIN_PAUSE = 1.0
"""Seconds between two logins with a rejected password, as long as the user is not locked."""
LOCK_SECONDS = 5.0
"""Seconds for which Neo4j locks a user after a wrong password. Logins in between are refused and do not extend it."""


class Availability:
    """Knows whether the database can be used. `check` raises an error of the driver if it cannot."""

    def __init__(self, check: Callable[[], Awaitable[object]]) -> None:
        self._check = check
        self.sentence = ""
        """What is wrong; empty if the database can be used."""
        self._since = 0.0
        self._available = asyncio.Event()
        self._checking: asyncio.Task[None] | None = None

    def failed(self, sentence: str) -> None:
        """Note that the database could not be used. From now on it is checked until it can."""
        if self.sentence:
            return
        loop = asyncio.get_running_loop()
        self.sentence, self._since = sentence, loop.time()
        self._available.clear()
        self._checking = loop.create_task(self._check_until_available())

    async def wait(self) -> None:
        """Return once the database can be used; raises `StoreUnavailable` if it cannot for more than a moment."""
        if not self.sentence:
            return
        remaining = self._since + GRACE_SECONDS - asyncio.get_running_loop().time()
        if remaining > 0:
            try:
                async with asyncio.timeout(remaining):
                    await self._available.wait()
            except TimeoutError:
                pass
        if self.sentence:
            raise StoreUnavailable(self.sentence)

    async def _check_until_available(self) -> None:
        loop = asyncio.get_running_loop()
        rejected_at = loop.time()
        while True:
            try:
                async with asyncio.timeout(CHECK_SECONDS):
                    await self._check()
            except Exception as error:
                known = failure(error)
                self.sentence = known.sentence if known is not None else f"{NO_ANSWER} ({type(error).__name__})"
                pause = CHECK_PAUSE
                if self.sentence == LOCKED_OUT:
                    pause = max(pause, rejected_at + LOCK_SECONDS - loop.time())
                elif known is not None and known.kind is FailureKind.LOGIN:
                    rejected_at = loop.time()
                    pause = LOGIN_PAUSE
                await asyncio.sleep(pause)
            else:
                self.sentence = ""
                self._available.set()
                return

    async def close(self) -> None:
        """Stop checking."""
        if self._checking is not None:
            self._checking.cancel()
            await asyncio.gather(self._checking, return_exceptions=True)
