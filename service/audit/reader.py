"""Reads the audit log, newest entries first, in bounded memory: an index would be one more copy to protect."""

import heapq
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from graph.domain.access.audit import AuditEntry, AuditPosition, AuditQuery
from graph.domain.model.dates import SECOND
from graph.domain.profile.pages import Page
from service.audit import files
from service.audit.key import AuditKey
from service.runtime.hash_chain import parse

SLACK = 3_600 * SECOND
"""By how much the clock of a process may have been set back while it wrote a file."""
KINDS = frozenset({"read", "write", "export", "stream", "denied"})
"""The kinds of entries that are shown; others are about files."""


class _Conditions:
    """A query, prepared for comparing entries."""

    def __init__(self, query: AuditQuery, key: AuditKey) -> None:
        self._query = query
        self._asked = {key.hash(asked) for asked in query.asked}
        person = [*query.customers, *sorted(self._asked)]
        self.needles = tuple(b'"%b"' % text.encode() for text in person)
        """Texts of which a matching line contains one; none if every line may match."""
        if not self.needles and query.caller is not None:
            self.needles = (b'"caller":' + orjson.dumps(query.caller),)

    def met_by(self, entry: dict[str, Any], position: AuditPosition) -> bool:
        """Return whether an entry meets the query."""
        query, time = self._query, position[0]
        return (
            entry.get("kind") in KINDS
            and (query.since is None or time >= query.since)
            and (query.until is None or time < query.until)
            and (query.after is None or position < query.after)
            and (query.caller is None or entry.get("caller") == query.caller)
            and (not query.is_about_person or self._is_about_person(entry, time))
        )

    def _is_about_person(self, entry: dict[str, Any], time: int) -> bool:
        ids = self._query.customers
        for id in entry.get("customers", ()):
            if id in ids and ((until := ids[id]) is None or time < until):
                return True
        return not self._asked.isdisjoint(entry.get("asked", ()))


def find(folder: Path, key: AuditKey, query: AuditQuery) -> Page[AuditEntry]:
    """Return the entries of a log that meet a query, newest first."""
    conditions, wanted = _Conditions(query, key), query.first + 1
    # Files of several processes overlap in time, so the newest entries of all are kept until older files have none.
    best: list[tuple[AuditPosition, AuditEntry]] = []
    for name in reversed(files.names(folder)):
        began = files.began(name) or 0
        if _starts_too_late(query, began):
            continue
        last = files.end_of_day(began) + SLACK
        is_full = len(best) >= wanted
        if (query.since is not None and last <= query.since) or (is_full and last < best[0][0][0]):
            continue
        for position, entry in _matching(folder / name, conditions, wanted):
            if is_full and position <= best[0][0]:
                break
            (heapq.heappushpop if is_full else heapq.heappush)(best, (position, entry))
            is_full = len(best) >= wanted
    newest = [entry for _, entry in sorted(best, key=lambda pair: pair[0], reverse=True)]
    return Page(newest[: query.first], len(newest) > query.first)


def _starts_too_late(query: AuditQuery, began: int) -> bool:
    return (query.until is not None and began - SLACK >= query.until) or (
        query.after is not None and began - SLACK > query.after[0]
    )


def _matching(path: Path, conditions: _Conditions, limit: int) -> Iterator[tuple[AuditPosition, AuditEntry]]:
    """Yield up to `limit` entries of a file that meet conditions, newest first."""
    documents: dict[int, dict[str, Any]] = {}
    count = 0
    for text in files.newest_lines(path, conditions.needles):
        line = parse(text)
        entry = None if line is None else files.entry(line)
        if line is None or entry is None or not isinstance(entry.get("t"), int):
            continue
        position = (entry["t"], path.name, line.n)
        if not conditions.met_by(entry, position):
            continue
        yield position, presented(entry, position, document(path, entry, documents))
        count += 1
        if count == limit:
            return


def document(path: Path, entry: dict[str, Any], known: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """Return the description of an entry's document, which the entry names by its place in the file."""
    offset = entry.get("doc")
    if not isinstance(offset, int):
        return {}
    if offset not in known:
        line = files.line_at(path, offset)
        known[offset] = (line and files.entry(line)) or {}
    return known[offset]


def presented(entry: dict[str, Any], position: AuditPosition, document: dict[str, Any]) -> AuditEntry:
    """Return an entry as it is shown."""
    return AuditEntry(
        position,
        kind=entry["kind"],
        caller=entry.get("caller", ""),
        role=entry.get("role", ""),
        purpose=entry.get("purpose", ""),
        reason=entry.get("reason", ""),
        operation=document.get("operation", "") or entry.get("command", ""),
        document=document.get("digest", ""),
        fields=tuple(document.get("fields", ())),
        customers=tuple(entry.get("customers", ())),
        asked=len(entry.get("asked", ())),
        refused=entry.get("refused", 0),
        statements=entry.get("statements", 0),
        sources=tuple(entry.get("sources", ())),
        recipients=tuple(entry.get("recipients", ())),
        events=entry.get("events", 0),
        outcome=entry.get("outcome", ""),
        request_id=entry.get("request", ""),
        transport=entry.get("transport", ""),
    )


def oldest_first(folder: Path, since: int | None, until: int | None) -> Iterator[AuditEntry]:
    """Yield all entries of a time, file by file."""
    for name in files.names(folder):
        began = files.began(name) or 0
        if (until is not None and began - SLACK >= until) or (
            since is not None and files.end_of_day(began) + SLACK <= since
        ):
            continue
        documents: dict[int, dict[str, Any]] = {}
        for line, complete in files.lines(folder / name):
            entry = files.entry(line) if line is not None and complete else None
            if line is None or entry is None or entry.get("kind") not in KINDS:
                continue
            time = entry["t"]
            if (since is None or time >= since) and (until is None or time < until):
                yield presented(entry, (time, name, line.n), document(folder / name, entry, documents))
