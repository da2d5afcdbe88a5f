"""Erasure in SQLite: tombstones, records of erasures, held orders, and what is removed for good."""

from collections.abc import Iterator, Sequence

import msgspec

from graph.domain.model.customers import NO_ANCHOR
from graph.domain.model.erasures import Erasure, HeldOrder
from graph.domain.model.json_text import compact
from graph.domain.model.receipts import Receipt
from graph.domain.model.store_values import Removals, Writes
from graph.domain.model.tombstones import Tombstone, TombstoneMode
from graph.domain.profile.search import text_of_identifier
from graph.stores.sqlite import audiences, mapping, restrictions
from graph.stores.sqlite.connection import Connected
from graph.stores.sqlite.history import change_values
from graph.stores.sqlite.statements import NAMED

TOMBSTONE = "hash, namespace, at, mode, key_version, rules_version, erasure_id, lifted_at"
HELD_ORDER = "hash, number, source, reported_at, facts, until, erasure_id"
REWRITTEN_BYTES = 64 * 2**20
"""The size of a file up to which it is written again after an erasure, for which other writers wait about a second."""
_CHANGE_SET = (
    "recorded_at = ?, kind = ?, customer = ?, other_customer = ?, keys = ?, reason = ?, cause_type = ?, source = ?, "
    "cause_id = ?, actor = ?, party = ?, anchors = ?, reason_code = ?"
)


class Erasures(Connected):
    """The part of a `Store` that reads erasures."""

    async def erasures(self, after: tuple[int, str] | None, first: int) -> list[Erasure]:
        at, id = after or (-1, "")
        sql = "SELECT record FROM erasures WHERE (at, id) > (?, ?) ORDER BY at, id LIMIT ?"
        return [_erasure(text) for text in await self._read(mapping.column, sql, at, id, first)]

    async def erasure(self, id: str) -> Erasure | None:
        return next(iter(await self._read(erasures, [id])), None)

    async def erasure_of_customer(self, id: str) -> Erasure | None:
        sql = """SELECT record FROM erasures WHERE id = (SELECT erasure_id FROM erased_customers WHERE customer = ?)"""
        return next((_erasure(text) for text in await self._read(mapping.column, sql, id)), None)

    async def tombstones(self, hashes: Sequence[str]) -> list[Tombstone]:
        return list((await self._read(tombstones, hashes)).values())

    async def all_tombstones(self, after: str, first: int) -> list[Tombstone]:
        sql = f"SELECT {TOMBSTONE} FROM tombstones WHERE hash > ? ORDER BY hash LIMIT ?"
        return await self._read(_tombstones, sql, after, first)

    async def tombstone_versions(self) -> list[tuple[int, int]]:
        return await self._read(_tombstone_versions)

    async def held_orders(self, after: str, first: int) -> list[HeldOrder]:
        sql = f"SELECT {HELD_ORDER} FROM held_orders WHERE hash > ? ORDER BY hash LIMIT ?"
        return await self._read(_held_orders, sql, after, first)

    async def identifier_keys(self, after: str, first: int) -> list[str]:
        sql = "SELECT key FROM identifiers WHERE key > ? ORDER BY key LIMIT ?"
        return await self._read(mapping.column, sql, after, first)

    async def remove_traces(self) -> None:
        await self._alter(_optimize_search)
        # When SQLite divides a page, copies of the rows that it moves remain in its unused part. Deleting them does not
        # reach there. A large file is not written again while it serves.
        if await self._read(_size) <= REWRITTEN_BYTES:
            await self._rewrite()
        # Until it is copied into the file and cut, the log holds the pages as they were.
        await self._set(("wal_checkpoint(TRUNCATE)",))


def tombstones(db: mapping.Connection, hashes: Sequence[str]) -> dict[str, Tombstone]:
    """Return the tombstones with some hashes."""
    sql = f"SELECT {TOMBSTONE} FROM tombstones WHERE hash IN (SELECT value FROM json_each(?))"
    return {found.hash: found for found in _tombstones(db, sql, compact(hashes))}


