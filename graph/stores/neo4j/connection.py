"""What the parts of the store need of its connections."""

from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager

import neo4j


class Connected(ABC):
    """A part of the store; the store is all of them, and has the driver."""

    @abstractmethod
    def _session(self) -> AbstractAsyncContextManager[neo4j.AsyncSession]:
        """A session, with the driver's errors turned into ours."""

    @abstractmethod
    async def _read(self, query: str, **values: object) -> list[neo4j.Record]:
        """What one query answers."""
