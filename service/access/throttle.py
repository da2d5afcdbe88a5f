"""Limits how often one address may fail to sign in."""

import ipaddress
import math
from collections import OrderedDict
from collections.abc import Callable

from msgspec import Struct

WINDOW_SECONDS = 60.0
MAX_FAILURES = 10
"""Failures of an address within the window after which it is told to wait."""
MAX_ADDRESSES = 10_000
"""Number of addresses that are remembered; beyond it, the one whose window began first is forgotten."""
_IPV6_NETWORK = 64
"""A subscriber has a network of its own, and may use another address of it for each request."""


class Failure(Struct, frozen=True):
    """What follows from a failure: after how many seconds to try again, `None` for at once.

    `repeated` tells whether the address has failed before within the window, so that it is in the log already.
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
        """Count a failure of an address."""
        now, name = self._now(), _network(address)
        window = self._windows.get(name)
        if window is None or window.end <= now:
            self._windows.pop(name, None)
            window = self._windows[name] = _Window(now + WINDOW_SECONDS)
            if len(self._windows) > MAX_ADDRESSES:
                self._windows.popitem(last=False)
        window.failures += 1
        retry_after = None if window.failures <= MAX_FAILURES else max(math.ceil(window.end - now), 1)
        return Failure(retry_after, window.failures > 1)


def _network(address: str) -> str:
    """Return what counts as one address; a text that is none, which only a client can have chosen, is one with all."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, _IPV6_NETWORK), strict=False))
    return str(parsed)
