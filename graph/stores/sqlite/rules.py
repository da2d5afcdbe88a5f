"""Versions of the rules in SQLite, and the observations that are read anew under them."""

from collections.abc import Sequence

from graph.domain.model.errors import Conflict, StoreUnavailable
from graph.domain.model.json_text import compact
from graph.domain.model.receipts import ObservationKey, Receipt
from graph.domain.model.rules import KeptRules
from graph.stores.sqlite import mapping
from graph.stores.sqlite.connection import Connected
from graph.stores.sqlite.writes import is_loading


class RulesReads(Connected):
    """The part of a `Store` that keeps rules, and reads what new ones are applied to."""

    async def rules(self) -> list[KeptRules]:
        return await self._read(newest_rules)

    async def adopt_rules(self, text: str, expected: int, at: int) -> int:
        return await self._alter(_adopt_rules, text, expected, at)

    async def observations(self, after: ObservationKey | None, version: int, first: int) -> list[ObservationKey]:
        return await self._read(observations, after or ("", ""), version, first)

    async def beside(self, keys: Sequence[ObservationKey], version: int, first: int) -> list[ObservationKey]:
        return await self._read(beside, keys, version, first)

    async def receipts(self, after: ObservationKey | None, first: int) -> list[Receipt]:
        return await self._read(receipts, after or ("", ""), first)

    async def count_observations(self) -> int:
        return int((await self._read(mapping.column, "SELECT count(*) FROM observations"))[0])

    async def holders(self, keys: Sequence[str]) -> list[str]:
        sql = """SELECT coalesce(c.id, '') FROM json_each(?) asked LEFT JOIN identifiers i ON i.key = asked.value
            LEFT JOIN customers c ON c.no = i.customer ORDER BY asked.key"""
        return await self._read(mapping.column, sql, compact(keys))


def newest_rules(db: mapping.Connection) -> list[KeptRules]:
    """The newest two versions of the rules."""
    found = db.execute(
        "SELECT version, at, text, pending, upto_source, upto_id FROM rules ORDER BY version DESC LIMIT 2"
    )
    return [
        KeptRules(version, at, text, bool(pending), None if source is None else (source, id))
        for version, at, text, pending, source, id in found
    ]


def _adopt_rules(db: mapping.Connection, text: str, expected: int, at: int) -> int:
    (newest,) = db.execute("SELECT coalesce(max(version), 0) FROM rules").fetchone()
    if is_loading(db):
        raise StoreUnavailable.loading()
    if newest != expected:
        raise Conflict(f"the rules are at version {newest}, not {expected}", ("expectedVersion",))
    (stored,) = db.execute("SELECT EXISTS (SELECT 1 FROM observations)").fetchone()
    db.execute("INSERT INTO rules (version, at, text, pending) VALUES (?, ?, ?, ?)", (newest + 1, at, text, stored))
    return int(newest) + 1


def observations(db: mapping.Connection, after: ObservationKey, version: int, first: int) -> list[ObservationKey]:
    """The observations behind one that were not read under a version yet, by source and id."""
    sql = """SELECT source, id FROM observations WHERE (source, id) > (?, ?) AND read_under < ?
        ORDER BY source, id LIMIT ?"""
    return [(source, id) for source, id in db.execute(sql, (*after, version, first))]


def beside(db: mapping.Connection, keys: Sequence[ObservationKey], version: int, first: int) -> list[ObservationKey]:
    """The observations not read under a version yet of the customers that some observations are of."""
    sql = """SELECT DISTINCT other.source, other.id
        FROM (
            SELECT DISTINCT i.customer FROM json_each(?) asked
            CROSS JOIN observations o ON o.source = asked.value ->> 0 AND o.id = asked.value ->> 1
            CROSS JOIN json_each(o.keys) named CROSS JOIN identifiers i ON i.key = named.value
        ) of
        CROSS JOIN identifiers i ON i.customer = of.customer AND i.shared = 0
        CROSS JOIN names n ON n.identifier = i.no
        CROSS JOIN observations other ON other.no = n.observation AND other.read_under < ? LIMIT ?"""
    return [(source, id) for source, id in db.execute(sql, (compact(keys), version, first))]


def receipts(db: mapping.Connection, after: ObservationKey, first: int) -> list[Receipt]:
    """The receipts behind one, by source and id."""
    sql = f"SELECT {mapping.RECEIPT} FROM observations WHERE (source, id) > (?, ?) ORDER BY source, id LIMIT ?"
    return [mapping.receipt(row) for row in db.execute(sql, (*after, first))]
