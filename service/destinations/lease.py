"""A lease on a destination: of several processes over one store, one sends to it at a time."""

import os
import secrets
import socket

import msgspec
from msgspec import Struct

from graph.ports import Clock, NamedValues

KEY = "destination_lease:"
SECONDS = 15
"""How long a lease lasts that is not renewed: the longest pause after the process that held it was cut off."""


class _Held(Struct, frozen=True):
    """Who holds a lease, and until when (microseconds). `process` is its id on `host`."""

    owner: str
    host: str
    process: int
    until: int


class Lease:
    """The lease of this process on a destination."""

    renew_seconds = SECONDS / 3

    def __init__(self, store: NamedValues, clock: Clock, name: str) -> None:
        self._store, self._clock, self._key = store, clock, KEY + name
        self._owner = secrets.token_hex(8)
        self._text: str | None = None
        self._renew_at = 0

    async def hold(self) -> bool:
        """Return whether this process holds the lease from now on, for long enough to send a batch."""
        now = self._clock.now()
        if self._text is not None and now < self._renew_at:
            return True
        text = await self._store.get_value(self._key)
        if text and text != self._text and not _is_over(msgspec.json.decode(text, type=_Held), now):
            self._text = None
            return False
        held = _Held(self._owner, socket.gethostname(), os.getpid(), now + SECONDS * 1_000_000)
        new = msgspec.json.encode(held).decode()
        if not await self._store.replace_value(self._key, new, text):
            self._text = None
            return False
        self._text, self._renew_at = new, now + round(self.renew_seconds * 1_000_000)
        return True

    async def release(self) -> None:
        """Let another process have it at once."""
        if self._text is not None:
            await self._store.replace_value(self._key, "", self._text)
            self._text = None


def _is_over(held: _Held, now: int) -> bool:
    """Return whether a lease has ended, or its process has."""
    if held.until <= now:
        return True
    if held.host != socket.gethostname():
        return False
    try:
        os.kill(held.process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass
    return False
