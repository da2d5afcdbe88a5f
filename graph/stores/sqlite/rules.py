"""Versions of the rules in SQLite, and the observations that are reprocessed under them."""

from collections.abc import Sequence

from graph.domain.model.errors import StoreUnavailable, VersionConflict
from graph.domain.model.json_text import compact
from graph.domain.model.receipts import ObservationKey, Receipt
from graph.domain.model.rules import StoredRules
from graph.stores.sqlite import mapping
from graph.stores.sqlite.connection import Connected
from graph.stores.sqlite.writes import is_loading


class RulesVersions(Connected):
    """The part of a `Store` that stores rules, and reads the observations that new rules are applied to."""

    async def rules(self) -> list[StoredRules]:
        return await self._read(newest_rules)

    async def rules_of(self, versions: Sequence[int]) -> list[StoredRules]:
        return await self._read(_rules_of, versions)

    async def save_rules(self, text: str, expected_version: int, at: int) -> int:
        return await self._alter(_save_rules, text, expected_version, at)

    async def observations(self, after: ObservationKey | None, version: int, first: int) -> list[ObservationKey]:
        return await self._read(observations, after or ("", ""), version, first)

    async def related_observations(
        self, keys: Sequence[ObservationKey], version: int, first: int
    ) -> list[ObservationKey]:
        return await self._read(related_observations, keys, version, first)

    async def receipts(self, after: ObservationKey | None, first: int) -> list[Receipt]:
        return await self._read(receipts, after or ("", ""), first)

    async def count_observations(self) -> int:
        return int((await self._read(mapping.column, "SELECT count(*) FROM observations"))[0])

    async def customer_ids_of(self, keys: Sequence[str]) -> list[str]:
        sql = """SELECT coalesce(c.public_id, '') FROM json_each(?) requested
            LEFT JOIN identifiers i ON i.key = requested.value
            LEFT JOIN customers c ON c.id = i.customer ORDER BY requested.key"""
        return await self._read(mapping.column, sql, compact(keys))


def newest_rules(db: mapping.Connection) -> list[StoredRules]:
    """Return the newest two versions of the rules."""
    return _stored_rules(db, "ORDER BY version DESC LIMIT 2")


def _rules_of(db: mapping.Connection, versions: Sequence[int]) -> list[StoredRules]:
    return _stored_rules(
        db, "WHERE version IN (SELECT value FROM json_each(?)) ORDER BY version", compact(list(versions))
    )


def _stored_rules(db: mapping.Connection, which: str, *values: object) -> list[StoredRules]:
    columns = "version, created_at, text, pending, processed_to_source, processed_to_id"
    rows = db.execute(f"SELECT {columns} FROM rules {which}", values)
    return [
        StoredRules(version, at, text, bool(pending), None if source is None else (source, id))
        for version, at, text, pending, source, id in rows
    ]


def _save_rules(db: mapping.Connection, text: str, expected_version: int, at: int) -> int:
    (newest,) = db.execute("SELECT coalesce(max(version), 0) FROM rules").fetchone()
    if is_loading(db):
        raise StoreUnavailable.loading()
    if newest != expected_version:
        raise VersionConflict(f"the rules are at version {newest}, not {expected_version}", ("expectedVersion",))
    (stored,) = db.execute("SELECT EXISTS (SELECT 1 FROM observations)").fetchone()
    db.execute(
        "INSERT INTO rules (version, created_at, text, pending) VALUES (?, ?, ?, ?)", (newest + 1, at, text, stored)
    )
    return int(newest) + 1


def observations(db: mapping.Connection, after: ObservationKey, version: int, first: int) -> list[ObservationKey]:
    """Return the keys of the observations after one that were not processed under a version yet, by source and id."""
    sql = """SELECT source, public_id FROM observations WHERE (source, public_id) > (?, ?) AND rules_version < ?
        ORDER BY source, public_id LIMIT ?"""
    return [(source, id) for source, id in db.execute(sql, (*after, version, first))]


def related_observations(
    db: mapping.Connection, keys: Sequence[ObservationKey], version: int, first: int
) -> list[ObservationKey]:
    """Return the observations of the same customers that were not processed under a version yet."""
    sql = """SELECT DISTINCT related.source, related.public_id
        FROM (
            SELECT DISTINCT i.customer FROM json_each(?) requested
            CROSS JOIN observations o ON o.source = requested.value ->> 0 AND o.public_id = requested.value ->> 1
            CROSS JOIN json_each(o.keys) mentioned CROSS JOIN identifiers i ON i.key = mentioned.value
        ) c
        CROSS JOIN identifiers i ON i.customer = c.customer AND i.shared = 0
        CROSS JOIN observation_identifiers n ON n.identifier = i.id
        CROSS JOIN observations related ON related.id = n.observation AND related.rules_version < ? LIMIT ?"""
    return [(source, id) for source, id in db.execute(sql, (compact(keys), version, first))]


def receipts(db: mapping.Connection, after: ObservationKey, first: int) -> list[Receipt]:
    """Return the receipts after one, by source and id."""
    sql = f"""SELECT {mapping.RECEIPT} FROM observations WHERE (source, public_id) > (?, ?)
        ORDER BY source, public_id LIMIT ?"""
    return [mapping.receipt(row) for row in db.execute(sql, (*after, first))]
