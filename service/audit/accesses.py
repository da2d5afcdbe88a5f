"""Finds whose data a caller accessed, in one pass over the audit log: what a report of a breach has to say."""

from pathlib import Path

import msgspec
from msgspec import Struct

from graph.domain.access.audit import AccessQuery, AccessReport, CustomerAccess, ExpiredEntries, WholeExport
from service.audit import files
from service.audit.reader import KINDS, SLACK, document

EXPIRED = b'","d":"'
"""What a line without its entry contains, and no other: quotation marks in values are escaped."""


class _Entry(Struct, gc=False):
    """What of an entry is needed. Others than those about operations have no caller."""

    t: int = 0
    kind: str = ""
    caller: str = ""
    command: str = ""
    doc: int | None = None
    customers: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    refused: int = 0
    statements: int = 0
    transport: str = ""


class _Line(Struct, gc=False):
    e: _Entry | None = None


_decoder = msgspec.json.Decoder(_Line)


class _Access(Struct, gc=False):
    """What was accessed of a customer until now. `fields` is the number of a set of fields."""

    first: int
    last: int
    accesses: int
    fields: int


class _FieldSets:
    """Sets of fields by number. Callers send few documents, so millions of customers share few sets."""

    def __init__(self) -> None:
        self._sets: list[frozenset[str]] = []
        self._numbers: dict[frozenset[str], int] = {}
        self._unions: dict[tuple[int, int], int] = {}

    def number(self, fields: frozenset[str]) -> int:
        """Return the number of a set."""
        if fields not in self._numbers:
            self._numbers[fields] = len(self._sets)
            self._sets.append(fields)
        return self._numbers[fields]

    def union(self, a: int, b: int) -> int:
        """Return the number of the union of two sets."""
        if (a, b) not in self._unions:
            self._unions[a, b] = self.number(self._sets[a] | self._sets[b])
        return self._unions[a, b]

    def sorted(self) -> list[tuple[str, ...]]:
        """Return the fields of each set, sorted."""
        return [tuple(sorted(fields)) for fields in self._sets]


def find(folder: Path, query: AccessQuery) -> AccessReport:
    """Return whose data a caller accessed, and what the log of a folder cannot answer.

    A customer counts as accessed if any entry names it, a denied one too: a part of the answer may have left.
    """
    scan = _Scan(query)
    for name in files.names(folder):
        began = files.began(name) or 0
        end = files.end_of_day(began)
        too_late = query.until is not None and began - SLACK >= query.until
        too_early = query.since is not None and end + SLACK <= query.since
        if not (too_late or too_early):
            scan.read(folder / name, began, end)
    return scan.report()


class _Scan:
    def __init__(self, query: AccessQuery) -> None:
        self._query = query
        self._needles = (b'"caller":' + msgspec.json.encode(query.caller), EXPIRED)
        self._customers: dict[str, _Access] = {}
        self._unnamed: dict[str, _Access] = {}
        self._field_sets = _FieldSets()
        self._asked: set[str] = set()
        self._exports: list[WholeExport] = []
        self._expired: list[ExpiredEntries] = []
        self._entries = self._denied = self._refused = self._statements = self._unreadable = 0

    def read(self, path: Path, began: int, end: int) -> None:
        """Read a file, which was begun and ended at these times at the latest (microseconds)."""
        documents: dict[int, int] = {}
        expired = 0
        for text in files.newest_lines(path, self._needles):
            try:
                entry = _decoder.decode(text).e
            except (msgspec.DecodeError, UnicodeDecodeError):
                self._unreadable += 1
                continue
            if entry is None:
                expired += 1
            elif entry.kind in KINDS and entry.caller == self._query.caller and self._is_in_time(entry.t):
                self._add(entry, self._fields(path, entry, documents))
        if expired:
            self._expired.append(ExpiredEntries(began, end, expired))

    def _is_in_time(self, time: int) -> bool:
        query = self._query
        return (query.since is None or time >= query.since) and (query.until is None or time < query.until)

    def _fields(self, path: Path, entry: _Entry, documents: dict[int, int]) -> int:
        if entry.doc is None:
            name = f"kith {entry.command}" if entry.transport == "cli" else entry.command
            return self._field_sets.number(frozenset(filter(None, [name])))
        if entry.doc not in documents:
            described = document(path, {"doc": entry.doc}, {})
            documents[entry.doc] = self._field_sets.number(frozenset(described.get("fields", ())))
        return documents[entry.doc]

    def _add(self, entry: _Entry, fields: int) -> None:
        self._entries += 1
        self._denied += entry.kind == "denied"
        self._refused += entry.refused
        self._statements += entry.statements
        self._asked.update(entry.asked)
        if entry.kind == "export" and entry.transport == "cli" and not entry.customers:
            self._exports.append(WholeExport(entry.t, entry.command))
        for id in entry.customers:
            self._note(self._customers, id, entry.t, fields)
        if not entry.customers and entry.kind != "denied":
            for hash in entry.asked:
                self._note(self._unnamed, hash, entry.t, fields)

    def _note(self, accesses: dict[str, _Access], id: str, time: int, fields: int) -> None:
        known = accesses.get(id)
        if known is None:
            accesses[id] = _Access(time, time, 1, fields)
            return
        known.first, known.last = min(known.first, time), max(known.last, time)
        known.accesses += 1
        if known.fields != fields:
            known.fields = self._field_sets.union(known.fields, fields)

    def report(self) -> AccessReport:
        """Return what was found."""
        fields = self._field_sets.sorted()

        def noted(accesses: dict[str, _Access]) -> tuple[CustomerAccess, ...]:
            return tuple(
                CustomerAccess(id, found.first, found.last, found.accesses, fields[found.fields])
                for id, found in sorted(accesses.items())
            )

        return AccessReport(
            noted(self._customers),
            self._entries,
            self._denied,
            len(self._asked),
            self._refused,
            noted(self._unnamed),
            self._statements,
            tuple(sorted(self._exports, key=lambda export: export.time)),
            tuple(self._expired),
            self._unreadable,
        )
