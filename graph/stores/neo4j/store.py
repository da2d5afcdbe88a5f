"""The Neo4j store: managed transactions, one query a view, and the driver's errors turned into ours."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import neo4j
from neo4j import AsyncGraphDatabase, AsyncManagedTransaction
from neo4j.exceptions import (
    AuthError,
    ClientError,
    ConstraintError,
    DriverError,
    Neo4jError,
    TransientError,
)

from graph.domain.model.errors import StoreFailure, StoreUnavailable
from graph.domain.model.idempotency import Answered, RequestKey
from graph.domain.model.order_totals import Figures, figures_from_json
from graph.domain.model.orders import Order
from graph.domain.profile.pages import Asked, ByKey, CustomerView, Selection
from graph.ports import T, Work
from graph.stores.neo4j import cypher, mapping
from graph.stores.neo4j.bulk_load import BulkLoad
from graph.stores.neo4j.customer_pages import ALIVE, Read, query, view
from graph.stores.neo4j.health import Health
from graph.stores.neo4j.history import HISTORY, HistoryReads
from graph.stores.neo4j.products import Products
from graph.stores.neo4j.read_batcher import Trips
from graph.stores.neo4j.rules import RULES, RulesReads
from graph.stores.neo4j.search import Search
from graph.stores.neo4j.segments import SEGMENTS, SegmentReads
from graph.stores.neo4j.transaction import READING, Transaction
from graph.stores.neo4j.writes import WRITING

SCHEMA = cypher.load("schema")
RETRY_SECONDS = 8.0
TRIES = 30
"""How often a read is repeated that changes came into, and a write that another process beat to a new identifier."""


class Neo4jStore(HistoryReads, SegmentReads, RulesReads, Products, BulkLoad, Health, Search):
    """A `Store` in one database of a Neo4j server."""

    most_at_once = 100
    """A thousand keep the event loop for 40 ms at a stretch, a hundred for 5; in all these take a quarter longer."""

    def __init__(self, uri: str, user: str = "", password: str = "", database: str = "neo4j") -> None:
        self._driver = AsyncGraphDatabase.driver(
            uri,
            auth=(user, password) if user else None,
            connection_timeout=3,
            connection_acquisition_timeout=5,
            max_transaction_retry_time=RETRY_SECONDS,
            notifications_min_severity="OFF",
            user_agent="kith",
        )
        self._database = database
        self._trips = Trips(self._views)
        self.uri = uri

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[neo4j.AsyncSession]:
        try:
            async with self._driver.session(database=self._database) as session:
                yield session
        except AuthError as error:
            raise StoreUnavailable("the database refuses the user or the password") from error
        except (ClientError, ConstraintError) as error:
            raise StoreFailure(f"the database refused a statement: {error.code}") from error
        except (DriverError, TransientError, OSError) as error:
            raise StoreUnavailable(f"the database does not answer ({type(error).__name__})") from error
        except Neo4jError as error:
            raise StoreUnavailable(f"the database cannot work: {error.code}") from error

    async def _read(self, query: str, **values: object) -> list[neo4j.Record]:
        async with self._session() as session:
            return [record async for record in await session.run(query, values)]

    async def write(self, work: Callable[[], Work[T]]) -> T:
        async def run(tx: AsyncManagedTransaction) -> T:
            transaction = Transaction(tx)
            generator = work()
            request = next(generator)
            while True:
                answer = await transaction.answer(request)
                try:
                    request = generator.send(answer)
                except StopIteration as stop:
                    result: T = stop.value
                    return result

        async with self._session() as session:
            for _ in range(TRIES):
                try:
                    return await session.execute_write(run)
                except ConstraintError:
                    # Another process made the same identifier or observation at the same time; now it can be read.
                    await asyncio.sleep(0.01)
            return await session.execute_write(run)

    async def customers(self, asked: Sequence[Asked], selection: Selection) -> list[CustomerView | None]:
        views: list[CustomerView | None] = [None] * len(asked)
        missing = list(range(len(asked)))
        for attempt in range(TRIES):
            found = await self._trips.records([asked[at] for at in missing], selection)
            torn: list[int] = []
            absent: dict[int, Asked] = {}
            for at, read in zip(missing, found, strict=True):
                if read is None:
                    absent[at] = asked[at]
                    continue
                one = view(asked[at], selection, read)
                if read.whole and read.held == one.customer.size:
                    views[at] = one
                else:
                    torn.append(at)
            if absent:
                torn += await self._in_between(absent, attempt)
            if not torn:
                return views
            missing = torn
        raise StoreUnavailable("the customer changes faster than it can be read")

    async def _views(self, asked: Sequence[Asked], selection: Selection) -> list[Read]:
        text, values = query(asked, selection)
        return [Read._make(record) for record in await self._read(text, **values)]

    async def _in_between(self, absent: Mapping[int, Asked], attempt: int) -> list[int]:
        """Who may be missing only since a change is being applied: identifiers that belong to someone, any id once."""
        keys = {at: one.key for at, one in absent.items() if isinstance(one, ByKey)}
        found = await self._read(ALIVE, keys=list(keys.values())) if keys else []
        alive = {record["key"] for record in found}
        return [at for at in absent if (keys[at] in alive if at in keys else attempt == 0)]

    async def orders(self, keys: Sequence[str]) -> list[Order | None]:
        found = await self._read(HISTORY["orders"], keys=list(keys))
        return [None if one["order"] is None else Order.from_facts(*one["order"]) for one in found]

    async def figures(self, after: str, first: int) -> list[tuple[str, Figures]]:
        found = await self._read(RULES["figures"], after=after, first=first)
        return [(record["id"], figures_from_json(record["figures"])) for record in found]

    async def customer_ids(self, after: str, first: int) -> list[str]:
        return [record["id"] for record in await self._read(SEGMENTS["customer_ids"], after=after, first=first)]

    async def count_customers(self) -> int:
        (record,) = await self._read(SEGMENTS["count_customers"])
        return int(record["count"])

    async def answered(self, key: RequestKey) -> Answered | None:
        (record,) = await self._read(READING["answered"], asked={"keys": [list(key)]})
        return mapping.answered(record["found"][0][0]) if record["found"] else None

    async def keep(self, name: str, text: str) -> None:
        await self._read(WRITING["keep"], asked={"rows": [[name, text]]})

    async def kept(self, name: str) -> str | None:
        found = await self._read(RULES["kept"], name=name)
        return found[0]["text"] if found else None

    async def migrate(self) -> list[str]:
        async with self._session() as session:
            there = {record["name"] async for record in await session.run(RULES["applied_migrations"])}
            done: list[str] = []
            for name, statement in SCHEMA.items():
                if _name(statement) not in there:
                    await (await session.run(statement)).consume()
                    done.append(name)
            await (await session.run("CALL db.awaitIndexes(300)")).consume()
        return [name.replace("_", " ", 1) for name in done]

    async def ready(self) -> str:
        try:
            async with asyncio.timeout(5), self._session() as session:
                result = await session.run(RULES["applied_migrations"])
                online = {record["name"] async for record in result if record["state"] == "ONLINE"}
        except TimeoutError:
            return "the database does not answer"
        except (StoreUnavailable, StoreFailure) as error:
            return error.message
        wanted = {_name(statement) for statement in SCHEMA.values()}
        return "" if wanted <= online else "the database lacks constraints or indexes: run `kith migrate`"

    async def close(self) -> None:
        await self._driver.close()


def _name(statement: str) -> str:
    """The name of the constraint or index that a statement creates."""
    words = statement.split()
    return words[next(place for place, word in enumerate(words) if word in ("CONSTRAINT", "INDEX")) + 1]
