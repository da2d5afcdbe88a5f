"""How Python shares its time: short stops to look for circles, and threads that take turns soon enough."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from graph.turns import someone_waits

YOUNG, OLDER = 3_000, 30
"""New objects after which Python looks for circles among them, and how often before it looks at older ones too.

What a request holds goes without circles, so there is little to find, and a look at few objects is a short stop: 0.2 ms
instead of 4 at 20,000, where a till's write waits.
"""
SWITCH_SECONDS = 0.001
"""How long one thread runs while another waits: a till's request must not wait five times this for an import's."""
LARGE_SECONDS = 0.000_02
"""The same while a large request is worked on: a till's write gives the interpreter away at each of its statements."""
LARGE_BYTES = 16_384
"""From what length on a request is a large one: some 80 observations."""

_large = 0
"""Large requests that are worked on."""


def set_up() -> None:
    """What holds for the whole process; everything that is there now stays."""
    gc.freeze()
    gc.set_threshold(YOUNG, OLDER)
    sys.setswitchinterval(SWITCH_SECONDS)


@contextmanager
def worked_on(length: int) -> Iterator[None]:
    """While a request of so many bytes is worked on."""
    global _large
    if length < LARGE_BYTES:
        with someone_waits():
            yield
        return
    _large += 1
    sys.setswitchinterval(LARGE_SECONDS)
    try:
        yield
    finally:
        _large -= 1
        if not _large:
            sys.setswitchinterval(SWITCH_SECONDS)
