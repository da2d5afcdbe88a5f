"""The observations in SQLite of which something may have expired."""

from collections.abc import Sequence
from typing import Any

from graph.domain.model.json_text import compact
from graph.domain.model.observations import ORDER, EvidenceTier
from graph.domain.model.receipts import ObservationKey, Receipt
from graph.domain.model.retention import ExpiryFilter
from graph.stores.sqlite import mapping
from graph.stores.sqlite.connection import Connected
from graph.stores.sqlite.restrictions import has_restrictions

_UNRESTRICTED = """NOT EXISTS (SELECT 1 FROM json_each(observations.keys) named
    JOIN identifiers i ON i.key = named.value
    WHERE i.restricted = 1
    OR EXISTS (SELECT 1 FROM identifiers r WHERE r.customer = i.customer AND r.restricted = 1))"""


class RetentionReads(Connected):
    """The part of a `Store` that reads observations by what may have expired of them."""

    async def expirable_observations(
        self, filters: Sequence[ExpiryFilter], after: ObservationKey | None, first: int
    ) -> tuple[list[Receipt], ObservationKey | None]:
        return await self._read(expirable_observations, filters, after or ("", ""), first)

    async def are_stored(self, keys: Sequence[str], observations: Sequence[ObservationKey]) -> bool:
        sql = """SELECT NOT EXISTS (
                SELECT 1 FROM json_each(?1) k WHERE NOT EXISTS (SELECT 1 FROM identifiers i WHERE i.key = k.value)
            ) AND NOT EXISTS (
                SELECT 1 FROM json_each(?2) n WHERE NOT EXISTS (
                    SELECT 1 FROM observations o WHERE o.source = n.value ->> 0 AND o.public_id = n.value ->> 1)
            )"""
        (found,) = await self._read(mapping.column, sql, compact(keys), compact(observations))
        return bool(found)


def expirable_observations(
    db: mapping.Connection, filters: Sequence[ExpiryFilter], after: ObservationKey, first: int
) -> tuple[list[Receipt], ObservationKey | None]:
    """Return those of the next `first` observations that meet a filter, and the last of the next ones, if any."""
    last = db.execute(
        """SELECT source, public_id FROM (
            SELECT source, public_id FROM observations WHERE (source, public_id) > (?, ?)
            ORDER BY source, public_id LIMIT ?
        ) ORDER BY source DESC, public_id DESC LIMIT 1""",
        (*after, first),
    ).fetchone()
    if last is None:
        return [], None
    # Of a restricted customer everything is stored until the restriction is lifted.
    unrestricted = f"AND {_UNRESTRICTED}" if has_restrictions(db) else ""
    conditions, values = zip(*map(_condition, filters), strict=True) if filters else (("false",), ((),))
    rows = db.execute(
        f"""SELECT {mapping.RECEIPT} FROM observations
            WHERE (source, public_id) > (?, ?) AND (source, public_id) <= (?, ?) AND digest <> ''
            AND ({" OR ".join(conditions)}) {unrestricted} ORDER BY source, public_id""",
        (*after, *last, *(value for of_filter in values for value in of_filter)),
    )
    return [mapping.receipt(row) for row in rows], (last[0], last[1])


def _condition(filter: ExpiryFilter) -> tuple[str, tuple[Any, ...]]:
    """Return the condition of a filter with its values; the cheapest parts first."""
    parts: list[str] = ["seen_at < ?"]
    values: list[Any] = [filter.before]
    if filter.kinds:
        # Rows of the first versions have no kind for orders.
        parts.append(f"CASE WHEN order_key <> '' THEN '{ORDER}' ELSE kind END IN (SELECT value FROM json_each(?))")
        values.append(compact(filter.kinds))
    if filter.sources:
        parts.append("source IN (SELECT value FROM json_each(?))")
        values.append(compact(filter.sources))
    if filter.party is not None:
        # A probabilistic statement has the same tier from any party.
        parts.append("tier IN (?, ?)")
        values += [filter.party.value, EvidenceTier.PROBABILISTIC.value]
    if filter.part_of_sent:
        parts.append("instr(sent, ?) > 0")
        values.append(filter.part_of_sent)
    return f"({' AND '.join(parts)})", tuple(values)


def named_keys(db: mapping.Connection, keys: Sequence[str], without: Sequence[ObservationKey]) -> set[str]:
    """Return those of some identifiers that an observation names that is not one of `without`."""
    # Reprocessed under other rules, an observation may no longer name what it once did.
    sql = """SELECT DISTINCT i.key FROM json_each(?1) requested CROSS JOIN identifiers i ON i.key = requested.value
        CROSS JOIN observation_identifiers n ON n.identifier = i.id CROSS JOIN observations o ON o.id = n.observation
        WHERE EXISTS (SELECT 1 FROM json_each(o.keys) named WHERE named.value = i.key) AND NOT EXISTS (
            SELECT 1 FROM json_each(?2) w WHERE w.value ->> 0 = o.source AND w.value ->> 1 = o.public_id)"""
    return set(mapping.column(db, sql, compact(keys), compact(without)))
