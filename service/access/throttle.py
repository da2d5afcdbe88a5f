"""Limits how often one address may fail to sign in."""

import math
from collections import OrderedDict
from collections.abc import Callable

from msgspec import Struct

from service.runtime.addresses import network_of

WINDOW_SECONDS = 60.0
MAX_FAILURES = 10
"""Failures of an address within the window after which it must wait."""
MAX_ADDRESSES = 10_000
"""Number of addresses that are remembered; beyond it, the one whose window began first is forgotten."""


class Failure(Struct, frozen=True):
    """What follows from a failure: after how many seconds to try again, `None` for at once.

    `repeated` is whether the address has failed before within the window, so that it is in the log already.
    """

    retry_after: int | None
    repeated: bool


class _Window(Struct):
    end: float
    failures: int = 0


class FailureThrottle:
    """Counts the failures of each client address. `now` returns a time in seconds that never goes back."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._windows: OrderedDict[str, _Window] = OrderedDict()
        """By address, the oldest first."""

    def failed(self, address: str) -> Failure:
        """Count a failure of an address. Texts that are not addresses, which only a client can have chosen, are one."""
        now, name = self._now(), network_of(address)
        window = self._windows.get(name)
        if window is None or window.end <= now:
            self._windows.pop(name, None)
            window = self._windows[name] = _Window(now + WINDOW_SECONDS)
            if len(self._windows) > MAX_ADDRESSES:
                self._windows.popitem(last=False)
        window.failures += 1
        retry_after = None if window.failures <= MAX_FAILURES else max(math.ceil(window.end - now), 1)
        return Failure(retry_after, window.failures > 1)
