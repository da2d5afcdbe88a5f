"""What an export needs of a store, in a temporary file: one state of the store, read once and joined from there.

So the store is read for as short as possible: the log of a SQLite file grows, and writes to Neo4j wait, while it is.
The file is a SQLite database without a name: it is gone with the process, however that ends.
"""

import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec

from graph.domain.model.changes import Entry
from graph.domain.model.errors import StoreUnavailable
from graph.domain.model.facts import Fact, FactKind, stored_facts
from graph.domain.model.links import Link
from graph.domain.model.observations import PARTIES, Observation
from graph.domain.model.receipts import ObservationStatus
from graph.domain.model.restrictions import Restriction
from graph.domain.model.segments import Membership, Segment
from graph.domain.model.stored_records import Record, StoredCustomer, StoredIdentifier, StoredObservation
from graph.domain.tables.rows import StatedFact

KNOWN_CUSTOMERS = 20_000
"""Customers of which the consents that were read last are kept in memory."""
_INTERACTION, _CONSENT = FactKind.INTERACTION.value, FactKind.CONSENT.value
_TABLES = """
    CREATE TABLE customers (id TEXT NOT NULL, redirects_to TEXT, record BLOB NOT NULL);
    CREATE TABLE identifiers (
        key TEXT NOT NULL, customer TEXT NOT NULL, is_order INTEGER NOT NULL, record BLOB NOT NULL);
    CREATE TABLE links (a TEXT NOT NULL, b TEXT NOT NULL, record BLOB NOT NULL);
    CREATE TABLE facts (
        kind TEXT NOT NULL, holder TEXT NOT NULL, at INTEGER NOT NULL, source TEXT NOT NULL, id TEXT NOT NULL,
        party INTEGER NOT NULL, recorded_at INTEGER NOT NULL, facts TEXT NOT NULL, method TEXT NOT NULL);
    CREATE TABLE members (segment TEXT NOT NULL, record BLOB NOT NULL);
    CREATE TABLE changes (record BLOB NOT NULL);
    CREATE TABLE restricted_keys (key TEXT NOT NULL);
"""
# Built once everything is there, in the order of the keys: much faster than row by row.
_INDEXES = """
    CREATE INDEX identifiers_by_key ON identifiers (key, customer);
    CREATE INDEX identifiers_of_customer ON identifiers (customer);
    CREATE INDEX facts_by_holder ON facts (kind, holder);
    CREATE INDEX customers_by_id ON customers (id);
    CREATE TABLE restricted (customer TEXT PRIMARY KEY) WITHOUT ROWID;
    INSERT OR IGNORE INTO restricted
        SELECT i.customer FROM restricted_keys r JOIN identifiers i ON i.key = r.key WHERE i.customer <> '';
"""
_encode = msgspec.msgpack.Encoder().encode


def _decoder(type: type[Any]) -> Callable[[bytes], Any]:
    return msgspec.msgpack.Decoder(type).decode


_customer, _identifier, _link = _decoder(StoredCustomer), _decoder(StoredIdentifier), _decoder(Link)
_membership, _entry = _decoder(Membership), _decoder(Entry)


@contextmanager
def space_for_files() -> Iterator[None]:
    """Turn errors of temporary files, for which there may be no space, into `StoreUnavailable`."""
    try:
        yield
    except sqlite3.OperationalError as error:
        folder = os.environ.get("SQLITE_TMPDIR") or tempfile.gettempdir()
        raise StoreUnavailable(f"temporary files of the export in {folder} cannot be written: {error}") from error


