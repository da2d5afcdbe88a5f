"""Audiences and their ledger in SQLite."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from graph.domain.model.audiences import (
    REMOVED,
    Audience,
    Delivery,
    DeliveryCount,
    DeliveryPosition,
    DeliveryStatus,
    HeldDelivery,
    WaitingChange,
)
from graph.domain.model.json_text import compact
from graph.domain.model.store_values import Removals, Writes
from graph.stores.sqlite import mapping
from graph.stores.sqlite.connection import Connected

DELIVERY = (
    "audience, destination, key, customer, wanted, sent, status, changed_at, due_at, attempts, answer, reference, "
    "erasure"
)
_WAITING = "destination, number, customer, attempts, due_at, answer, other_customer"
_HELD = f"""SELECT {mapping.of("d", DELIVERY)}, coalesce(c.public_id, '') FROM deliveries d
    LEFT JOIN identifiers i ON i.key = d.key LEFT JOIN customers c ON c.id = i.customer WHERE """


class AudienceReads(Connected):
    """The part of a `Store` that reads audiences and their ledger."""

    async def audiences(self) -> list[Audience]:
        return await self._read_batched(audiences)

    async def due_deliveries(self, destination: str, removals: bool, now: int, first: int) -> list[Delivery]:
        sql = f"""SELECT {DELIVERY} FROM deliveries WHERE destination = ? AND (wanted <> '') = ? AND due_at <= ?
            ORDER BY due_at LIMIT ?"""
        return await self._read(_deliveries, sql, destination, not removals, now, first)

    async def next_delivery(self, destination: str) -> int | None:
        return await self._read(_next_delivery, destination)

    async def deliveries(
        self,
        destination: str,
        audience: str | None,
        status: DeliveryStatus | None,
        after: DeliveryPosition | None,
        first: int,
    ) -> list[Delivery]:
        return await self._read(_page, destination, audience, status, after, first)

    async def deliveries_naming(self, keys: Sequence[str]) -> list[Delivery]:
        sql = f"SELECT {DELIVERY} FROM deliveries WHERE key IN (SELECT value FROM json_each(?)) ORDER BY audience, key"
        return await self._read(_deliveries, sql, compact(keys))

    async def open_deliveries(self) -> list[DeliveryCount]:
        return await self._read(_open_deliveries)

    async def count_open(self, destination: str, status: DeliveryStatus, limit: int) -> int:
        sql = """SELECT count(*) FROM (SELECT 1 FROM deliveries
            WHERE destination = ? AND status = ? AND status <> 'done' LIMIT ?)"""
        return int((await self._read(mapping.column, sql, destination, status.value, limit))[0])

    async def count_sent(self, audience: str) -> int:
        sql = "SELECT count(*) FROM deliveries WHERE audience = ? AND wanted <> '' AND sent = wanted"
        return int((await self._read(mapping.column, sql, audience))[0])

    async def waiting_changes(self, destination: str, after: int, first: int) -> list[WaitingChange]:
        sql = f"SELECT {_WAITING} FROM waiting_changes WHERE destination = ? AND number > ? ORDER BY number LIMIT ?"
        return await self._read(_waiting, sql, destination, after, first)


def audiences(db: mapping.Connection) -> list[Audience]:
    """Return all audiences, by id."""
    return [_audience(text) for text in mapping.column(db, "SELECT record FROM audiences ORDER BY id")]


def _audience(text: str) -> Audience:
    return msgspec.json.decode(text, type=Audience)


def held_deliveries(
    db: mapping.Connection, customers: Sequence[str], places: Sequence[tuple[str, str]], erasures: Sequence[str]
) -> list[HeldDelivery]:
    """Return the deliveries decided for some customers, and those of some audiences and keys, and of some erasures."""
    found: dict[tuple[str, str], HeldDelivery] = {}
    for condition, values in (
        ("d.customer IN (SELECT value FROM json_each(?))", customers),
        ("(d.audience, d.key) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))", list(map(list, places))),
        ("d.erasure <> '' AND d.erasure IN (SELECT value FROM json_each(?))", erasures),
    ):
        if values:
            for *row, holder in db.execute(_HELD + condition, (compact(values),)):
                found[row[0], row[2]] = HeldDelivery(_delivery(row), holder)
    return list(found.values())


def _page(
    db: mapping.Connection,
    destination: str,
    audience: str | None,
    status: DeliveryStatus | None,
    after: DeliveryPosition | None,
    first: int,
) -> list[Delivery]:
    conditions, values = ["destination = ?"], [destination]
    if audience is not None:
        conditions.append("audience = ?")
        values.append(audience)
    if status is not None:
        # What is not done has an index of its own.
        conditions.append("status = ?" if status is DeliveryStatus.DONE else "status = ? AND status <> 'done'")
        values.append(status.value)
    if after is not None:
        conditions.append("(audience, key) > (?, ?)")
        values += [after.audience, after.key]
    sql = f"SELECT {DELIVERY} FROM deliveries WHERE {' AND '.join(conditions)} ORDER BY audience, key LIMIT ?"
    return _deliveries(db, sql, *values, first)


def _deliveries(db: mapping.Connection, sql: str, *values: object) -> list[Delivery]:
    return [_delivery(row) for row in db.execute(sql, values)]


def _delivery(row: Sequence[Any]) -> Delivery:
    audience, destination, key, customer, wanted, sent, status, *more = row
    return Delivery(audience, destination, key, customer, wanted, sent, DeliveryStatus(status), *more)


def _next_delivery(db: mapping.Connection, destination: str) -> int | None:
    sql = "SELECT min(due_at) FROM deliveries WHERE destination = ? AND (wanted <> '') = ? AND due_at IS NOT NULL"
    times = [mapping.column(db, sql, destination, kind)[0] for kind in (False, True)]
    return min((at for at in times if at is not None), default=None)


def _open_deliveries(db: mapping.Connection) -> list[DeliveryCount]:
    rows = db.execute(
        """SELECT audience, destination, status, count(*), sum(wanted = ''), min(changed_at) FROM deliveries
            WHERE status <> 'done' GROUP BY destination, status, audience"""
    )
    return [DeliveryCount(audience, name, DeliveryStatus(status), *more) for audience, name, status, *more in rows]


def _waiting(db: mapping.Connection, sql: str, *values: object) -> list[WaitingChange]:
    return [WaitingChange(*row) for row in db.execute(sql, values)]


def records(db: mapping.Connection) -> Iterator[Audience | Delivery | WaitingChange]:
    """Yield everything that is stored of audiences."""
    yield from audiences(db)
    yield from _deliveries(db, f"SELECT {DELIVERY} FROM deliveries ORDER BY audience, key")
    yield from _waiting(db, f"SELECT {_WAITING} FROM waiting_changes ORDER BY destination, number")


def write(db: mapping.Connection, writes: Writes) -> None:
    """Store the audiences and deliveries of a write. Deliveries that are over are removed."""
    db.executemany(
        "INSERT OR REPLACE INTO audiences VALUES (?, ?)",
        [(audience.id, msgspec.json.encode(audience).decode()) for audience in writes.audiences],
    )
    db.executemany("DELETE FROM audiences WHERE id = ?", [(id,) for id in writes.removed_audiences])
    db.executemany(
        f"INSERT OR REPLACE INTO deliveries ({DELIVERY}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [_values(delivery) for delivery in writes.deliveries if not delivery.is_over],
    )
    db.executemany(
        "DELETE FROM deliveries WHERE audience = ? AND key = ?",
        [(delivery.audience, delivery.key) for delivery in writes.deliveries if delivery.is_over],
    )
    db.executemany(
        f"INSERT OR REPLACE INTO waiting_changes ({_WAITING}) VALUES (?, ?, ?, ?, ?, ?, ?)",
        map(msgspec.structs.astuple, writes.waiting_changes),
    )
    db.executemany("DELETE FROM waiting_changes WHERE destination = ? AND number = ?", writes.ended_waiting)


def _values(delivery: Delivery) -> Sequence[Any]:
    values = msgspec.structs.asdict(delivery)
    return [*{**values, "status": delivery.status.value}.values()]


def remove(db: mapping.Connection, removals: Removals, erasure: str) -> None:
    """Owe the removal of addresses that are removed from the store; what was never sent goes at once.

    `erasure` is the id of the erasure that removes them, if one does. Addresses that only lose their customer are kept
    for others: they are taken from lists, and so are those that no erasure removes.
    """
    for column, names, erasure_id in (("key", removals.keys, erasure), ("customer", removals.customers, "")):
        if names:
            found = f"{column} IN (SELECT value FROM json_each(?))"
            nothing_held = "sent = ''" if erasure_id else f"(sent = '' OR sent = '{REMOVED}')"
            db.execute(f"DELETE FROM deliveries WHERE {found} AND {nothing_held}", (compact(names),))
            db.execute(
                f"""UPDATE deliveries SET customer = '', wanted = '', status = 'owed', changed_at = ?1, due_at = ?1,
                    attempts = 0, answer = '', erasure = ?2, sent = CASE status WHEN 'pending' THEN NULL ELSE sent END
                    WHERE {found}""",
                (removals.at, erasure_id, compact(names)),
            )
