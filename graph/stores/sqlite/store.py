"""The embedded store: one SQLite file, one writing thread, several reading ones; the event loop is never blocked."""

import asyncio
import importlib.resources
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from graph.domain.model.changes import Entry
from graph.domain.model.errors import Conflict, StoreUnavailable
from graph.domain.model.idempotency import Answered, RequestKey
from graph.domain.model.json_text import compact
from graph.domain.model.order_totals import Figures
from graph.domain.model.orders import Order
from graph.domain.model.overrides import Mark
from graph.domain.model.products import Product
from graph.domain.model.receipts import ObservationKey, Receipt
from graph.domain.model.rules import KeptRules
from graph.domain.model.segments import Belonging, Membership, Segment
from graph.domain.model.store_values import Writes
from graph.domain.profile.pages import Asked, CustomerView, Selection
from graph.domain.profile.search import Field, Hit
from graph.domain.resolution.health import Survey
from graph.ports import T, Work
from graph.stores.sqlite import bulk_load, checkpoints, mapping, reading, segments
from graph.stores.sqlite.customer_pages import customer_views
from graph.stores.sqlite.health import survey
from graph.stores.sqlite.read_pool import Crews, Job
from graph.stores.sqlite.search import find
from graph.stores.sqlite.transaction import Transaction
from graph.stores.sqlite.upgrades import UPGRADES
from graph.stores.sqlite.writes import is_loading

READERS = 4
READER = "kith-sqlite-reader"
BUSY_SECONDS = 10
SETTINGS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "cache_size = -32768",
    "temp_store = MEMORY",
    checkpoints.FALLBACK,
)
"""Of each connection; the size of the cache is in KiB."""
READER_CACHE = "cache_size = -8192"
"""Readers get by with less: the pages that all of them ask for are in the system's memory."""


