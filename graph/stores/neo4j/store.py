"""The Neo4j store: managed transactions, one query a view, and the driver's errors turned into ours."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import neo4j
import orjson
from neo4j import AsyncGraphDatabase, AsyncManagedTransaction
from neo4j.exceptions import (
    AuthError,
    ClientError,
    ConstraintError,
    DriverError,
    Neo4jError,
    TransientError,
)

from graph.domain.model.changes import Entry
from graph.domain.model.dates import DAY
from graph.domain.model.errors import Conflict, StoreFailure, StoreUnavailable
from graph.domain.model.idempotency import Answered, RequestKey
from graph.domain.model.order_totals import Figures, figures_from_json
from graph.domain.model.orders import Order
from graph.domain.model.overrides import Mark
from graph.domain.model.products import Product
from graph.domain.model.receipts import ObservationKey, Receipt
from graph.domain.model.rules import KeptRules
from graph.domain.model.segments import Belonging, Membership, Segment
from graph.domain.model.store_values import Writes
from graph.domain.profile.pages import Asked, ByKey, CustomerView, Selection
from graph.domain.profile.search import Field, Hit
from graph.domain.resolution.health import Hub, Large, NamespaceUse, Survey
from graph.ports import LOADING, T, Work
from graph.stores.neo4j import cypher, mapping
from graph.stores.neo4j.customer_pages import ALIVE, Read, query, view
from graph.stores.neo4j.read_batcher import Trips
from graph.stores.neo4j.search import MOST_LOOKED_AT, exact, hit, similar
from graph.stores.neo4j.transaction import Transaction
from graph.stores.neo4j.upgrades import AFTER, BEFORE

SCHEMA = cypher.load("schema")
RULES = cypher.load("rules")
HISTORY = cypher.load("history")
READING = cypher.load("reads")
PRODUCTS = cypher.load("products")
SEARCH = cypher.load("search")
SEGMENTS = cypher.load("segments")
WRITING = cypher.load("writes")

HEALTH = cypher.load("health")
RETRY_SECONDS = 8.0
TRIES = 30
"""How often a read is repeated that changes came into, and a write that another process beat to a new identifier."""


class Neo4jStore:
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

    async def write(self, work: Callable[[], Work[T]]) -> T:
        """See `Store`."""

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
        """See `Store`."""
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

    async def _read(self, query: str, **values: object) -> list[neo4j.Record]:
        async with self._session() as session:
            return [record async for record in await session.run(query, values)]

    async def changes(self, after: int, first: int) -> list[Entry]:
        """See `Store`."""
        return [mapping.entry(record["h"]) for record in await self._read(HISTORY["changes"], after=after, first=first)]

    async def newest_change(self) -> int:
        """See `Store`."""
        (record,) = await self._read(HISTORY["newest_change"])
        return int(record["no"])

    async def history(self, ids: Sequence[str]) -> list[Entry]:
        """See `Store`."""
        return [mapping.entry(record["h"]) for record in await self._read(HISTORY["history"], ids=list(ids))]

    async def naming(self, key: str) -> list[str]:
        """See `Store`."""
        return [record["id"] for record in await self._read(HISTORY["naming"], key=key)]

    async def marks(self, key: str | None, after: tuple[int, str] | None, first: int) -> list[Mark]:
        """See `Store`."""
        at, id = after or (-1, "")
        found = await self._read(HISTORY["marks"], key=key, at=at, id=id, first=first)
        return [mapping.mark(record["m"]) for record in found]

    async def mark(self, id: str) -> Mark | None:
        """See `Store`."""
        found = await self._read(HISTORY["mark"], id=id)
        return mapping.mark(found[0]["m"]) if found else None

    async def answered(self, key: RequestKey) -> Answered | None:
        """See `Store`."""
        (record,) = await self._read(READING["answered"], asked={"keys": [list(key)]})
        return mapping.answered(record["found"][0][0]) if record["found"] else None

    async def orders(self, keys: Sequence[str]) -> list[Order | None]:
        """See `Store`."""
        found = await self._read(HISTORY["orders"], keys=list(keys))
        return [None if one["order"] is None else Order.from_facts(*one["order"]) for one in found]

    async def put_products(self, products: Sequence[Product]) -> list[bool]:
        """See `Store`."""
        values = sorted((mapping.product_values(one) for one in products), key=lambda one: str(one["sku"]))

        async def run(tx: AsyncManagedTransaction) -> dict[str, bool]:
            result = await tx.run(PRODUCTS["put_products"], rows=values)
            return {record["sku"]: record["newer"] async for record in result}

        async with self._session() as session:
            newer = await session.execute_write(run)
        return [newer[one.sku] for one in products]

    async def products(self, skus: Sequence[str]) -> dict[str, Product]:
        """See `Store`."""
        found = [mapping.product(record["p"]) for record in await self._read(PRODUCTS["products"], skus=list(skus))]
        return {one.sku: one for one in found}

    async def find(self, word: str, fields: Sequence[Field], within: Sequence[str] | None, first: int) -> list[Hit]:
        """See `Store`."""
        values = {"fields": [field.value for field in fields], "within": within, "first": first, "most": MOST_LOOKED_AT}
        for lucene, misspelt in ((exact(word), False), (similar(word), True)):
            if lucene is not None:
                found = await self._read(SEARCH["find"], lucene=lucene, **values)
                hits = [one for record in found if (one := hit(record, word, misspelt)) is not None]
                if hits:
                    return hits
        return []

    async def figures(self, after: str, first: int) -> list[tuple[str, Figures]]:
        """See `Store`."""
        found = await self._read(RULES["figures"], after=after, first=first)
        return [(record["id"], figures_from_json(record["figures"])) for record in found]

    async def customer_ids(self, after: str, first: int) -> list[str]:
        """See `Store`."""
        return [record["id"] for record in await self._read(SEGMENTS["customer_ids"], after=after, first=first)]

    async def count_customers(self) -> int:
        """See `Store`."""
        (record,) = await self._read(SEGMENTS["count_customers"])
        return int(record["count"])

    async def due(self, now: int, first: int) -> list[str]:
        """See `Store`."""
        return [record["id"] for record in await self._read(SEGMENTS["due"], now=now, first=first)]

    async def segments(self) -> list[Segment]:
        """See `Store`."""
        return [mapping.segment(record["s"]) for record in await self._read(SEGMENTS["segments"])]

    async def belongings(self, ids: Sequence[str]) -> list[Belonging]:
        """See `Store`."""
        found = await self._read(SEGMENTS["belongings"], ids=list(ids))
        return [mapping.belonging(record.values()) for record in found]

    async def members(self, segment: str, after: str, first: int) -> list[Membership]:
        """See `Store`."""
        found = await self._read(SEGMENTS["members"], segment=segment, after=after, first=first)
        return [Membership(segment, *record.values()) for record in found]

    async def count_members(self, segment: str) -> int:
        """See `Store`."""
        (record,) = await self._read(SEGMENTS["count_members"], segment=segment)
        return int(record["count"])

    async def keep(self, name: str, text: str) -> None:
        """See `Store`."""
        await self._read(WRITING["keep"], asked={"rows": [[name, text]]})

    async def kept(self, name: str) -> str | None:
        """See `Store`."""
        found = await self._read(RULES["kept"], name=name)
        return found[0]["text"] if found else None

    async def survey(self, known: Sequence[str], first: int) -> Survey:
        """See `Store`."""
        hubs = await self._read(HEALTH["hubs"], first=first)
        largest = await self._read(HEALTH["largest"], first=first)
        uses = await self._read(HEALTH["namespaces"])
        doubles = await self._read(HEALTH["doubles"], namespaces=list(known), first=first)
        suspended = await self._read(HEALTH["suspended"], day=DAY)
        return Survey(
            [Hub(*record.values()) for record in hubs],
            [Large(record["id"], orjson.loads(record["counts"])) for record in largest],
            [NamespaceUse(*record.values()) for record in uses],
            [record["key"] for record in doubles],
            {record["day"]: record["count"] for record in suspended},
        )

    async def migrate(self) -> list[str]:
        """See `Store`."""
        async with self._session() as session:
            there = {record["name"] async for record in await session.run(RULES["applied_migrations"])}
            done: list[str] = []
            for name, statement in SCHEMA.items():
                if _name(statement) not in there:
                    if make_room := BEFORE.get(name):
                        await make_room(self._read)
                    await (await session.run(statement)).consume()
                    done.append(name)
            await (await session.run("CALL db.awaitIndexes(300)")).consume()
        for name in done:
            if upgrade := AFTER.get(name):
                await upgrade(self._read)
        return [name.replace("_", " ", 1) for name in done]

    async def ready(self) -> str:
        """See `Store`."""
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

    async def rules(self) -> list[KeptRules]:
        """See `Store`."""
        return [mapping.kept_rules(record["r"]) for record in await self._read(RULES["newest_rules"])]

    async def adopt_rules(self, text: str, expected: int, at: int) -> int:
        """See `Store`."""

        async def run(tx: AsyncManagedTransaction) -> int:
            result = await tx.run(RULES["adopt_rules"], text=text, expected=expected, at=at)
            record = await result.single(strict=True)
            if record["loading"]:
                raise StoreUnavailable.loading()
            return int(record["newest"])

        async with self._session() as session:
            newest = await session.execute_write(run)
        if newest != expected:
            raise Conflict(f"the rules are at version {newest}, not {expected}", ("expectedVersion",))
        return newest + 1

    async def observations(self, after: ObservationKey | None, version: int, first: int) -> list[ObservationKey]:
        """See `Store`."""
        source, id = after or ("", "")
        found = await self._read(RULES["observations"], source=source, id=id, version=version, first=first)
        return [(record["source"], record["id"]) for record in found]

    async def beside(self, keys: Sequence[ObservationKey], version: int, first: int) -> list[ObservationKey]:
        """See `Store`."""
        asked = [list(key) for key in keys]
        found = await self._read(RULES["beside"], keys=asked, version=version, first=first)
        return [(record["source"], record["id"]) for record in found]

    async def receipts(self, after: ObservationKey | None, first: int) -> list[Receipt]:
        """See `Store`."""
        source, id = after or ("", "")
        found = await self._read(RULES["receipts"], source=source, id=id, first=first)
        return [mapping.receipt(record["o"]) for record in found]

    async def count_observations(self) -> int:
        """See `Store`."""
        (record,) = await self._read(RULES["count_observations"])
        return int(record["count"])

    async def holders(self, keys: Sequence[str]) -> list[str]:
        """See `Store`."""
        return [record["id"] for record in await self._read(RULES["holders"], keys=list(keys))]

    async def begin_load(self, mark: str) -> None:
        """See `Store`."""

        async def run(tx: AsyncManagedTransaction) -> bool:
            record = await (await tx.run(WRITING["begin_load"])).single(strict=True)
            if not record["begun"]:
                await tx.run(WRITING["keep"], asked={"rows": [[LOADING, mark]]})
            return bool(record["held"])

        async with self._session() as session:
            if await session.execute_write(run):
                raise Conflict("the store is not empty; what comes on top is for `kith import`")

    async def load(self, writes: Writes, numbers: Mapping[str, int]) -> None:
        """See `Store`."""

        async def run(tx: AsyncManagedTransaction) -> None:
            transaction = Transaction(tx, loading=True)
            await transaction.know(list(numbers))
            await transaction.write(writes)

        async with self._session() as session:
            await session.execute_write(run)

    async def end_load(self) -> None:
        """See `Store`."""
        await self._read(WRITING["end_load"], name=LOADING)

    async def close(self) -> None:
        """See `Store`."""
        await self._driver.close()


def _name(statement: str) -> str:
    """The name of the constraint or index that a statement creates."""
    words = statement.split()
    return words[next(place for place, word in enumerate(words) if word in ("CONSTRAINT", "INDEX")) + 1]
