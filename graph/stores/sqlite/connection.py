"""What the parts of the store need of its connections."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from graph.ports import T
from graph.stores.sqlite import checkpoints

SETTINGS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "cache_size = -32768",
    "temp_store = MEMORY",
    checkpoints.FALLBACK,
)
"""Of each connection; the size of the cache is in KiB."""
READER_CACHE = "cache_size = -8192"
"""Readers get by with less: the pages that all of them ask for are in the system's memory."""


class Connected(ABC):
    """A part of the store; the store is all of them, and has the threads and their connections."""

    @abstractmethod
    async def _read(self, function: Callable[..., T], *values: object) -> T:
        """What a function reads in a transaction of its own, in a thread of the readers."""

    @abstractmethod
    async def _quick(self, function: Callable[..., T], *values: object) -> T:
        """The same for what takes a moment, together with what else is asked for in this turn of the event loop."""

    @abstractmethod
    async def _alter(self, function: Callable[..., T], *values: object) -> T:
        """What a function answers that writes in a transaction of its own, in the writing thread."""

    @abstractmethod
    async def _set(self, settings: Sequence[str]) -> None:
        """Give the connection of the writing thread other settings."""
