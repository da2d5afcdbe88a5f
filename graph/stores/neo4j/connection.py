"""The connections to a Neo4j server: reads and writes that end in bounded time, and errors of the driver as ours."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count
from random import uniform
from typing import Any, TypeVar

import neo4j
from neo4j import AsyncDriver, AsyncGraphDatabase, AsyncSession, AsyncTransaction, Query
from neo4j.exceptions import DriverError, Neo4jError

from graph.domain.model.errors import KithError, StoreUnavailable
from graph.stores.neo4j.answer_watch import AnswerWatch, Operation
from graph.stores.neo4j.availability import GRACE_SECONDS, Availability
from graph.stores.neo4j.cluster import Cluster, only_reads
from graph.stores.neo4j.control import Control, run_query
from graph.stores.neo4j.failures import DRIVER_CALL, NO_ANSWER, AnswerLost, Failure, FailureKind, failure

T = TypeVar("T")

# The driver logs each failed connection as an error: ten lines a second during an outage, whose errors callers get.
logging.getLogger("neo4j.pool").setLevel(logging.CRITICAL)
RETRY_SECONDS = 15.0
"""Seconds after the first failure during which the same work is tried again."""
FIRST_PAUSE, MAX_PAUSE = 0.002, 0.25
"""Seconds between two tries after a conflict: at first about as long as a small write takes, then twice as long."""
MAX_CONNECTIONS = 100
"""Reads and writes that run at the same time, each on a connection of its own."""
CONNECT_SECONDS = 2.0
"""Seconds within which a new connection must be open."""
ACQUIRE_SECONDS = 5.0
"""Seconds for which a read or write waits for a connection if all are in use."""
READ_SECONDS, WRITE_SECONDS = 300, 60
"""Seconds after which the server itself ends a transaction, so that one without its client keeps no locks."""


class OpenTransaction:
    """A transaction that is begun, and later committed, by `Connections`."""

    def __init__(self, tx: AsyncTransaction, operation: Operation) -> None:
        self._tx, self._operation = tx, operation

    async def run(self, query: str, parameters: dict[str, Any]) -> list[neo4j.Record]:
        """Return the records of a query."""
        with DRIVER_CALL:
            return await _records(await self._tx.run(query, parameters), self._operation)


Transact = Callable[[OpenTransaction], Awaitable[T]]
_Attempt = Callable[[AsyncSession, Operation], Coroutine[Any, Any, T]]


class Connections:
    """Runs reads and writes in one database, on connections that are replaced if they fail.

    `write_queries` are the queries of each write, which take `$params`. After an outage the server plans all of them at
    the same time; until then writes wait for a moment or fail, since they would ask for one after the other.
    """

    def __init__(self, uri: str, user: str, password: str, database: str, write_queries: Sequence[str] = ()) -> None:
        self._uri, self._auth, self._database = uri, (user, password) if user else None, database
        self._pool = _Pool(self._open_driver())
        self.cluster = Cluster(uri, database)
        # A connection that has been idle may be dead, so this driver opens a new one each time.
        self._control = Control(self._open_driver(max_connection_lifetime=0), database, write_queries)
        self._numbers = count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self.conflicts = 0
        """How many transactions ran again because writers conflicted."""
        self._free = asyncio.Semaphore(MAX_CONNECTIONS)
        self._planning: asyncio.Task[None] | None = None
        self._login_rejected = False
        self._has_plans = False
        """Whether the server has planned a write since it was last unreachable."""
        self.availability = Availability(self._reach)
        self._watch = AnswerWatch(self._reach, self._control.own_transactions, self._control.end, self._on_silence)

    def _open_driver(self, **settings: Any) -> AsyncDriver:
        return AsyncGraphDatabase.driver(
            self._uri,
            auth=self._auth,
            connection_timeout=CONNECT_SECONDS,
            connection_acquisition_timeout=ACQUIRE_SECONDS,
            max_connection_pool_size=MAX_CONNECTIONS,
            notifications_min_severity="OFF",
            user_agent="kith",
            **settings,
        )

    # --- reads and writes

    async def read(self, query: str, values: Mapping[str, object]) -> list[neo4j.Record]:
        """Return the records of one query, which may run more than once."""

        async def run(session: AsyncSession, operation: Operation) -> list[neo4j.Record]:
            with DRIVER_CALL:
                named = Query(query, {"kith": operation.id}, READ_SECONDS)
                return await _records(await session.run(named, dict(values)), operation)

        return await self._with_retries(run, self.availability.wait, only_reads(query))

    async def transact(self, work: Transact[T], seconds: float = WRITE_SECONDS) -> T:
        """Run some work in one transaction and commit it; the work runs again after conflicts and failures.

        It is not repeated if the database does not confirm the commit: it may be stored. Raises `StoreUnavailable`.
        """

        async def run(session: AsyncSession, operation: Operation) -> T:
            with DRIVER_CALL:
                tx = await session.begin_transaction({"kith": operation.id}, seconds)
            operation.steps += 1
            result = await work(OpenTransaction(tx, operation))
            operation.committing = True
            with DRIVER_CALL:
                await tx.commit()
            self._has_plans = True
            return result

        return await self._with_retries(run, self._writable)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """Open a session for statements that take as long as they need; errors of the driver are raised as ours."""
        await self.availability.wait()
        try:
            async with self.cluster.session(self._pool.driver) as session:
                try:
                    yield session
                except (KithError, Neo4jError, DriverError):
                    raise
                except BaseException:
                    session.cancel()
                    raise
        except Exception as error:
            meaning = failure(error)
            if meaning is None or isinstance(error, KithError):
                raise
            if meaning.kind in (FailureKind.OUTAGE, FailureKind.LOGIN):
                self._failed(meaning)
            raise meaning.as_error() from error

    async def _writable(self) -> None:
        await self.availability.wait()
        if self._planning is not None:
            _, planning = await asyncio.wait([self._planning], timeout=GRACE_SECONDS)
            if planning:
                raise StoreUnavailable("the database has started, and still plans the queries of writes")

    async def reach(self, bookmarks: frozenset[str]) -> None:
        """Wait until what bookmarks of callers stand for can be read; see `Cluster.reach`."""
        await self.availability.wait()
        await self.cluster.reach(self._pool.driver, bookmarks)

    async def _with_retries(self, attempt: _Attempt[T], ready: Callable[[], Awaitable[None]], reads: bool = False) -> T:
        loop = asyncio.get_running_loop()
        give_up_at, pause = 0.0, FIRST_PAUSE
        while True:
            await ready()
            pool = self._pool
            operation = Operation(
                f"{self._control.process}{next(self._numbers)}",
                not self._has_plans or bool(give_up_at),
                on_leader=not (reads and self.cluster.has_members),
            )
            try:
                return await self._try(attempt, operation, pool, reads)
            except Exception as error:
                meaning = failure(error, self.cluster.has_members)
                if meaning is None:
                    raise
                unavailable = meaning.kind in (FailureKind.CONNECTION, FailureKind.OUTAGE, FailureKind.LOGIN)
                if meaning.kind is FailureKind.CONNECTION and pool is self._pool:
                    # Others that were opened before may have failed in the same way.
                    self._replace_pool()
                if unavailable:
                    self._failed(meaning)
                if operation.committing and not isinstance(error, Neo4jError):
                    raise StoreUnavailable(
                        "the database did not confirm the write, which may be stored; send it again"
                    ) from error
                give_up_at = give_up_at or loop.time() + RETRY_SECONDS
                repeated = unavailable or meaning.kind is FailureKind.CONFLICT
                if not repeated or meaning.kind is FailureKind.LOGIN or loop.time() > give_up_at:
                    raise (error if isinstance(error, KithError) else meaning.as_error()) from error
                if not unavailable:
                    self.conflicts += 1
                    await asyncio.sleep(uniform(pause / 2, pause))
                    pause = min(2 * pause, MAX_PAUSE)

    async def _try(self, attempt: _Attempt[T], operation: Operation, pool: "_Pool", reads: bool) -> T:
        await self._acquire()
        pool.sessions += 1
        try:
            await self.cluster.look(pool.driver)
            session = self.cluster.session(pool.driver, reads)
            async with operation.limit:
                self._watch.begin(operation)
                try:
                    result = await attempt(session, operation)
                except (KithError, Neo4jError, DriverError):
                    await _end(session)  # rolls back
                    raise
                except BaseException:
                    session.cancel()
                    await session.close()
                    raise
                else:
                    await _end(session)
                    return result
                finally:
                    self._watch.end(operation)
        except TimeoutError as error:
            raise AnswerLost from error
        finally:
            self._free.release()
            pool.sessions -= 1
            if pool.replaced and not pool.sessions:
                self._in_background(pool.driver.close())

    async def _acquire(self) -> None:
        """Take one of the connections, which are as many as the driver opens, so that it never waits for one itself."""
        if not self._free.locked():
            await self._free.acquire()
            return
        try:
            async with asyncio.timeout(ACQUIRE_SECONDS):
                await self._free.acquire()
        except TimeoutError:
            raise StoreUnavailable("all connections to the database are in use") from None

    # --- failures

    def _failed(self, meaning: Failure) -> None:
        self._login_rejected = meaning.kind is FailureKind.LOGIN
        self._has_plans = self._has_plans and meaning.kind is not FailureKind.OUTAGE
        self.availability.failed(meaning.sentence)

    def _replace_pool(self) -> None:
        """Open new connections from now on; those in use are closed after their last use."""
        replaced, self._pool = self._pool, _Pool(self._open_driver())
        replaced.replaced = True
        if not replaced.sessions:
            self._in_background(replaced.driver.close())

    async def _reach(self) -> None:
        """Raise an error if the database cannot be used."""
        # If a login is rejected, connections that are logged in already can still be used.
        driver = self._pool.driver if self._login_rejected else self._control.driver
        try:
            await run_query(driver, self._database, "RETURN 1")
        except Neo4jError as error:
            meaning = failure(error)
            self._login_rejected = meaning is not None and meaning.kind is FailureKind.LOGIN
            raise
        if self.availability.sentence and not self._login_rejected and self._planning is None:
            self._planning = self._in_background(self._plan_writes())
        self._login_rejected = False

    async def _plan_writes(self) -> None:
        try:
            await self._control.plan_writes()
        finally:
            self._planning = None
        self._has_plans = True
        # Later, because a server that has just started has much to do, and nothing to end.
        self._in_background(self._end_abandoned())

    async def _end_abandoned(self) -> None:
        """End the transactions that an outage left behind: their locks would block writers until they time out."""
        transactions = await self._control.own_transactions()
        await self._control.end(state for name, state in transactions.items() if name not in self._watch.running)

    def _on_silence(self, error: Exception) -> None:
        meaning = failure(error)
        self.availability.failed(NO_ANSWER if meaning is None else meaning.sentence)

    def _in_background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            # Connections that cannot be closed in order are gone already.
            task.exception()

    async def close(self) -> None:
        """Close all connections."""
        await self.availability.close()
        await self._watch.close()
        await self.cluster.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for driver in (self._pool.driver, self._control.driver):
            await driver.close()


class _Pool:
    """A driver, and how many sessions use it."""

    def __init__(self, driver: AsyncDriver) -> None:
        self.driver = driver
        self.sessions = 0
        self.replaced = False


async def _records(result: neo4j.AsyncResult, operation: Operation) -> list[neo4j.Record]:
    records = []
    async for record in result:
        operation.steps += 1
        records.append(record)
    return records


async def _end(session: AsyncSession) -> None:
    """Close a session whose outcome is known; a failure ends its connection, and changes nothing else."""
    try:
        await session.close()
    except Exception:
        session.cancel()
        await session.close()


class Connected(ABC):
    """A part of the store. The store inherits from all parts and owns the connections."""

    @abstractmethod
    def _session(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a session; errors of the driver are raised as ours."""

    @abstractmethod
    async def _read(self, query: str, **values: object) -> list[neo4j.Record]:
        """Return the records of one query."""

    @abstractmethod
    async def _transact(self, work: Transact[T], seconds: float = WRITE_SECONDS) -> T:
        """Run some work in one transaction, as `Connections.transact` does."""
