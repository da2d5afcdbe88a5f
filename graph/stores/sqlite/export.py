"""Everything in the file as records, from one read transaction."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Generic

import orjson
from msgspec.structs import replace

from graph.domain.model.customers import Customer
from graph.domain.model.errors import StoreUnavailable
from graph.domain.model.idempotency import IdempotencyKey, IdempotentResult
from graph.domain.model.rules import StoredRules
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
from graph.stores.sqlite import (
    audiences,
    erasures,
    history,
    mapping,
    products,
    restrictions,
    segments,
    source_revocations,
)
from graph.stores.sqlite.connection import Connected
from graph.stores.sqlite.thread_connections import ThreadConnections
from graph.stores.sqlite.writes import is_loading

BATCH_SIZE = 1_000
"""Records that the event loop gets at once."""
_EXPORTED = (
    *("rules", "stored_values", "products", "source_revocations", "tombstones", "erasures", "held_orders", "segments"),
    *("customers", "identifiers", "links", "observations", "overrides", "restrictions", "changes", "memberships"),
    *("idempotency_keys", "audiences", "deliveries", "waiting_changes"),
)
_MEMBER_COLUMNS = 15


class Export(Connected):
    """The part of a `Store` that exports everything."""

    def export(self) -> AsyncGenerator[Sequence[Record], None]:
        return self._batches(records)

    def export_with_indexes(self) -> AsyncGenerator[Sequence[Exported], None]:
        return self._batches(records_with_indexes)

    async def _batches(self, read: Callable[[mapping.Connection], Iterator[T]]) -> AsyncGenerator[Sequence[T], None]:
        # A connection of its own: a snapshot lasts as long as the transaction, and the log grows meanwhile.
        snapshot = _Snapshot(self._connections, read)
        try:
            while batch := await asyncio.to_thread(snapshot.next_batch):
                yield batch
        finally:
            snapshot.close()

    async def count_records(self) -> int:
        counts = " + ".join(f"(SELECT count(*) FROM {table})" for table in _EXPORTED)
        return int((await self._read(mapping.column, f"SELECT {counts}"))[0])


class _Snapshot(Generic[T]):
    """What one read transaction reads, in batches. It is used by one thread at a time."""

    def __init__(self, connections: ThreadConnections, read: Callable[[mapping.Connection], Iterator[T]]) -> None:
        self._connections, self._read = connections, read
        self._connection: sqlite3.Connection | None = None
        self._records: Iterator[T] = iter(())

    def next_batch(self) -> list[T]:
        """Return the next records; none at the end."""
        with self._connections.errors():
            if self._connection is None:
                self._connection = self._connections.open()
                self._connection.execute("BEGIN")
                if is_loading(self._connection):
                    raise StoreUnavailable.loading()
                self._records = self._read(self._connection)
            return list(islice(self._records, BATCH_SIZE))

    def close(self) -> None:
        """End the transaction."""
        if self._connection is not None:
            self._connection.close()


def records(db: mapping.Connection) -> Iterator[Record]:
    """Yield everything that a transaction reads."""
    yield from _before_observations(db)
    for row in db.execute(f"SELECT {_OBSERVATION} FROM observations o ORDER BY o.id"):
        yield _observation(row)
    yield from _after_observations(db)


def records_with_indexes(db: mapping.Connection) -> Iterator[Exported]:
    """Yield everything that a transaction reads, with what follows from it."""
    yield from _before_observations(db)
    for *row, unmentioned, facts, words in db.execute(
        f"SELECT {_OBSERVATION}, {_UNMENTIONED}, {_FACTS}, {_FACT_WORDS} FROM observations o ORDER BY o.id"
    ):
        yield _observation(row)
        yield StoredIndexes(
            tuple(orjson.loads(unmentioned)),
            tuple(map(tuple, orjson.loads(facts))),
            tuple(map(tuple, orjson.loads(words))),
        )
    yield from _after_observations(db)
    for key, words in db.execute(
        "SELECT i.key, s.words FROM search s JOIN identifiers i ON i.id = s.identifier WHERE s.observation = 0"
    ):
        yield StoredWords(key, words)


_OBSERVATION = f"{mapping.FACT_HOLDERS}, {mapping.of('o', mapping.RECEIPT)}"
_UNMENTIONED = """(SELECT json_group_array(k.value) FROM json_each(o.keys) k JOIN identifiers i ON i.key = k.value
    WHERE NOT EXISTS (SELECT 1 FROM observation_identifiers m WHERE m.identifier = i.id AND m.observation = o.id))"""
_FACTS = """(SELECT json_group_array(json_array(i.key, f.kind, f.at, f.type, f.channel, f.campaign, f.sku))
    FROM facts f JOIN identifiers i ON i.id = f.identifier WHERE f.observation = o.id)"""
_FACT_WORDS = """(SELECT json_group_array(json_array(i.key, s.words)) FROM fact_search_rows r
    JOIN search s ON s.rowid = r.row JOIN identifiers i ON i.id = s.identifier WHERE r.observation = o.id)"""


def _observation(row: Sequence[Any]) -> StoredObservation:
    holders, *columns = row
    return StoredObservation.of(replace(mapping.receipt(columns), fact_holders=tuple(sorted(orjson.loads(holders)))))


def _before_observations(db: mapping.Connection) -> Iterator[Record]:
    sql = "SELECT version, created_at, text, pending, processed_to_source, processed_to_id FROM rules ORDER BY version"
    for version, at, text, pending, source, id in db.execute(sql):
        yield StoredRules(version, at, text, bool(pending), None if source is None else (source, id))
    for name, text in db.execute("SELECT name, value FROM stored_values ORDER BY name"):
        yield StoredValue(name, text)
    for row in db.execute(f"SELECT {products.COLUMNS} FROM products ORDER BY sku"):
        yield products.product(row)
    yield from source_revocations.source_revocations(db)
    yield from erasures.records(db)
    yield from segments.segments(db)
    yield from _customers(db, "c.retired_at IS NULL")
    yield from _identifiers_without_customer(db)
    yield from _customers(db, "c.retired_at IS NOT NULL")
    for a, b, *row in db.execute(
        f"""SELECT a.key, b.key, {mapping.LINK} FROM links l JOIN identifiers a ON a.id = l.a
            JOIN identifiers b ON b.id = l.b"""
    ):
        yield mapping.link(a, b, row)


def _after_observations(db: mapping.Connection) -> Iterator[Record]:
    for row in db.execute(f"SELECT {history.OVERRIDE} FROM overrides ORDER BY at, id"):
        yield history.override(row)
    yield from restrictions.all_restrictions(db)
    for row in db.execute(f"SELECT {history.CHANGE} FROM changes ORDER BY id"):
        yield history.entry(row)
    for row in db.execute(
        "SELECT s.public_id, m.customer, m.entered_at FROM memberships m JOIN segments s ON s.id = m.segment"
    ):
        yield Membership(*row)
    for caller, key, digest, override, new, at in db.execute(
        "SELECT caller, key, digest, override, new, at FROM idempotency_keys"
    ):
        yield IdempotentResult.from_text(IdempotencyKey(caller, key, digest), override, bool(new), at)
    yield from audiences.records(db)


def _customers(db: mapping.Connection, condition: str) -> Iterator[Record]:
    """Yield customers, each followed by its identifiers."""
    customer: Customer | None = None
    for row in db.execute(
        f"""SELECT {mapping.MEMBER}, {mapping.CUSTOMER}, c.due_at FROM {mapping.CUSTOMERS}
            LEFT JOIN identifiers i ON i.customer = c.id LEFT JOIN orders o ON o.identifier = i.id
            WHERE {condition} ORDER BY c.id, i.namespace, i.key"""
    ):
        if customer is None or customer.node != row[_MEMBER_COLUMNS]:
            customer = mapping.customer(row[_MEMBER_COLUMNS:-1])
            yield StoredCustomer.of(customer, row[-1])
        if row[0] is not None:
            yield StoredIdentifier.of(mapping.member(row[:_MEMBER_COLUMNS]), customer.id)


def _identifiers_without_customer(db: mapping.Connection) -> Iterator[Record]:
    for row in db.execute(
        f"""SELECT {mapping.MEMBER} FROM identifiers i LEFT JOIN orders o ON o.identifier = i.id
            WHERE i.customer IS NULL OR NOT EXISTS (SELECT 1 FROM customers c WHERE c.id = i.customer)"""
    ):
        yield StoredIdentifier.of(mapping.member(row), "")
