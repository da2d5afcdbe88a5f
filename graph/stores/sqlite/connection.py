"""The connections that the parts of the store share."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from graph.ports import T
from graph.stores.sqlite import checkpoints
from graph.stores.sqlite.thread_connections import ThreadConnections

SETTINGS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "cache_size = -32768",
    "temp_store = MEMORY",
    "secure_delete = ON",
    checkpoints.FALLBACK,
)
"""Settings of each connection. The size of the cache is in KiB.

What is deleted is overwritten with zeros at once, which builds of SQLite differ in by default: an erased person must
not be in free pages, which hold what other writes deleted too, such as former states of rows.
"""
READER_CACHE = "cache_size = -8192"
"""Readers need less: the pages that all of them read are in the operating system's cache."""

BUSY_SECONDS = 10
"""How long a write waits for those of other processes."""


class Connected(ABC):
    """A part of the store. The store inherits from all parts and owns the threads and their connections."""

    _connections: ThreadConnections
    """The connections of the threads; it opens further ones, which several threads may use, one at a time."""

    @abstractmethod
    async def _read(self, function: Callable[..., T], *values: object) -> T:
        """Return what a function reads in a transaction of its own, in a reading thread."""

    @abstractmethod
    async def _read_batched(self, function: Callable[..., T], *values: object) -> T:
        """As `_read`, for a short read, which shares a thread with other reads of the same turn of the event loop."""

    @abstractmethod
    async def _alter(self, function: Callable[..., T], *values: object) -> T:
        """Return the result of a function that writes in a transaction of its own, in the writing thread."""

    @abstractmethod
    async def _set(self, settings: Sequence[str]) -> None:
        """Change the settings of the writing thread's connection."""

    @abstractmethod
    async def _rewrite(self) -> None:
        """Write the whole file again (`VACUUM`): other writers wait meanwhile."""
