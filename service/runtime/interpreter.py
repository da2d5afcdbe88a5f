"""Tunes the interpreter: short garbage collections and frequent thread switches."""

import gc
import logging
import sys

from graph.runtime.scheduling import InteractiveRequest

if sys.platform != "win32":
    import resource

log = logging.getLogger("kith")

GC_YOUNG_THRESHOLD, GC_OLD_THRESHOLD = 3_000, 30
"""Thresholds of the garbage collector: new objects per collection, and young collections per older generation.

A request's objects contain no reference cycles, so there is little to collect, and a collection of few objects is a
short pause: 0.2 ms, compared to 4 ms at a threshold of 20,000, which would delay small writes.
"""
SWITCH_INTERVAL_SECONDS = 0.001
"""How long one thread runs while another waits. The default is five times this: too long for a small request that
waits for an import."""
MIXED_SWITCH_INTERVAL_SECONDS = 0.000_02
"""The same while both small and large requests are active: a small write releases the interpreter at each statement,
and an import would then hold it for a millisecond each time."""
LARGE_REQUEST_BYTES = 16_384
"""Length from which a request counts as large: some 80 observations."""

_active_requests = {"small": 0, "large": 0}


def tune_interpreter() -> None:
    """Tune the whole process, and exclude all existing objects from garbage collection."""
    gc.freeze()
    gc.set_threshold(GC_YOUNG_THRESHOLD, GC_OLD_THRESHOLD)
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)


def allow_open_files(count: int) -> None:
    """Let the process open this many files and connections if the system allows it; otherwise log how many it may."""
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    if limit < count:
        log.warning("only %s open files are allowed; %s are needed for KITH_MAX_SOCKETS", limit, count)


class TrackedRequest:
    """A context in which a request of `length` bytes is active."""

    __slots__ = ("_interactive", "_kind")

    def __init__(self, length: int) -> None:
        small = length < LARGE_REQUEST_BYTES
        self._kind = "small" if small else "large"
        self._interactive = InteractiveRequest() if small else None

    def __enter__(self) -> None:
        _add(self._kind, 1)
        if self._interactive is not None:
            self._interactive.__enter__()

    def __exit__(self, *_: object) -> None:
        if self._interactive is not None:
            self._interactive.__exit__()
        _add(self._kind, -1)


def _add(kind: str, change: int) -> None:
    _active_requests[kind] += change
    sys.setswitchinterval(MIXED_SWITCH_INTERVAL_SECONDS if all(_active_requests.values()) else SWITCH_INTERVAL_SECONDS)
