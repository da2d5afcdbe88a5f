"""Refused records in SQLite."""

from collections.abc import Sequence
from typing import Any

import orjson

from graph.domain.model.json_text import compact
from graph.domain.model.refused_records import Position, RefusedCount, RefusedFilter, RefusedRecord
from graph.stores.sqlite import mapping
from graph.stores.sqlite.connection import Connected

_COLUMNS = (
    "id, source, mapping, code, message, path, record_id, content, beside, is_cut, received_at, last_received_at, count"
)
_SAVE = f"""INSERT INTO refused_records ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET mapping = excluded.mapping, message = excluded.message, path = excluded.path,
    record_id = excluded.record_id, beside = excluded.beside, count = count + excluded.count,
    received_at = min(received_at, excluded.received_at),
    last_received_at = max(last_received_at, excluded.last_received_at)"""
_REMOVE_OLDEST = """DELETE FROM refused_records WHERE rowid IN (
    SELECT rowid FROM refused_records WHERE source = ? ORDER BY last_received_at DESC, id DESC LIMIT -1 OFFSET ?)"""


class RefusedRecords(Connected):
    """The part of a `Store` that keeps refused records."""

    async def save_refused_records(self, records: Sequence[RefusedRecord], most: int) -> int:
        return await self._alter(_save, records, most)

    async def refused_records(
        self, filter: RefusedFilter, after: Position | None, first: int, with_content: bool = True
    ) -> list[RefusedRecord]:
        return await self._read(_page, filter, after, first, with_content)

    async def refused_records_with(self, ids: Sequence[str]) -> list[RefusedRecord]:
        sql = f"SELECT {_COLUMNS} FROM refused_records WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id"
        return await self._read(_records, sql, (compact(ids),))

    async def refused_counts(self) -> list[RefusedCount]:
        return await self._read(_counts)

    async def delete_refused_records(self, ids: Sequence[str]) -> int:
        sql = "DELETE FROM refused_records WHERE id IN (SELECT value FROM json_each(?))"
        return await self._alter(_delete, sql, (compact(ids),))

    async def delete_old_refused_records(self, before: int, first: int) -> int:
        sql = """DELETE FROM refused_records WHERE rowid IN (
            SELECT rowid FROM refused_records WHERE last_received_at < ? ORDER BY last_received_at, id LIMIT ?)"""
        return await self._alter(_delete, sql, (before, first))


def _save(db: mapping.Connection, records: Sequence[RefusedRecord], most: int) -> int:
    db.executemany(_SAVE, list(map(_values, records)))
    return sum(
        db.execute(_REMOVE_OLDEST, (source, most)).rowcount for source in sorted({record.source for record in records})
    )


def _page(
    db: mapping.Connection, filter: RefusedFilter, after: Position | None, first: int, with_content: bool
) -> list[RefusedRecord]:
    parts: list[str] = []
    values: list[Any] = []
    for condition, value in (
        ("source = ?", filter.source),
        ("code = ?", filter.code),
        ("last_received_at >= ?", filter.since),
    ):
        if value is not None:
            parts.append(condition)
            values.append(value)
    if after is not None:
        parts.append("(last_received_at, id) < (?, ?)")
        values += after
    columns = _COLUMNS if with_content else _COLUMNS.replace(" content, beside,", " '', '',")
    sql = f"""SELECT {columns} FROM refused_records WHERE {" AND ".join(parts) or "true"}
        ORDER BY last_received_at DESC, id DESC LIMIT ?"""
    return _records(db, sql, (*values, first))


def _records(db: mapping.Connection, sql: str, values: Sequence[Any]) -> list[RefusedRecord]:
    return [_record(row) for row in db.execute(sql, values)]


def _record(row: mapping.Row) -> RefusedRecord:
    id, source, name, code, message, path, record_id, content, beside, is_cut, *times_and_count = row
    texts = id, source, name, code, message, tuple(orjson.loads(path)), record_id, content, beside
    return RefusedRecord(*texts, bool(is_cut), *times_and_count)


def _values(record: RefusedRecord) -> tuple[Any, ...]:
    return (
        record.id,
        record.source,
        record.mapping,
        record.code,
        record.message,
        compact(record.path),
        record.record_id,
        record.content,
        record.beside,
        record.is_cut,
        record.received_at,
        record.last_received_at,
        record.count,
    )


def _counts(db: mapping.Connection) -> list[RefusedCount]:
    sql = """SELECT source, code, count(*), sum(count), max(last_received_at) FROM refused_records
        GROUP BY source, code ORDER BY source, code"""
    return [RefusedCount(*row) for row in db.execute(sql)]


def _delete(db: mapping.Connection, sql: str, values: Sequence[Any]) -> int:
    return db.execute(sql, values).rowcount
