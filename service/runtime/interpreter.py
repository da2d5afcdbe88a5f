"""How Python shares its time: short stops to look for circles, and threads that take turns soon enough."""

import gc
import sys

from graph.runtime.scheduling import SomeoneWaits

YOUNG, OLDER = 3_000, 30
"""New objects after which Python looks for circles among them, and how often before it looks at older ones too.

What a request holds goes without circles, so there is little to find, and a look at few objects is a short stop: 0.2 ms
instead of 4 at 20,000, where a till's write waits.
"""
SWITCH_SECONDS = 0.001
"""How long one thread runs while another waits: a till's request must not wait five times this for an import's."""
BESIDE_SECONDS = 0.000_02
"""The same while small requests and large ones are worked on: a till's write gives the interpreter away at each of its
statements, and an import would keep it for a millisecond each time."""
LARGE_BYTES = 16_384
"""From what length on a request is a large one: some 80 observations."""

_under_way = {"small": 0, "large": 0}


def set_up() -> None:
    """What holds for the whole process; everything that is there now stays."""
    gc.freeze()
    gc.set_threshold(YOUNG, OLDER)
    sys.setswitchinterval(SWITCH_SECONDS)


class WorkedOn:
    """While a request of so many bytes is worked on."""

    __slots__ = ("_kind", "_waiting")

    def __init__(self, length: int) -> None:
        small = length < LARGE_BYTES
        self._kind = "small" if small else "large"
        self._waiting = SomeoneWaits() if small else None

    def __enter__(self) -> None:
        _count(self._kind, 1)
        if self._waiting is not None:
            self._waiting.__enter__()

    def __exit__(self, *_: object) -> None:
        if self._waiting is not None:
            self._waiting.__exit__()
        _count(self._kind, -1)


def _count(kind: str, more: int) -> None:
    _under_way[kind] += more
    sys.setswitchinterval(BESIDE_SECONDS if all(_under_way.values()) else SWITCH_SECONDS)