def _tombstones(db: mapping.Connection, sql: str, *values: object) -> list[Tombstone]:
    return [tombstone(row) for row in db.execute(sql, values)]


def held_orders(db: mapping.Connection, hashes: Sequence[str]) -> dict[str, HeldOrder]:
    """Return the held orders with some hashes."""
    sql = f"SELECT {HELD_ORDER} FROM held_orders WHERE hash IN (SELECT value FROM json_each(?))"
    return {order.hash: order for order in _held_orders(db, sql, compact(hashes))}


def erasures(db: mapping.Connection, ids: Sequence[str]) -> list[Erasure]:
    """Return the erasures with some ids or request ids."""
    sql = """SELECT record FROM erasures WHERE id IN (SELECT value FROM json_each(?1))
        OR request_id IN (SELECT value FROM json_each(?1))"""
    return [_erasure(text) for text in mapping.column(db, sql, compact(ids))]


def tombstone(row: mapping.Row) -> Tombstone:
    """Return the tombstone of a row of `TOMBSTONE`."""
    hash, namespace, at, mode, key_version, rules_version, erasure_id, lifted_at = row
    return Tombstone(hash, namespace, at, TombstoneMode(mode), key_version, rules_version, erasure_id, lifted_at)


def _held_orders(db: mapping.Connection, sql: str, *values: object) -> list[HeldOrder]:
    return [HeldOrder(*row) for row in db.execute(sql, values)]


def _erasure(text: str) -> Erasure:
    return msgspec.json.decode(text, type=Erasure)


def _tombstone_versions(db: mapping.Connection) -> list[tuple[int, int]]:
    return list(db.execute("SELECT DISTINCT key_version, rules_version FROM tombstones"))


def _size(db: mapping.Connection) -> int:
    ((pages, page_size),) = db.execute("SELECT * FROM pragma_page_count, pragma_page_size").fetchall()
    return int(pages) * int(page_size)


def _optimize_search(db: mapping.Connection) -> None:
    # Deleted words stay in the segments of the index until these are merged.
    db.execute("INSERT INTO search (search) VALUES ('optimize')")


def records(db: mapping.Connection) -> Iterator[Tombstone | Erasure | HeldOrder]:
    """Yield everything that is stored of erasures."""
    yield from _tombstones(db, f"SELECT {TOMBSTONE} FROM tombstones ORDER BY hash")
    for (text,) in db.execute("SELECT record FROM erasures ORDER BY at, id"):
        yield _erasure(text)
    yield from _held_orders(db, f"SELECT {HELD_ORDER} FROM held_orders ORDER BY hash")


def receipts_naming(db: mapping.Connection, keys: Sequence[str]) -> list[tuple[int, Receipt]]:
    """Return all observations that name some identifiers, and all that no identifier leads to, with their row ids."""
    sql = f"""SELECT o.id, {mapping.FACT_HOLDERS}, {mapping.of("o", mapping.RECEIPT)} FROM observations o
        WHERE o.id IN ({NAMED})"""
    found = [
        (row_id, mapping.receipt(row, holders))
        for row_id, holders, *row in db.execute(sql, (compact(keys),)).fetchall()
    ]
    named = frozenset(keys)
    # Reprocessed under other rules, an observation may no longer mention what it once did.
    return [item for item in found if not item[1].keys or not named.isdisjoint(item[1].keys)]


