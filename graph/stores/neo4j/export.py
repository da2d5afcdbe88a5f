"""Everything in the database as records.

Neo4j has no snapshot of several queries. So writes wait while everything is read: each of them locks the feed's node
before it commits, and the export holds that lock. Products and values that are stored by name are written without it:
either version of one that changes meanwhile is exported.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence

from msgspec.structs import replace
from neo4j import Record as Row

from graph.domain.model.errors import StoreUnavailable
from graph.domain.model.segments import Membership
from graph.domain.model.stored_records import (
    Exported,
    Record,
    StoredCustomer,
    StoredIdentifier,
    StoredIndexes,
    StoredObservation,
    StoredValue,
    StoredWords,
)
from graph.ports import T
from graph.stores.neo4j import cypher, mapping
from graph.stores.neo4j.audiences import AUDIENCES, audience, delivery, waiting_change
from graph.stores.neo4j.connection import Connected
from graph.stores.neo4j.erasures import erasure, held_order, tombstone
from graph.stores.neo4j.history import entry, override
from graph.stores.neo4j.products import product
from graph.stores.neo4j.restrictions import restriction
from graph.stores.neo4j.rules import stored_rules
from graph.stores.neo4j.segments import SEGMENTS, segment
from graph.stores.neo4j.source_revocations import SOURCE_REVOCATIONS, source_revocation

EXPORT = cypher.load("export")
BATCH_SIZE = 1_000
"""Records that the caller gets at once."""


class Export(Connected):
    """The part of a `Store` that exports everything."""

    def export(self) -> AsyncGenerator[Sequence[Record], None]:
        return self._batches(_QUERIES)

    def export_with_indexes(self) -> AsyncGenerator[Sequence[Exported], None]:
        with_indexes = {EXPORT["observations"]: (EXPORT["observations_with_indexes"], _observation_with_indexes)}
        queries = [with_indexes.get(query, (query, convert)) for query, convert in _QUERIES]
        return self._batches([*queries, (EXPORT["words"], _words)])

    async def _batches(
        self, queries: Sequence[tuple[str, Callable[[Row], Iterator[T]]]]
    ) -> AsyncGenerator[Sequence[T], None]:
        # Without a limit of time: the export of a large graph takes minutes.
        async with self._session() as session, await session.begin_transaction(timeout=0) as lock:
            row = await (await lock.run(EXPORT["pause_writes"])).single(strict=True)
            if row["loading"]:
                raise StoreUnavailable.loading()
            for query, convert in queries:
                batch: list[T] = []
                async for record in self._stream(query):
                    batch += convert(record)
                    if len(batch) >= BATCH_SIZE:
                        yield batch
                        batch = []
                if batch:
                    yield batch

    async def _stream(self, query: str) -> AsyncIterator[Row]:
        async with self._session() as session:
            async for record in await session.run(query):
                yield record

    async def count_records(self) -> int:
        (record,) = await self._read(EXPORT["count_records"])
        return int(record["count"])


def _customer(row: Row) -> Iterator[Record]:
    values = row["values"]
    customer = mapping.customer(values, None, row["target"])
    yield StoredCustomer.of(customer, values["due_at"])
    for member in row["members"]:
        yield StoredIdentifier.of(mapping.member(member, None), customer.id)


def _observation(row: Row) -> Iterator[Record]:
    yield StoredObservation.of(replace(mapping.receipt(row["values"]), fact_holders=tuple(row["holders"])))


def _observation_with_indexes(row: Row) -> Iterator[Exported]:
    values = row["values"]
    yield from _observation(row)
    facts = tuple(
        (key, kind, at, type or "", channel or "", campaign or "", sku or "")
        for key, kind, at, type, channel, campaign, sku in row["facts"]
    )
    words = values.get("words")
    yield StoredIndexes(
        tuple(row["unmentioned"]),
        facts,
        () if words is None else tuple((key, words) for key in row["holders"] or ("",)),
    )


def _words(row: Row) -> Iterator[Exported]:
    yield StoredWords(row["key"], row["words"])


def _link(row: Row) -> Iterator[Record]:
    yield mapping.link(row["a"], row["b"], row["values"])


_Convert = Callable[[Row], Iterator[Record]]


def _each(convert: Callable[[mapping.Properties], Record]) -> _Convert:
    """Convert the only value of each row."""
    return lambda row: iter((convert(row.value()),))


_QUERIES: Sequence[tuple[str, _Convert]] = (
    (EXPORT["rules"], _each(stored_rules)),
    (EXPORT["values"], _each(lambda values: StoredValue(values["name"], values["value"]))),
    (EXPORT["products"], _each(product)),
    (SOURCE_REVOCATIONS["source_revocations"], _each(source_revocation)),
    (EXPORT["tombstones"], _each(tombstone)),
    (EXPORT["erasures"], lambda row: iter((erasure(row.value()),))),
    (EXPORT["held_orders"], _each(held_order)),
    (SEGMENTS["segments"], _each(segment)),
    (EXPORT["live_customers"], _customer),
    (
        EXPORT["identifiers_without_customer"],
        _each(lambda values: StoredIdentifier.of(mapping.member(values, None), "")),
    ),
    (EXPORT["retired_customers"], _customer),
    (EXPORT["links"], _link),
    (EXPORT["observations"], _observation),
    (EXPORT["overrides"], _each(override)),
    (EXPORT["restrictions"], _each(restriction)),
    (EXPORT["changes"], _each(entry)),
    (EXPORT["memberships"], lambda row: iter((Membership(*row.values()),))),
    (EXPORT["idempotency_keys"], _each(mapping.idempotent_result)),
    (AUDIENCES["audiences"], lambda row: iter((audience(row.value()),))),
    (EXPORT["deliveries"], _each(delivery)),
    (EXPORT["waiting_changes"], _each(waiting_change)),
)
