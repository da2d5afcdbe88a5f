"""The members of a Neo4j cluster: reads go to any of them, and none answers with less than this process has seen.

A bookmark is the state of the database after a transaction. Every transaction of this process begins with those of the
transactions before it, so a member that lags behind waits. A caller that has read or written through another process
sends back the bookmark that it got there (see Neo4j's manual of the drivers, "Coordinate parallel transactions").
"""

import asyncio
import re
from collections.abc import Collection
from contextlib import suppress
from functools import lru_cache

import neo4j
from neo4j import AsyncDriver, AsyncGraphDatabase, AsyncSession, Bookmarks
from neo4j.exceptions import AuthError, ClientError, DriverError, Neo4jError

from graph.domain.model.errors import InvalidInput, StoreUnavailable
from graph.stores.neo4j import cypher
from graph.stores.neo4j.failures import DRIVER_CALL, failure

ROUTING_SCHEMES = ("neo4j://", "neo4j+s://", "neo4j+ssc://")
LOOK_SECONDS = 60.0
"""How often the database is asked whether it is a cluster: a server may get others beside it."""
LOOK_LIMIT_SECONDS = 2.0
REACH_SECONDS = 5.0
"""How long a caller waits until a member has what its bookmark stands for. They replicate within milliseconds."""
MAX_WAITING = 10
"""Callers that wait for a member at the same time: a bookmark of what never happens must not take all connections."""
_BOOKMARK = re.compile(r"FB:[A-Za-z0-9+/=]{1,200}")
_INVALID = ("Neo.ClientError.Transaction.InvalidBookmark", "Neo.ClientError.Transaction.InvalidBookmarkMixture")
_WRITES = re.compile(r"\b(?:CREATE|MERGE|SET|DELETE|REMOVE|TERMINATE)\b")
ROUTING_TABLE = cypher.load("transactions")["members"]


class Cluster:
    """What is known of the members. On a single server, and with an address that does not route, there is one."""

    def __init__(self, uri: str, database: str) -> None:
        self._routes, self._database = uri.startswith(ROUTING_SCHEMES), database
        self.has_members = False
        """Whether there are several members."""
        self._manager = AsyncGraphDatabase.bookmark_manager(bookmarks_consumer=self._keep)
        self.bookmarks: frozenset[str] = frozenset()
        """What this process has seen."""
        self._known: frozenset[str] = frozenset()
        self._look_at = 0.0
        self._looking: asyncio.Task[None] | None = None
        self._waiting = asyncio.Semaphore(MAX_WAITING)

    def session(self, driver: AsyncDriver, reads: bool = False, bookmarks: Collection[str] = ()) -> AsyncSession:
        """Return a session, on any member if it only reads, otherwise on the leader."""
        return driver.session(
            database=self._database,
            default_access_mode=neo4j.READ_ACCESS if reads and self._routes else neo4j.WRITE_ACCESS,
            bookmark_manager=self._manager if self.has_members else None,
            bookmarks=Bookmarks.from_raw_values(bookmarks) if bookmarks else None,
        )

    def _keep(self, bookmarks: Bookmarks) -> None:
        self.bookmarks = frozenset(bookmarks.raw_values)

    # --- one server or several

    async def look(self, driver: AsyncDriver) -> None:
        """Find out whether there are several members, if that was not found out lately. Raises errors of the driver."""
        if not self._routes:
            return
        now = asyncio.get_running_loop().time()
        if not self._look_at:
            await self._look(driver)
        elif now >= self._look_at and (self._looking is None or self._looking.done()):
            self._look_at = now + LOOK_SECONDS
            self._looking = asyncio.create_task(self._look_again(driver))

    async def _look_again(self, driver: AsyncDriver) -> None:
        # Whether the database can be used is found out elsewhere.
        with suppress(Exception):
            await self._look(driver)

    async def _look(self, driver: AsyncDriver) -> None:
        servers: list[list[dict[str, list[str]]]] = []
        try:
            servers = await self._servers(driver)
        except ClientError as error:
            # A user that may not ask, or a database that does not know the question, is served as by one server.
            if isinstance(error, AuthError):
                raise
        addresses = {address for roles in servers for role in roles for address in role["addresses"]}
        self.has_members = len(addresses) > 1
        self._look_at = asyncio.get_running_loop().time() + LOOK_SECONDS

    async def _servers(self, driver: AsyncDriver) -> list[list[dict[str, list[str]]]]:
        with DRIVER_CALL:
            async with asyncio.timeout(LOOK_LIMIT_SECONDS), self.session(driver, reads=True) as session:
                result = await session.run(ROUTING_TABLE, {"database": self._database})
                return [record["servers"] async for record in result]

    async def close(self) -> None:
        """Stop looking."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    # --- bookmarks of callers

    async def reach(self, driver: AsyncDriver, bookmarks: frozenset[str]) -> None:
        """Wait until a member has what a caller's bookmarks stand for; from then on this process has seen it, too.

        Raises `InvalidInput` if they are none of this database, and `StoreUnavailable` if it takes too long. A single
        server has everything, so there they are not looked at.
        """
        if bookmarks <= self.bookmarks or bookmarks == self._known:
            return
        try:
            async with asyncio.timeout(REACH_SECONDS):
                await self.look(driver)
                if self.has_members:
                    if not all(map(_BOOKMARK.fullmatch, bookmarks)):
                        raise _invalid()
                    async with self._waiting:
                        await self._wait(driver, bookmarks)
        except TimeoutError:
            raise _too_late() from None
        except Neo4jError as error:
            if error.code in _INVALID:
                raise _invalid() from error
            if error.code == "Neo.TransientError.Transaction.BookmarkTimeout":
                raise _too_late() from error
            raise _unavailable(error) from error
        except DriverError as error:
            raise _unavailable(error) from error

    async def _wait(self, driver: AsyncDriver, bookmarks: frozenset[str]) -> None:
        session = self.session(driver, reads=True, bookmarks=bookmarks)
        try:
            with DRIVER_CALL:
                await (await session.run("RETURN 1")).consume()
        except (Neo4jError, DriverError):
            await session.close()
            raise
        except BaseException:
            session.cancel()
            await session.close()
            raise
        await session.close()
        self._known = bookmarks


@lru_cache(1_000)
def only_reads(query: str) -> bool:
    """Return whether a query of the store writes nothing, so that any member can run it."""
    return _WRITES.search(re.sub(r"//.*", "", query)) is None


def _invalid() -> InvalidInput:
    return InvalidInput("INVALID_BOOKMARK", "the bookmark is none that this service has given out")


def _too_late() -> StoreUnavailable:
    return StoreUnavailable(f"no member of the cluster has what the bookmark stands for within {REACH_SECONDS:g} s")


def _unavailable(error: Neo4jError | DriverError) -> Exception:
    meaning = failure(error)
    return error if meaning is None else meaning.as_error()
