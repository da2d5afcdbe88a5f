"""Restrictions in SQLite, and the identifiers that they are on."""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from graph.domain.model.idempotency import IdempotencyKey, RequestKey
from graph.domain.model.json_text import compact
from graph.domain.model.restrictions import Restriction
from graph.domain.model.store_values import Writes
from graph.stores.sqlite import mapping
from graph.stores.sqlite.connection import Connected

RESTRICTED = "EXISTS (SELECT 1 FROM identifiers r WHERE r.customer = c.id AND r.restricted = 1)"
"""Whether the customer `c` is restricted."""
_RESTRICTION = """r.id, r.customer, (SELECT json_group_array(i.key) FROM restricted_identifiers m
    JOIN identifiers i ON i.id = m.identifier WHERE m.restriction = r.id), r.actor, r.reason, r.at, r.caller,
    r.idempotency_key, r.digest, r.lifted_at, r.lifted_by"""
_OF_CUSTOMER = """(r.customer = :customer OR r.id IN (SELECT m.restriction FROM customers c
    JOIN identifiers i ON i.customer = c.id AND i.restricted = 1 JOIN restricted_identifiers m ON m.identifier = i.id
    WHERE c.public_id = :customer))"""
_READ = """r.id IN (SELECT value FROM json_each(:ids)) OR r.id IN (SELECT m.restriction FROM json_each(:keys) k
    JOIN identifiers i ON i.key = k.value JOIN restricted_identifiers m ON m.identifier = i.id)
    OR (r.caller, r.idempotency_key) IN (SELECT value ->> 0, value ->> 1 FROM json_each(:requests))"""


class RestrictionReads(Connected):
    """The part of a `Store` that reads restrictions."""

    async def restrictions(
        self, customer: str | None, in_effect: bool, after: tuple[int, str] | None, first: int
    ) -> list[Restriction]:
        return await self._read(_page, customer, in_effect, after, first)

    async def has_restrictions(self) -> bool:
        return await self._read_batched(has_restrictions)


def _page(
    db: mapping.Connection, customer: str | None, in_effect: bool, after: tuple[int, str] | None, first: int
) -> list[Restriction]:
    at, id = after or (-1, "")
    conditions = ["(r.at, r.id) > (:at, :id)"]
    if customer is not None:
        conditions.append(_OF_CUSTOMER)
    if in_effect:
        conditions.append("r.lifted_at IS NULL")
    values = {"customer": customer, "at": at, "id": id, "first": first}
    return _restrictions(db, " AND ".join(conditions), values, "LIMIT :first")


def has_restrictions(db: mapping.Connection) -> bool:
    """Return whether any identifier is restricted."""
    return db.execute("SELECT 1 FROM restricted_identifiers LIMIT 1").fetchone() is not None


def restrictions_of(
    db: mapping.Connection, keys: Sequence[str], ids: Sequence[str], requests: Sequence[RequestKey]
) -> list[Restriction]:
    """Return the restrictions on some identifiers, with some ids and of some requests, oldest first."""
    values = {"keys": compact(keys), "ids": compact(ids), "requests": compact([list(key) for key in requests])}
    return _restrictions(db, _READ, values)


def all_restrictions(db: mapping.Connection) -> Iterable[Restriction]:
    """Return all restrictions, oldest first."""
    return _restrictions(db, "true", {})


def _restrictions(db: mapping.Connection, condition: str, values: dict[str, Any], limit: str = "") -> list[Restriction]:
    sql = f"SELECT {_RESTRICTION} FROM restrictions r WHERE {condition} ORDER BY r.at, r.id {limit}"
    return [_restriction(row) for row in db.execute(sql, values)]


def _restriction(row: mapping.Row) -> Restriction:
    id, customer, keys, actor, reason, at, caller, key, digest, lifted_at, lifted_by = row
    request = IdempotencyKey(caller, key, digest) if key else None
    return Restriction(
        id, customer, tuple(sorted(orjson.loads(keys))), actor, reason, at, request, lifted_at, lifted_by
    )


def _values(restriction: Restriction) -> tuple[Any, ...]:
    request = restriction.request
    return (
        restriction.id,
        restriction.customer,
        restriction.actor,
        restriction.reason,
        restriction.at,
        *(("", "", "") if request is None else (request.caller, request.value, request.digest)),
        restriction.lifted_at,
        restriction.lifted_by,
    )


def write(db: mapping.Connection, writes: Writes) -> None:
    """Store the restrictions of a write, once its identifiers are stored."""
    for restriction in writes.restrictions:
        touched = [id for (id,) in db.execute(_MARKED_BY, (restriction.id,))]
        db.execute("INSERT OR REPLACE INTO restrictions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", _values(restriction))
        db.execute("DELETE FROM restricted_identifiers WHERE restriction = ?", (restriction.id,))
        if restriction.in_effect:
            db.execute(_MARK, (restriction.id, compact(restriction.keys)))
            touched += [id for (id,) in db.execute(_MARKED_BY, (restriction.id,))]
        db.execute(_SET_RESTRICTED, (compact(touched),))
    for old, new in writes.renormalized:
        marked = [id for (id,) in db.execute(_INHERIT, (old, new))]
        if marked:
            db.execute(_SET_RESTRICTED, (compact(marked),))


def remove(db: mapping.Connection, customers: Sequence[str]) -> None:
    """Remove the restrictions of customers that are erased. Of one that is on identifiers of others, the words go."""
    ids = [(id,) for id in customers]
    db.executemany(
        """DELETE FROM restrictions AS r WHERE customer = ? AND NOT EXISTS
            (SELECT 1 FROM restricted_identifiers m WHERE m.restriction = r.id)""",
        ids,
    )
    db.executemany(
        "UPDATE restrictions SET reason = '', caller = '', idempotency_key = '', digest = '' WHERE customer = ?", ids
    )


_MARKED_BY = "SELECT identifier FROM restricted_identifiers WHERE restriction = ?"
_MARK = """INSERT INTO restricted_identifiers (identifier, restriction)
    SELECT id, ?1 FROM identifiers WHERE key IN (SELECT value FROM json_each(?2))"""
_SET_RESTRICTED = """UPDATE identifiers AS i SET restricted = EXISTS (SELECT 1 FROM restricted_identifiers m
    WHERE m.identifier = i.id) WHERE id IN (SELECT value FROM json_each(?))"""
_INHERIT = """INSERT OR IGNORE INTO restricted_identifiers (identifier, restriction)
    SELECT n.id, m.restriction FROM identifiers o JOIN restricted_identifiers m ON m.identifier = o.id
    JOIN identifiers n ON n.key = ?2 WHERE o.key = ?1 RETURNING identifier"""
