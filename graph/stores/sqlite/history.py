"""The history and marks, read from SQLite."""

from collections.abc import Sequence

from graph.domain.model.changes import Entry
from graph.domain.model.json_text import compact
from graph.domain.model.overrides import Mark
from graph.stores.sqlite import mapping
from graph.stores.sqlite.connection import Connected


class HistoryReads(Connected):
    """The part of a `Store` that reads the history and marks."""

    async def changes(self, after: int, first: int) -> list[Entry]:
        return await self._read(changes, after, first)

    async def newest_change(self) -> int:
        return int((await self._read(mapping.column, "SELECT coalesce(max(no), 0) FROM changes"))[0])

    async def history(self, ids: Sequence[str]) -> list[Entry]:
        return await self._read(history, ids)

    async def naming(self, key: str) -> list[str]:
        return await self._read(naming, key)

    async def marks(self, key: str | None, after: tuple[int, str] | None, first: int) -> list[Mark]:
        return await self._read(marks, key, after, first)

    async def mark(self, id: str) -> Mark | None:
        return await self._read(mark, id)


def changes(db: mapping.Connection, after: int, first: int) -> list[Entry]:
    """The history behind an entry."""
    found = db.execute(f"SELECT {mapping.CHANGE} FROM changes WHERE no > ? ORDER BY no LIMIT ?", (after, first))
    return [mapping.entry(row) for row in found]


def history(db: mapping.Connection, ids: Sequence[str]) -> list[Entry]:
    """The entries that name one of some customers."""
    sql = f"""SELECT {mapping.CHANGE} FROM changes WHERE customer IN (SELECT value FROM json_each(?1))
        UNION SELECT {mapping.CHANGE} FROM changes
        WHERE other <> '' AND other IN (SELECT value FROM json_each(?1)) ORDER BY no"""
    return [mapping.entry(row) for row in db.execute(sql, (compact(ids),))]


def naming(db: mapping.Connection, key: str) -> list[str]:
    """The customers of entries that name an identifier."""
    sql = """SELECT customer FROM changes WHERE EXISTS (SELECT 1 FROM json_each(changes.keys) WHERE value = ?)
        ORDER BY no"""
    return list(dict.fromkeys(mapping.column(db, sql, key)))


def marks(db: mapping.Connection, key: str | None, after: tuple[int, str] | None, first: int) -> list[Mark]:
    """Marks by the time they were set."""
    at, id = after or (-1, "")
    sql = f"""SELECT {mapping.MARK} FROM marks WHERE (:key IS NULL OR a = :key OR b = :key) AND (at, id) > (:at, :id)
        ORDER BY at, id LIMIT :first"""
    return [mapping.mark(row) for row in db.execute(sql, {"key": key, "at": at, "id": id, "first": first})]


def mark(db: mapping.Connection, id: str) -> Mark | None:
    """A mark by its id."""
    row = db.execute(f"SELECT {mapping.MARK} FROM marks WHERE id = ?", (id,)).fetchone()
    return None if row is None else mapping.mark(row)
