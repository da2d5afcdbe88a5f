"""The SQLite store: one file, one writing thread, several reading threads. It never blocks the event loop."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, cast

from graph.domain.model.errors import StoreUnavailable
from graph.domain.model.idempotency import IdempotentResult, RequestKey
from graph.domain.model.json_text import compact
from graph.domain.model.migrations import Migrations
from graph.domain.model.order_totals import OrderTotals, order_totals_from_json
from graph.domain.model.orders import Order
from graph.domain.profile.pages import CustomerRef, CustomerView, Selection
from graph.ports import StoreSize, T, Work
from graph.stores.sqlite import checkpoints, failures, mapping, migrator
from graph.stores.sqlite.audiences import AudienceReads
from graph.stores.sqlite.backup import backup_to
from graph.stores.sqlite.bulk_load import BulkLoad
from graph.stores.sqlite.connection import BUSY_SECONDS, READER_CACHE, SETTINGS
from graph.stores.sqlite.customer_pages import customer_views
from graph.stores.sqlite.erasures import Erasures
from graph.stores.sqlite.export import Export
from graph.stores.sqlite.health import Health
from graph.stores.sqlite.history import HistoryReads
from graph.stores.sqlite.products import Products
from graph.stores.sqlite.read_pool import ReadJob, ReadPool
from graph.stores.sqlite.refused_records import RefusedRecords
from graph.stores.sqlite.repair import Repair
from graph.stores.sqlite.restrictions import RESTRICTED, RestrictionReads
from graph.stores.sqlite.retention import RetentionReads
from graph.stores.sqlite.rules import RulesVersions
from graph.stores.sqlite.search import Search
from graph.stores.sqlite.segments import SegmentReads
from graph.stores.sqlite.source_revocations import SourceRevocationReads
from graph.stores.sqlite.statements import StatementReads
from graph.stores.sqlite.thread_connections import ThreadConnections
from graph.stores.sqlite.transaction import Transaction
from graph.stores.sqlite.write_transactions import WriteTransactions

READERS = 4
READER = "kith-sqlite-reader"
ATTEMPT_SECONDS = 2
"""How long `ready` waits for a write that shows whether the file can be written."""


class SQLiteStore(
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
    """A `Store` in a SQLite file in WAL mode. Every commit is synchronized to disk."""

    max_batch_size = 1_000
    """The decisions of a write run in a thread of their own."""
    conflicts = 0
    """Writers take turns."""

    def __init__(self, path: str | Path) -> None:
        self._path = str(path)
        self._writer = ThreadPoolExecutor(1, "kith-sqlite-writer")
        self._readers = ThreadPoolExecutor(READERS, READER)
        self._read_pool = ReadPool(self._readers, READERS, self._run)
        self._connections = ThreadConnections(self._path, self._open_connection, _tune_for_thread)
        self._writes = WriteTransactions(self._path, self._connections)
        self._attempt: asyncio.Task[None] | None = None
        """The write that shows whether the file can be written."""
        self._checkpoints = checkpoints.Checkpoints(self._connections.open)

    @property
    def path(self) -> Path:
        """The file."""
        return Path(self._path)

    def _open_connection(self) -> sqlite3.Connection:
        # Used by several threads, one at a time.
        return sqlite3.connect(
            self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256
        )

    async def _run_in(self, pool: ThreadPoolExecutor, function: Callable[..., T], *values: object) -> T:
        job = ReadJob(function, values)
        try:
            return cast("T", await asyncio.get_running_loop().run_in_executor(pool, self._run, job))
        except asyncio.CancelledError:
            # A write that was accepted is finished; a read that no one waits for is stopped.
            if pool is self._readers:
                job.interrupt()
            raise

    def _run(self, job: ReadJob) -> Any:
        connection = self._connections.get()
        try:
            return job.run(connection)
        finally:
            # An interrupt fails what the connection does next as well, until its last cursor is closed.
            if job.interrupted or connection.in_transaction:
                self._connections.replace(connection)

    async def _read(self, function: Callable[..., T], *values: object) -> T:
        return await self._run_in(self._readers, self._in_read, function, values)

    async def _read_batched(self, function: Callable[..., T], *values: object) -> T:
        return cast("T", await self._read_pool.run(self._in_read, function, values))

    async def _alter(self, function: Callable[..., T], *values: object) -> T:
        return await self._run_in(self._writer, self._in_write, function, values)

    async def _set(self, settings: Sequence[str]) -> None:
        await self._run_in(self._writer, lambda: _tune(self._connections.get(), settings))

    async def _rewrite(self) -> None:
        await self._run_in(self._writer, lambda: self._connections.get().execute("VACUUM"))

    def _in_read(self, function: Callable[..., T], values: Sequence[object]) -> T:
        with self._connections.transaction("BEGIN") as connection:
            return function(connection, *values)

    def _in_write(self, function: Callable[..., T], values: Sequence[object]) -> T:
        with self._writes.transaction() as connection:
            return function(connection, *values)

    @property
    def contended(self) -> bool:
        return self._writes.contended

    async def write(self, work: Callable[[], Work[T]]) -> T:
        # One transaction at a time; other processes wait for it.
        return await self._run_in(self._writer, self._write, work)

    def _write(self, work: Callable[[], Work[T]]) -> T:
        with self._writes.transaction() as connection:
            result = _run_work(Transaction(connection), work())
        self._checkpoints.committed(connection)
        return result

    async def customers(self, refs: Sequence[CustomerRef], selection: Selection) -> list[CustomerView | None]:
        # A read transaction is a snapshot here, so nothing has to be repeated.
        read = self._read_batched if len(refs) == 1 else self._read
        return await read(customer_views, refs, selection)

    async def orders(self, keys: Sequence[str]) -> list[Order | None]:
        return await self._read_batched(orders, keys)

    async def order_totals(self, after: str, first: int) -> list[tuple[str, OrderTotals]]:
        return await self._read(order_totals, after, first)

    async def customer_ids(self, after: str, first: int) -> list[str]:
        sql = "SELECT public_id FROM customers WHERE public_id > ? AND retired_at IS NULL ORDER BY public_id LIMIT ?"
        return await self._read(mapping.column, sql, after, first)

    async def count_customers(self) -> int:
        return int((await self._read(mapping.column, "SELECT count(*) FROM customers WHERE retired_at IS NULL"))[0])

    async def size(self) -> StoreSize:
        # Only erasures and retention delete identifiers, so the greatest id is about their number.
        (identifiers,) = await self._read(mapping.column, "SELECT coalesce(max(id), 0) FROM identifiers")
        files = [Path(self._path), Path(f"{self._path}-wal")]
        return StoreSize(identifiers, sum(file.stat().st_size for file in files if file.exists()))

    async def idempotent_result(self, key: RequestKey) -> IdempotentResult | None:
        return await self._read(mapping.idempotent_result, key)

    async def put_value(self, name: str, text: str) -> None:
        await self._alter(_put_value, name, text)

    async def get_value(self, name: str) -> str | None:
        return await self._read(get_value, name)

    async def replace_value(self, name: str, text: str, expected: str | None) -> bool:
        return await self._alter(_replace_value, name, text, expected)

    async def migrations(self) -> Migrations:
        return await self._read(migrator.status)

    async def migrate(self, backup: Path | None = None) -> list[str]:
        """As the protocol says. With `backup`, a file with data is first copied into that new file (`backup_to`)."""
        return await self._run_in(self._writer, self._migrate, backup)

    def _migrate(self, backup: Path | None) -> list[str]:
        # The transaction keeps other writers out, so nothing is stored between the backup and the migration.
        with self._writes.transaction() as connection:
            current = migrator.status(connection)
            if backup is not None and current.pending and not current.empty:
                with closing(self._connections.open()) as source:
                    backup_to(source, backup)
            return migrator.migrate(connection)

    bookmarks: frozenset[str] = frozenset()

    async def reach(self, bookmarks: frozenset[str]) -> None:
        """There is one file, which has everything."""

    async def ready(self) -> str:
        return await self._unreadable() or await self._unwritable()

    async def _unreadable(self) -> str:
        """Return why the file cannot be read, empty if it can."""
        try:
            self._connections.check_moved()
            if problem := (await self.migrations()).problem:
                return problem
        except StoreUnavailable as error:
            return error.message
        return failures.SENTENCES[sqlite3.SQLITE_CORRUPT] if self._connections.damaged else ""

    async def _unwritable(self) -> str:
        """Return why the file cannot be written, empty if it can."""
        if self._writes.problem == "":
            return ""
        # One attempt at a time: another process may hold the lock for long.
        if self._attempt is None or self._attempt.done():
            self._attempt = asyncio.create_task(self._run_in(self._writer, self._writes.attempt))
        await asyncio.wait((self._attempt,), timeout=ATTEMPT_SECONDS)
        return self._writes.problem or ""

    async def close(self) -> None:
        # Waits for running work.
        for pool in (self._writer, self._readers):
            await asyncio.to_thread(pool.shutdown)
        await asyncio.to_thread(self._checkpoints.close)
        self._connections.close()
        self._writes.close()


def orders(db: mapping.Connection, keys: Sequence[str]) -> list[Order | None]:
    """Return the facts of orders, in the order of their keys."""
    sql = """SELECT o.source, o.facts FROM json_each(?) requested LEFT JOIN identifiers i ON i.key = requested.value
        LEFT JOIN orders o ON o.identifier = i.id ORDER BY requested.key"""
    rows = db.execute(sql, (compact(keys),))
    return [None if facts is None else Order.from_facts(source, facts) for source, facts in rows]


def order_totals(db: mapping.Connection, after: str, first: int) -> list[tuple[str, OrderTotals]]:
    """Return the order totals of live customers with orders that are not restricted, by customer id."""
    sql = f"""SELECT public_id, order_totals FROM customers c WHERE public_id > ? AND retired_at IS NULL
        AND order_totals <> '{{}}' AND NOT {RESTRICTED} ORDER BY public_id LIMIT ?"""
    return [(id, order_totals_from_json(text)) for id, text in db.execute(sql, (after, first))]


def _put_value(db: mapping.Connection, name: str, text: str) -> None:
    db.execute("INSERT OR REPLACE INTO stored_values (name, value) VALUES (?, ?)", (name, text))


def get_value(db: mapping.Connection, name: str) -> str | None:
    """Return the text stored under a name."""
    return next(iter(mapping.column(db, "SELECT value FROM stored_values WHERE name = ?", name)), None)


def _replace_value(db: mapping.Connection, name: str, text: str, expected: str | None) -> bool:
    # The transaction has begun by taking the file's lock for writing.
    if get_value(db, name) != expected:
        return False
    _put_value(db, name, text)
    return True


def _run_work(transaction: Transaction, work: Work[T]) -> T:
    request = next(work)
    while True:
        answer = transaction.answer(request)
        try:
            request = work.send(answer)
        except StopIteration as stop:
            result: T = stop.value
            return result


def _tune_for_thread(connection: sqlite3.Connection) -> None:
    _tune(connection, SETTINGS)
    if threading.current_thread().name.startswith(READER):
        _tune(connection, (READER_CACHE,))


def _tune(connection: sqlite3.Connection, settings: Sequence[str]) -> None:
    for setting in settings:
        connection.execute(f"PRAGMA {setting}")