class Spool:
    """The records of one state of a store that tables are made of. It is used by one thread at a time."""

    def __init__(self) -> None:
        # SQLite deletes a database with an empty name when it is closed, and keeps only a part of it in memory.
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("PRAGMA cache_size = -64000")
        self._db.executescript(_TABLES)
        self._db.execute("BEGIN")
        self.segments: dict[str, Segment] = {}
        self.newest_change = 0
        self._has_restricted = False
        self.consents_of = lru_cache(KNOWN_CUSTOMERS)(self._consents_of)

    def close(self) -> None:
        """Delete the file."""
        self._db.close()

    # --- filling

    def add(self, records: Sequence[Record]) -> None:
        """Add records."""
        rows: dict[str, list[tuple[Any, ...]]] = {}
        for record in records:
            for table, row in self._rows_of(record):
                rows.setdefault(table, []).append(row)
        for table, of_table in rows.items():
            places = ", ".join("?" * len(of_table[0]))
            self._db.executemany(f"INSERT INTO {table} VALUES ({places})", of_table)  # noqa: S608

    def _rows_of(self, record: Record) -> Iterable[tuple[str, tuple[Any, ...]]]:
        match record:
            case StoredCustomer():
                yield "customers", (record.id, record.redirects_to, _encode(record))
            case StoredIdentifier() if record.customer:
                yield "identifiers", (record.key, record.customer, record.order is not None, _encode(record))
            case Link():
                yield "links", (record.a, record.b, _encode(record))
            case StoredObservation():
                yield from _facts_of(record)
            case Restriction() if record.in_effect:
                yield from (("restricted_keys", (key,)) for key in record.keys)
            case Entry():
                self.newest_change = record.number
                yield "changes", (_encode(record),)
            case Membership():
                yield "members", (record.segment, _encode(record))
            case Segment():
                self.segments[record.id] = record

    def complete(self) -> None:
        """Prepare reading, after everything was added."""
        for statement in filter(str.strip, _INDEXES.split(";")):
            self._db.execute(statement)
        self._db.execute("COMMIT")
        self._has_restricted = self._db.execute("SELECT 1 FROM restricted LIMIT 1").fetchone() is not None

    # --- reading

    def is_restricted(self, customer: str) -> bool:
        """Return whether the processing of a customer is restricted, of one that merged the one it became part of."""
        sql = """WITH RECURSIVE leads (id) AS (
            SELECT ?
            UNION SELECT c.redirects_to FROM customers c JOIN leads l ON c.id = l.id WHERE c.redirects_to <> '')
            SELECT EXISTS (SELECT 1 FROM leads l JOIN restricted r ON r.customer = l.id)"""
        return bool(self._has_restricted and self._db.execute(sql, (customer,)).fetchone()[0])

    def names_restricted(self, keys: Iterable[str]) -> bool:
        """Return whether any of some identifiers belongs to a restricted customer."""
        sql = "SELECT 1 FROM identifiers i JOIN restricted r ON r.customer = i.customer WHERE i.key = ?"
        return self._has_restricted and any(self._db.execute(sql, (key,)).fetchone() for key in keys)

    def _consents_of(self, customer: str) -> tuple[Fact, ...]:
        """Return the consent decisions of a customer."""
        sql = f"""SELECT {_FACT} FROM identifiers i JOIN facts f ON f.kind = 'consent' AND f.holder = i.key
            WHERE i.customer = ?"""  # noqa: S608
        return tuple(_stated(row).fact for row in self._db.execute(sql, (customer,)))

    def customers(self) -> Iterator[StoredCustomer]:
        """Yield the customers."""
        for (record,) in self._db.execute("SELECT record FROM customers ORDER BY rowid"):
            yield _customer(record)

    def identifiers(self) -> Iterator[StoredIdentifier]:
        """Yield the identifiers of customers that are not restricted, customer by customer."""
        sql = f"SELECT record FROM identifiers i WHERE {_NOT_RESTRICTED} ORDER BY rowid"  # noqa: S608
        for (record,) in self._db.execute(sql):
            yield _identifier(record)

    def orders(self) -> Iterator[StoredIdentifier]:
        """Yield the identifiers of orders of customers that are not restricted, with the facts of the orders."""
        sql = f"SELECT record FROM identifiers i WHERE is_order AND {_NOT_RESTRICTED} ORDER BY rowid"  # noqa: S608
        for (record,) in self._db.execute(sql):
            yield _identifier(record)

    def links(self) -> Iterator[tuple[Link, str, str]]:
        """Yield the links of which no end belongs to a restricted customer, with the customers of both ends."""
        sql = """SELECT l.record, ifnull(a.customer, ''), ifnull(b.customer, '') FROM links l
            LEFT JOIN identifiers a ON a.key = l.a LEFT JOIN identifiers b ON b.key = l.b
            WHERE NOT EXISTS (SELECT 1 FROM restricted r WHERE r.customer IN (a.customer, b.customer))"""
        for record, a, b in self._db.execute(sql):
            yield _link(record), a, b

    def interactions(self) -> Iterator[tuple[StatedFact, str]]:
        """Yield the interactions of customers that are not restricted, with the customers."""
        for *row, customer in self._db.execute(_WITH_CUSTOMER, (_INTERACTION,)):
            yield _stated(row), customer

    def consents(self) -> Iterator[tuple[list[StatedFact], str]]:
        """Yield the consent decisions by identifier, with its customer, which is not restricted."""
        rows = self._db.execute(f"{_WITH_CUSTOMER} ORDER BY f.holder", (_CONSENT,))
        for _, of_identifier in groupby(rows, key=itemgetter(0)):
            found = list(of_identifier)
            yield [_stated(row) for row in found], found[0][-1]

    def members(self) -> Iterator[tuple[Membership, Segment]]:
        """Yield the memberships with their segments."""
        for (record,) in self._db.execute("SELECT record FROM members ORDER BY rowid"):
            membership: Membership = _membership(record)
            yield membership, self.segments[membership.segment]

    def changes(self) -> Iterator[Entry]:
        """Yield the history in order."""
        for (record,) in self._db.execute("SELECT record FROM changes ORDER BY rowid"):
            yield _entry(record)


_NOT_RESTRICTED = "NOT EXISTS (SELECT 1 FROM restricted r WHERE r.customer = i.customer)"
_FACT = "f.holder, f.at, f.source, f.id, f.party, f.facts, f.recorded_at, f.method"
_WITH_CUSTOMER = f"""SELECT {_FACT}, i.customer FROM facts f JOIN identifiers i ON i.key = f.holder
    WHERE f.kind = ? AND {_NOT_RESTRICTED}"""  # noqa: S608


def _stated(row: Sequence[Any]) -> StatedFact:
    key, at, source, id, party, facts, recorded_at, method, *_ = row
    return StatedFact(Fact(key, at, source, id, PARTIES[party], facts), recorded_at, method)


def _facts_of(record: StoredObservation) -> Iterator[tuple[str, tuple[Any, ...]]]:
    if record.status is not ObservationStatus.VALID or record.kind not in (_INTERACTION, _CONSENT):
        return
    sent = Observation.from_sent(record.source, record.id, record.sent)
    facts = stored_facts(sent)
    values = (sent.party.value, record.received_at, facts, _method_in(facts) if record.kind == _CONSENT else "")
    for holder in record.fact_holders:
        yield "facts", (record.kind, holder, record.seen_at, record.source, record.id, *values)


def _method_in(facts: str) -> str:
    """Return how a consent decision was collected, empty if that is not known."""
    stated = msgspec.json.decode(facts)
    return str(stated[4].get("method", "")) if len(stated) > 4 else ""