def write(db: mapping.Connection, writes: Writes) -> None:
    """Store tombstones, held orders and erasures, then remove what is to be removed."""
    db.executemany(
        f"INSERT OR REPLACE INTO tombstones ({TOMBSTONE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(t.hash, t.namespace, t.at, t.mode.value, *msgspec.structs.astuple(t)[4:]) for t in writes.tombstones],
    )
    db.executemany(
        f"INSERT OR REPLACE INTO held_orders ({HELD_ORDER}) VALUES (?, ?, ?, ?, ?, ?, ?)",
        map(msgspec.structs.astuple, writes.held_orders),
    )
    db.executemany("DELETE FROM held_orders WHERE hash = ?", [(hash,) for hash in writes.ended_holds])
    for erasure in writes.erasures:
        db.execute(
            "INSERT OR REPLACE INTO erasures VALUES (?, ?, ?, ?)",
            (erasure.id, erasure.request_id, erasure.at, msgspec.json.encode(erasure).decode()),
        )
        db.executemany(
            "INSERT OR REPLACE INTO erased_customers VALUES (?, ?)", [(id, erasure.id) for id in erasure.customers]
        )
    if writes.removals:
        _remove(db, writes.removals)
        audiences.remove(db, writes.removals, writes.erasures[0].id if writes.erasures else "")


def _remove(db: mapping.Connection, removals: Removals) -> None:
    for source, id in removals.observations:
        _remove_observation(db, source, id)
    for key in removals.keys:
        _remove_identifier(db, key)
    if removals.keys:
        db.execute(
            """DELETE FROM idempotency_keys WHERE override ->> 'a' IN (SELECT value FROM json_each(?1))
                OR override ->> 'b' IN (SELECT value FROM json_each(?1))""",
            (compact(list(removals.keys)),),
        )
        db.execute(
            """UPDATE customers SET anchor = ?, anchor_first_seen_at = ?
                WHERE anchor IN (SELECT value FROM json_each(?))""",
            (*NO_ANCHOR, compact(list(removals.keys))),
        )
    customers = [(id,) for id in removals.customers]
    db.executemany("DELETE FROM memberships WHERE customer = ?", customers)
    db.executemany("DELETE FROM customers WHERE public_id = ?", customers)
    restrictions.remove(db, removals.customers)
    db.executemany(
        f"UPDATE changes SET {_CHANGE_SET} WHERE id = ?",
        [(*change_values(entry.change), entry.number) for entry in removals.entries],
    )


def _remove_observation(db: mapping.Connection, source: str, id: str) -> None:
    found = db.execute("SELECT id, keys FROM observations WHERE source = ? AND public_id = ?", (source, id)).fetchone()
    if found is None:
        return
    row_id, keys = found
    remove_fact(db, row_id)
    db.execute(
        """DELETE FROM observation_identifiers WHERE observation = ?
            AND identifier IN (SELECT id FROM identifiers WHERE key IN (SELECT value FROM json_each(?)))""",
        (row_id, keys),
    )
    db.execute("DELETE FROM unindexed_observations WHERE observation = ?", (row_id,))
    db.execute("DELETE FROM observations WHERE id = ?", (row_id,))


def remove_fact(db: mapping.Connection, row_id: int) -> None:
    """Detach the fact of an observation, given by its row id, from its identifiers."""
    db.execute("DELETE FROM facts WHERE observation = ?", (row_id,))
    rows = db.execute("SELECT row FROM fact_search_rows WHERE observation = ?", (row_id,)).fetchall()
    db.executemany("DELETE FROM search WHERE rowid = ?", rows)
    db.execute("DELETE FROM fact_search_rows WHERE observation = ?", (row_id,))


def _remove_identifier(db: mapping.Connection, key: str) -> None:
    found = db.execute("SELECT id FROM identifiers WHERE key = ?", (key,)).fetchone()
    if found is None:
        return
    for words in text_of_identifier(key).split()[:1]:
        # By a word, because the index of words finds no identifiers.
        rows = db.execute(
            "SELECT rowid FROM search WHERE search MATCH ? AND identifier = ?", (f'"{words}"', *found)
        ).fetchall()
        db.executemany("DELETE FROM search WHERE rowid = ?", rows)
    for table, column in (
        *(("links", "a"), ("links", "b"), ("facts", "identifier"), ("observation_identifiers", "identifier")),
        *(("orders", "identifier"), ("restricted_identifiers", "identifier"), ("identifiers", "id")),
    ):
        db.execute(f"DELETE FROM {table} WHERE {column} = ?", found)
