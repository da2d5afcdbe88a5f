"""The Neo4j store: transactions that are tried again, and one query for a customer with its pages."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager

import neo4j

from graph.domain.model.errors import StoreFailure, StoreUnavailable
from graph.domain.model.idempotency import IdempotentResult, RequestKey
from graph.domain.model.migrations import Migrations
from graph.domain.model.order_totals import OrderTotals, order_totals_from_json
from graph.domain.model.orders import Order
from graph.domain.profile.pages import ByKey, CustomerRef, CustomerView, Selection
from graph.ports import StoreSize, T, Work
from graph.stores.neo4j import cypher, mapping, migrator
from graph.stores.neo4j.audiences import AudienceReads
from graph.stores.neo4j.bulk_load import BulkLoad
from graph.stores.neo4j.connection import WRITE_SECONDS, Connections, OpenTransaction, Transact
from graph.stores.neo4j.customer_pages import LIVE_KEYS, CustomerRecord, query, view
from graph.stores.neo4j.erasures import Erasures
from graph.stores.neo4j.export import Export
from graph.stores.neo4j.failures import NO_ANSWER
from graph.stores.neo4j.health import Health
from graph.stores.neo4j.history import HistoryReads
from graph.stores.neo4j.products import Products
from graph.stores.neo4j.property_pages import with_properties
from graph.stores.neo4j.read_batcher import ReadBatcher
from graph.stores.neo4j.refused_records import RefusedRecords
from graph.stores.neo4j.repair import Repair
from graph.stores.neo4j.restrictions import RestrictionReads
from graph.stores.neo4j.retention import RetentionReads
from graph.stores.neo4j.rules import RulesVersions
from graph.stores.neo4j.search import Search
from graph.stores.neo4j.segments import SegmentReads
from graph.stores.neo4j.source_revocations import SourceRevocationReads
from graph.stores.neo4j.statements import StatementReads
from graph.stores.neo4j.transaction import READING, Transaction
from graph.stores.neo4j.writes import WRITE, WRITING

STORE = cypher.load("store")
MAX_TRIES = 30
"""Tries of a read during which changes are committed."""
READY_SECONDS = 5


class Neo4jStore(
    HistoryReads,
    SegmentReads,
    AudienceReads,
    RulesVersions,
    SourceRevocationReads,
    Erasures,
    StatementReads,
    RestrictionReads,
    RetentionReads,
    RefusedRecords,
    Products,
    BulkLoad,
    Export,
    Repair,
    Health,
    Search,
):
    """A `Store` in one database of a Neo4j server."""

    contended = False
    max_batch_size = 100
    """A batch of 1000 keeps the event loop busy for 40 ms, one of 100 for 5 ms, at a quarter more time in total."""

    def __init__(self, uri: str, user: str = "", password: str = "", database: str = "neo4j") -> None:
        self._connections = Connections(uri, user, password, database, (READING["neighborhood"], WRITE))
        self._batcher = ReadBatcher(self._views)
        self.uri = uri

    @property
    def conflicts(self) -> int:
        return self._connections.conflicts

    def _session(self) -> AbstractAsyncContextManager[neo4j.AsyncSession]:
        return self._connections.session()

    async def _read(self, query: str, **values: object) -> list[neo4j.Record]:
        return await self._connections.read(query, values)

    async def _transact(self, work: Transact[T], seconds: float = WRITE_SECONDS) -> T:
        return await self._connections.transact(work, seconds)

    async def write(self, work: Callable[[], Work[T]]) -> T:
        async def run(tx: OpenTransaction) -> T:
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

        return await self._transact(run)

    async def customers(self, refs: Sequence[CustomerRef], selection: Selection) -> list[CustomerView | None]:
        views: list[CustomerView | None] = [None] * len(refs)
        missing = list(range(len(refs)))
        for attempt in range(MAX_TRIES):
            records = await self._batcher.records([refs[at] for at in missing], selection)
            inconsistent: list[int] = []
            absent: dict[int, CustomerRef] = {}
            for at, record in zip(missing, records, strict=True):
                if record is None:
                    absent[at] = refs[at]
                    continue
                views[at] = await self._whole_view(refs[at], selection, record)
                if views[at] is None:
                    inconsistent.append(at)
            if absent:
                inconsistent += await self._absent_by_mistake(absent, attempt)
            if not inconsistent:
                return views
            missing = inconsistent
        raise StoreUnavailable("the customer changes faster than it can be read")

    async def _whole_view(self, ref: CustomerRef, selection: Selection, record: CustomerRecord) -> CustomerView | None:
        """Return a customer that was read; `None` if a change was committed meanwhile."""
        customer_view = _consistent(ref, selection, record)
        return None if customer_view is None else await with_properties(customer_view, self._view_now)

    async def _view_now(self, ref: CustomerRef, selection: Selection) -> CustomerView | None:
        """Return a customer as one query reads it; `None` if it is not found or a change was committed meanwhile."""
        (record,) = await self._batcher.records([ref], selection)
        return None if record is None else _consistent(ref, selection, record)

    async def _views(self, refs: Sequence[CustomerRef], selection: Selection) -> list[CustomerRecord]:
        text, values = query(refs, selection)
        return [CustomerRecord._make(record) for record in await self._read(text, **values)]

    async def _absent_by_mistake(self, absent: Mapping[int, CustomerRef], attempt: int) -> list[int]:
        """Return the positions of customers that may be missing only because a change is being applied.

        These are identifiers that belong to a customer, and every id at the first attempt.
        """
        keys = {at: ref.key for at, ref in absent.items() if isinstance(ref, ByKey)}
        records = await self._read(LIVE_KEYS, keys=list(keys.values())) if keys else []
        alive = {record["key"] for record in records}
        return [at for at in absent if (keys[at] in alive if at in keys else attempt == 0)]

    async def orders(self, keys: Sequence[str]) -> list[Order | None]:
        records = await self._read(STORE["orders"], keys=list(keys))
        orders = [record["order"] for record in records]
        return [None if order is None else Order.from_facts(*order) for order in orders]

    async def order_totals(self, after: str, first: int) -> list[tuple[str, OrderTotals]]:
        records = await self._read(STORE["order_totals"], after=after, first=first)
        return [(record["id"], order_totals_from_json(record["order_totals"])) for record in records]

    async def customer_ids(self, after: str, first: int) -> list[str]:
        return [record["id"] for record in await self._read(STORE["customer_ids"], after=after, first=first)]

    async def count_customers(self) -> int:
        (record,) = await self._read(STORE["count_customers"])
        return int(record["count"])

    async def size(self) -> StoreSize:
        # The database keeps the number of nodes of each label, but tells the size of its files to administrators only.
        (record,) = await self._read(STORE["count_identifiers"])
        return StoreSize(int(record["count"]), None)

    async def idempotent_result(self, key: RequestKey) -> IdempotentResult | None:
        (record,) = await self._read(READING["idempotent_results"], params={"keys": [list(key)]})
        return mapping.idempotent_result(record["rows"][0][0]) if record["rows"] else None

    async def put_value(self, name: str, text: str) -> None:
        async def run(tx: OpenTransaction) -> None:
            await migrator.check_transaction(tx)
            await tx.run(WRITING["put_values"], {"params": {"rows": [[name, text]]}})

        await self._transact(run)

    async def get_value(self, name: str) -> str | None:
        records = await self._read(STORE["get_value"], name=name)
        return records[0]["value"] if records else None

    async def replace_value(self, name: str, text: str, expected: str | None) -> bool:
        query = STORE["create_value" if expected is None else "replace_value"]

        async def run(tx: OpenTransaction) -> bool:
            await migrator.check_transaction(tx)
            return bool(await tx.run(query, {"name": name, "text": text, "expected": expected}))

        return await self._transact(run)

    async def migrations(self) -> Migrations:
        async with self._session() as session:
            return await migrator.status(session)

    async def migrate(self) -> list[str]:
        async with self._session() as locking, self._session() as session:
            return await migrator.migrate(locking, session)

    @property
    def bookmarks(self) -> frozenset[str]:
        return self._connections.cluster.bookmarks

    async def reach(self, bookmarks: frozenset[str]) -> None:
        await self._connections.reach(bookmarks)

    async def ready(self) -> str:
        if sentence := self._connections.availability.sentence:
            return sentence
        try:
            async with asyncio.timeout(READY_SECONDS), self._session() as session:
                return await migrator.problem(session)
        except TimeoutError:
            return NO_ANSWER
        except (StoreUnavailable, StoreFailure) as error:
            return error.message

    async def close(self) -> None:
        await self._connections.close()


def _consistent(ref: CustomerRef, selection: Selection, record: CustomerRecord) -> CustomerView | None:
    """Return a customer that was read as a view; `None` if a change was committed while it was read."""
    # Of a customer that is being erased, properties may be missing already.
    if not record.consistent:
        return None
    customer_view = view(ref, selection, record)
    return customer_view if record.identifier_count == customer_view.customer.size else None
