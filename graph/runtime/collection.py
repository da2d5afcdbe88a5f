"""Garbage collection, paused while a large write is decided.

A write of a thousand observations makes hundreds of thousands of objects that live until its end and contain no
reference cycles. Collections in between would look at all of them again and again, for a tenth of the write's time.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_paused = 0
"""How many blocks are being executed."""


@contextmanager
def collection_paused() -> Iterator[None]:
    """Run a block without garbage collection; blocks may overlap. A collection that is disabled stays disabled."""
    global _paused
    if not _paused and not gc.isenabled():
        yield
        return
    _paused += 1
    gc.disable()
    try:
        yield
    finally:
        _paused -= 1
        if not _paused:
            gc.enable()
