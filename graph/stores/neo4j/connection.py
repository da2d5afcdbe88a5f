"""The connections that the parts of the store share."""

from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager

import neo4j


class Connected(ABC):
    """A part of the store. The store inherits from all parts and owns the driver."""

    @abstractmethod
    def _session(self) -> AbstractAsyncContextManager[neo4j.AsyncSession]:
        """Open a session; errors of the driver are raised as ours."""

    @abstractmethod
    async def _read(self, query: str, **values: object) -> list[neo4j.Record]:
        """Return the records of one query."""