class EmbeddedStore:
    """A `Store` in a SQLite file in WAL mode, every commit synchronised to disk."""

    most_at_once = 1_000
    """A thread of its own decides what is written."""

    def __init__(self, path: str | Path) -> None:
        self._path = str(path)
        self._writer = ThreadPoolExecutor(1, "kith-sqlite-writer")
        self._readers = ThreadPoolExecutor(READERS, READER)
        self._crews = Crews(self._readers, READERS, self._run)
        self._checkpoints = checkpoints.Checkpoints(self._opened)
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._lock = threading.Lock()

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            # Each thread uses its own connection; only `close` touches all of them, when the threads have ended.
            connection = self._opened()
            reads = threading.current_thread().name.startswith(READER)
            _tune(connection, (*SETTINGS, READER_CACHE) if reads else SETTINGS)
            with self._lock:
                self._open.append(connection)
            self._local.connection = connection
        return connection

    def _opened(self) -> sqlite3.Connection:
        return sqlite3.connect(
            self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256
        )

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._connection()
            connection.execute(begin)
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            # The message of SQLite names no values of ours: "database is locked", "disk I/O error".
            raise StoreUnavailable(f"the database file cannot be used: {error}") from error

    async def _in(self, pool: ThreadPoolExecutor, function: Callable[..., T], *values: object) -> T:
        job = Job(function, values)
        try:
            return cast("T", await asyncio.get_running_loop().run_in_executor(pool, self._run, job))
        except asyncio.CancelledError:
            # A write that was taken in is finished; a read that no one waits for is stopped.
            if pool is self._readers:
                job.interrupt()
            raise

    def _run(self, job: Job) -> Any:
        try:
            connection = self._connection()
        except sqlite3.DatabaseError as error:
            raise StoreUnavailable(f"the database file cannot be used: {error}") from error
        return job.run(connection)

    async def write(self, work: Callable[[], Work[T]]) -> T:
        """See `Store`: one transaction at a time, which other processes wait for."""
        return await self._in(self._writer, self._write, work)

    def _write(self, work: Callable[[], Work[T]]) -> T:
        with self._transaction("BEGIN IMMEDIATE") as connection:
            result = _settled(Transaction(connection), work())
        self._checkpoints.committed(connection)
        return result

    async def customers(self, asked: Sequence[Asked], selection: Selection) -> list[CustomerView | None]:
        """See `Store`: a read transaction is a snapshot here, so nothing has to be repeated."""
        read = self._quick if len(asked) == 1 else self._read
        return await read(customer_views, asked, selection)

    async def _read(self, function: Callable[..., T], *values: object) -> T:
        """What a function reads in a transaction of its own, in a thread of the readers."""
        return await self._in(self._readers, self._within, "BEGIN", function, values)

    async def _quick(self, function: Callable[..., T], *values: object) -> T:
        """The same for what takes a moment, together with what else is asked for in this turn of the event loop."""
        return cast("T", await self._crews.run(self._within, "BEGIN", function, values))

    def _within(self, begin: str, function: Callable[..., T], values: Sequence[object]) -> T:
        with self._transaction(begin) as connection:
            return function(connection, *values)

    async def changes(self, after: int, first: int) -> list[Entry]:
        """See `Store`."""
        return await self._read(reading.changes, after, first)

    async def newest_change(self) -> int:
        """See `Store`."""
        return int((await self._read(reading.column, "SELECT coalesce(max(no), 0) FROM changes"))[0])

    async def history(self, ids: Sequence[str]) -> list[Entry]:
        """See `Store`."""
        return await self._read(reading.history, ids)

    async def naming(self, key: str) -> list[str]:
        """See `Store`."""
        return await self._read(reading.naming, key)

    async def marks(self, key: str | None, after: tuple[int, str] | None, first: int) -> list[Mark]:
        """See `Store`."""
        return await self._read(reading.marks, key, after, first)

    async def mark(self, id: str) -> Mark | None:
        """See `Store`."""
        return await self._read(reading.mark, id)

    async def answered(self, key: RequestKey) -> Answered | None:
        """See `Store`."""
        return await self._read(mapping.answered, key)

    async def orders(self, keys: Sequence[str]) -> list[Order | None]:
        """See `Store`."""
        return await self._quick(reading.orders, keys)

    async def put_products(self, products: Sequence[Product]) -> list[bool]:
        """See `Store`."""
        return await self._in(self._writer, self._within, "BEGIN IMMEDIATE", reading.put_products, (products,))

    async def products(self, skus: Sequence[str]) -> dict[str, Product]:
        """See `Store`."""
        return await self._quick(reading.products, skus)

    async def find(self, word: str, fields: Sequence[Field], within: Sequence[str] | None, first: int) -> list[Hit]:
        """See `Store`."""
        return await self._read(find, word, fields, within, first)

    async def figures(self, after: str, first: int) -> list[tuple[str, Figures]]:
        """See `Store`."""
        return await self._read(reading.figures, after, first)

    async def customer_ids(self, after: str, first: int) -> list[str]:
        """See `Store`."""
        sql = "SELECT id FROM customers WHERE id > ? AND retired_at IS NULL ORDER BY id LIMIT ?"
        return await self._read(reading.column, sql, after, first)

    async def count_customers(self) -> int:
        """See `Store`."""
        return int((await self._read(reading.column, "SELECT count(*) FROM customers WHERE retired_at IS NULL"))[0])

    async def due(self, now: int, first: int) -> list[str]:
        """See `Store`."""
        sql = "SELECT id FROM customers WHERE due_at <= ? AND id IS NOT NULL ORDER BY due_at LIMIT ?"
        return await self._read(reading.column, sql, now, first)

    async def segments(self) -> list[Segment]:
        """See `Store`."""
        return await self._quick(segments.segments)

    async def belongings(self, ids: Sequence[str]) -> list[Belonging]:
        """See `Store`."""
        return await self._quick(segments.belongings, ids)

    async def members(self, segment: str, after: str, first: int) -> list[Membership]:
        """See `Store`."""
        return await self._read(segments.members, segment, after, first)

    async def count_members(self, segment: str) -> int:
        """See `Store`."""
        return await self._read(segments.count_members, segment)

    async def keep(self, name: str, text: str) -> None:
        """See `Store`."""
        await self._in(self._writer, self._keep, name, text)

    def _keep(self, name: str, text: str) -> None:
        with self._transaction("BEGIN IMMEDIATE") as connection:
            connection.execute("INSERT OR REPLACE INTO kept (name, text) VALUES (?, ?)", (name, text))

    async def kept(self, name: str) -> str | None:
        """See `Store`."""
        return await self._read(reading.kept, name)

    async def survey(self, known: Sequence[str], first: int) -> Survey:
        """See `Store`."""
        return await self._read(survey, known, first)

    async def migrate(self) -> list[str]:
        """See `Store`: runs the numbered files of `migrations/` that the file has not seen."""
        return await self._in(self._writer, self._migrate)

    def _migrate(self) -> list[str]:
        done: list[str] = []
        with self._transaction("BEGIN IMMEDIATE") as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            folder = importlib.resources.files("graph.stores.sqlite") / "migrations"
            for script in sorted(folder.iterdir(), key=lambda script: script.name):
                number, _, name = script.name.removesuffix(".sql").partition("_")
                if not script.name.endswith(".sql") or int(number) <= version:
                    continue
                for statement in _statements(script.read_text("utf-8")):
                    connection.execute(statement)
                if upgrade := UPGRADES.get(int(number)):
                    upgrade(connection)
                connection.execute(f"PRAGMA user_version = {int(number)}")
                done.append(f"{number} {name}")
        return done

    async def ready(self) -> str:
        """See `Store`."""
        try:
            version = await self._in(self._readers, self._version)
        except StoreUnavailable as error:
            return error.message
        return "" if version else "the database file is empty: run `kith migrate`"

    def _version(self) -> int:
        with self._transaction("BEGIN") as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            return int(version)

    async def rules(self) -> list[KeptRules]:
        """See `Store`."""
        return await self._read(reading.newest_rules)

    async def adopt_rules(self, text: str, expected: int, at: int) -> int:
        """See `Store`."""
        return await self._in(self._writer, self._adopt_rules, text, expected, at)

    def _adopt_rules(self, text: str, expected: int, at: int) -> int:
        with self._transaction("BEGIN IMMEDIATE") as connection:
            (newest,) = connection.execute("SELECT coalesce(max(version), 0) FROM rules").fetchone()
            if is_loading(connection):
                raise StoreUnavailable.loading()
            if newest != expected:
                raise Conflict(f"the rules are at version {newest}, not {expected}", ("expectedVersion",))
            (stored,) = connection.execute("SELECT EXISTS (SELECT 1 FROM observations)").fetchone()
            connection.execute(
                "INSERT INTO rules (version, at, text, pending) VALUES (?, ?, ?, ?)", (newest + 1, at, text, stored)
            )
            return int(newest) + 1

    async def observations(self, after: ObservationKey | None, version: int, first: int) -> list[ObservationKey]:
        """See `Store`."""
        return await self._read(reading.observations, after or ("", ""), version, first)

    async def beside(self, keys: Sequence[ObservationKey], version: int, first: int) -> list[ObservationKey]:
        """See `Store`."""
        return await self._read(reading.beside, keys, version, first)

    async def receipts(self, after: ObservationKey | None, first: int) -> list[Receipt]:
        """See `Store`."""
        return await self._read(reading.receipts, after or ("", ""), first)

    async def count_observations(self) -> int:
        """See `Store`."""
        return int((await self._read(reading.column, "SELECT count(*) FROM observations"))[0])

    async def holders(self, keys: Sequence[str]) -> list[str]:
        """See `Store`."""
        sql = """SELECT coalesce(c.id, '') FROM json_each(?) asked LEFT JOIN identifiers i ON i.key = asked.value
            LEFT JOIN customers c ON c.no = i.customer ORDER BY asked.key"""
        return await self._read(reading.column, sql, compact(keys))

    async def begin_load(self, mark: str) -> None:
        """See `Store`: indexes are made at the end, when all is there to be sorted."""
        await self._in(self._writer, self._within, "BEGIN IMMEDIATE", bulk_load.begin, (mark,))
        await self._in(self._writer, lambda: _tune(self._connection(), bulk_load.HASTE))

    async def load(self, writes: Writes, numbers: Mapping[str, int]) -> None:
        """See `Store`."""
        await self._in(self._writer, self._within, "BEGIN IMMEDIATE", bulk_load.load, (writes, numbers))

    async def end_load(self) -> None:
        """See `Store`."""
        await self._in(self._writer, self._within, "BEGIN IMMEDIATE", bulk_load.end, ())
        await self._in(self._writer, lambda: _tune(self._connection(), (*bulk_load.REST, *SETTINGS)))

    async def close(self) -> None:
        """See `Store`: waits for what is running."""
        for pool in (self._writer, self._readers):
            await asyncio.to_thread(pool.shutdown)
        await asyncio.to_thread(self._checkpoints.close)
        for connection in self._open:
            connection.close()


def _settled(transaction: Transaction, work: Work[T]) -> T:
    request = next(work)
    while True:
        answer = transaction.answer(request)
        try:
            request = work.send(answer)
        except StopIteration as stop:
            result: T = stop.value
            return result


def _tune(connection: sqlite3.Connection, settings: Sequence[str]) -> None:
    for setting in settings:
        connection.execute(f"PRAGMA {setting}")


def _statements(script: str) -> Iterator[str]:
    """The statements of a script; `executescript` would commit the transaction around it."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
