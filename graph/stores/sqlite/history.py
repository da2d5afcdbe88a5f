"""The history and overrides in SQLite."""

from collections.abc import Sequence
from typing import Any

import orjson

from graph.domain.model.change_filter import Selected
from graph.domain.model.changes import Cause, CauseType, Change, ChangeKind, Entry
from graph.domain.model.json_text import compact
from graph.domain.model.observations import Party
from graph.domain.model.overrides import Override, OverrideKind
from graph.stores.sqlite import mapping
from graph.stores.sqlite.connection import Connected

CHANGE = (
    "id, recorded_at, kind, customer, other_customer, keys, reason, cause_type, source, cause_id, actor, party, "
    "anchors, reason_code"
)
OVERRIDE = "id, kind, a, b, actor, reason, at"
_PARTIES: dict[str, Party | None] = {"": None, **{party.name.lower(): party for party in Party}}
_PARTY_TEXTS = {party: text for text, party in _PARTIES.items()}


class HistoryReads(Connected):
    """The part of a `Store` that reads the history and overrides."""

    async def changes(self, after: int, first: int) -> list[Entry]:
        return await self._read(changes, after, first)

    async def selected_changes(
        self, selected: Selected, low: int, high: int, first: int, newest_first: bool
    ) -> list[Entry]:
        return await self._read(selected_changes, selected, low, high, first, newest_first)

    async def newest_change(self) -> int:
        return int((await self._read(mapping.column, "SELECT coalesce(max(id), 0) FROM changes"))[0])

    async def history(self, ids: Sequence[str]) -> list[Entry]:
        return await self._read(history, ids)

    async def customers_mentioning(self, key: str) -> list[str]:
        return await self._read(customers_mentioning, key)

    async def overrides(self, key: str | None, after: tuple[int, str] | None, first: int) -> list[Override]:
        return await self._read(overrides, key, after, first)

    async def override(self, id: str) -> Override | None:
        return await self._read(override_by_id, id)


def changes(db: mapping.Connection, after: int, first: int) -> list[Entry]:
    """Return the entries after a number, in order."""
    rows = db.execute(f"SELECT {CHANGE} FROM changes WHERE id > ? ORDER BY id LIMIT ?", (after, first))
    return [entry(row) for row in rows]


def selected_changes(
    db: mapping.Connection, selected: Selected, low: int, high: int, first: int, newest_first: bool
) -> list[Entry]:
    """Return selected entries between two numbers, in order."""
    order = f"ORDER BY id {'DESC' if newest_first else 'ASC'} LIMIT :first"
    values: dict[str, Any] = {"low": low, "high": high, "first": first}
    kinds = sorted(kind.value for kind in selected.kinds)
    condition = "id > :low AND id <= :high"
    if selected.customers:
        values |= {"ids": compact(sorted(selected.customers)), "kinds": compact(kinds)}
        # The `+` keeps from reading all entries by number: a customer has few.
        condition = """id IN (SELECT id FROM changes WHERE customer IN (SELECT value FROM json_each(:ids))
                UNION SELECT id FROM changes
                WHERE other_customer <> '' AND other_customer IN (SELECT value FROM json_each(:ids)))
            AND +id > :low AND +id <= :high"""
        if kinds:
            condition += " AND kind IN (SELECT value FROM json_each(:kinds))"
    elif kinds:
        # Of each kind no more than are returned, by its index.
        values |= {f"kind{at}": kind for at, kind in enumerate(kinds)}
        of_kind = f"SELECT * FROM (SELECT id FROM changes WHERE kind = :kind{{}} AND {condition} {order})"
        condition = f"id IN ({' UNION ALL '.join(map(of_kind.format, range(len(kinds))))})"
    rows = db.execute(f"SELECT {CHANGE} FROM changes WHERE {condition} {order}", values)
    return [entry(row) for row in rows]


def history(db: mapping.Connection, ids: Sequence[str]) -> list[Entry]:
    """Return the entries that name one of some customers, in order."""
    sql = f"""SELECT {CHANGE} FROM changes WHERE customer IN (SELECT value FROM json_each(?1))
        UNION SELECT {CHANGE} FROM changes
        WHERE other_customer <> '' AND other_customer IN (SELECT value FROM json_each(?1)) ORDER BY id"""
    return [entry(row) for row in db.execute(sql, (compact(ids),))]


def customers_mentioning(db: mapping.Connection, key: str) -> list[str]:
    """Return the customers of the entries that name an identifier. Reads the whole history."""
    sql = """SELECT customer FROM changes WHERE EXISTS (SELECT 1 FROM json_each(changes.keys) WHERE value = ?)
        ORDER BY id"""
    return list(dict.fromkeys(mapping.column(db, sql, key)))


def overrides(db: mapping.Connection, key: str | None, after: tuple[int, str] | None, first: int) -> list[Override]:
    """Return overrides in the order in which they were set."""
    at, id = after or (-1, "")
    sql = f"""SELECT {OVERRIDE} FROM overrides WHERE (:key IS NULL OR a = :key OR b = :key) AND (at, id) > (:at, :id)
        ORDER BY at, id LIMIT :first"""
    return [override(row) for row in db.execute(sql, {"key": key, "at": at, "id": id, "first": first})]


def override_by_id(db: mapping.Connection, id: str) -> Override | None:
    """Return an override by its id."""
    row = db.execute(f"SELECT {OVERRIDE} FROM overrides WHERE id = ?", (id,)).fetchone()
    return None if row is None else override(row)


def override(row: mapping.Row) -> Override:
    """Return the override of a row of `OVERRIDE`."""
    id, kind, a, b, actor, reason, at = row
    return Override(id, OverrideKind(kind), a, b, actor, reason, at)


def override_values(override: Override) -> tuple[Any, ...]:
    """Return the columns of `OVERRIDE`."""
    return override.id, override.kind.value, override.a, override.b, override.actor, override.reason, override.at


def entry(row: mapping.Row) -> Entry:
    """Return the entry of a row of `CHANGE`."""
    (
        number,
        recorded_at,
        kind,
        customer,
        other_customer,
        keys,
        reason,
        cause_type,
        source,
        cause_id,
        actor,
        party,
        anchors,
        reason_code,
    ) = row
    return Entry(
        number,
        Change(
            ChangeKind(kind),
            recorded_at,
            Cause(CauseType(cause_type), source, cause_id, actor, _PARTIES[party]),
            customer,
            other_customer,
            tuple(orjson.loads(keys)),
            reason,
            tuple(orjson.loads(anchors)),
            mapping.REASON_CODES.get(reason_code),
        ),
    )


def change_values(change: Change) -> tuple[Any, ...]:
    """Return the columns of `CHANGE` from `recorded_at` on."""
    cause = change.cause
    return (
        change.recorded_at,
        change.kind.value,
        change.customer,
        change.other_customer,
        compact(change.keys),
        str(change.reason),  # a sentence is not exactly a text, which the driver takes long for
        cause.type.value,
        cause.source,
        cause.id,
        cause.actor,
        _PARTY_TEXTS[cause.party],
        compact(change.anchors) if change.anchors else "[]",
        "" if change.reason_code is None else change.reason_code.value,
    )
