"""A lease on a destination: of several processes over one store, one sends to it at a time."""

import asyncio
import contextlib
import os
import secrets
import socket
from collections.abc import AsyncGenerator

import msgspec
from msgspec import Struct

from graph.domain.model.errors import KithError
from graph.ports import Clock, NamedValues

KEY = "destination_lease:"
SECONDS = 15
"""How long a lease lasts that is not renewed: the longest pause after the process that held it was cut off."""
UNBELIEVABLE_SECONDS = 3_600
"""A lease that lasts so much longer was taken by a clock that was wrong."""
RENEW_SECONDS = SECONDS / 5
"""How often a lease is renewed: several times before it ends, since the store may be away for a moment."""


class LeaseLost(Exception):
    """The lease could not be renewed: another process may have it by now."""


class _Held(Struct, frozen=True):
    """Who holds a lease, and until when (microseconds). `process` is its id on `host`."""

    owner: str
    host: str
    process: int
    until: int


class Lease:
    """The lease of this process on a destination."""

    def __init__(self, store: NamedValues, clock: Clock, name: str) -> None:
        self._store, self._clock, self._key = store, clock, KEY + name
        self._owner = secrets.token_hex(8)
        self._until = 0

    async def hold(self) -> bool:
        """Return whether this process holds the lease from now on."""
        now = self._clock.now()
        if now < self._until - round((SECONDS - RENEW_SECONDS) * 1_000_000):
            return True
        return await self._renew(now)

    async def _renew(self, now: int) -> bool:
        text = await self._store.get_value(self._key)
        if text and not self._may_take(msgspec.json.decode(text, type=_Held), now):
            self._until = 0
            return False
        until = now + SECONDS * 1_000_000
        held = _Held(self._owner, _host(), os.getpid(), until)
        is_held = await self._store.replace_value(self._key, msgspec.json.encode(held).decode(), text)
        self._until = until if is_held else 0
        return is_held

    def _may_take(self, held: _Held, now: int) -> bool:
        is_over = not now < held.until <= now + UNBELIEVABLE_SECONDS * 1_000_000
        return held.owner == self._owner or is_over or _has_ended(held)

    @contextlib.asynccontextmanager
    async def kept(self) -> AsyncGenerator[None, None]:
        """Renew the lease, which has to be held, while a block runs.

        The block is cut off before the lease ends, so that what it sends does not arrive after what the next holder
        sends. Raises `LeaseLost`.
        """
        limit = asyncio.timeout(self._seconds_left())
        try:
            async with limit:
                renewing = asyncio.create_task(self._keep(limit))
                try:
                    yield
                finally:
                    renewing.cancel()
        except TimeoutError as error:
            if limit.expired():
                raise LeaseLost from error
            raise

    async def _keep(self, limit: asyncio.Timeout) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            with contextlib.suppress(KithError):
                await self._renew(self._clock.now())
                limit.reschedule(loop.time() + self._seconds_left())

    def _seconds_left(self) -> float:
        return max(0.0, (self._until - self._clock.now()) / 1_000_000)

    async def release(self) -> None:
        """Let another process have it at once."""
        self._until = 0
        text = await self._store.get_value(self._key)
        if text and msgspec.json.decode(text, type=_Held).owner == self._owner:
            await self._store.replace_value(self._key, "", text)


def _host() -> str:
    """Return what names this machine, and the container in which ids of processes mean the same."""
    try:
        space = os.readlink("/proc/self/ns/pid")
    except OSError:
        space = ""
    return f"{socket.gethostname()} {space}".strip()


def _has_ended(held: _Held) -> bool:
    """Return whether the process that holds a lease has ended, which is seen on its own machine only."""
    if held.host != _host():
        return False
    try:
        os.kill(held.process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass
    return False
