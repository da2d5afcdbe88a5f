"""Everything that sources stated about some identifiers, in SQLite."""

from collections.abc import Sequence

from graph.domain.model.json_text import compact
from graph.domain.model.receipts import ObservationKey, Receipt
from graph.stores.sqlite import mapping
from graph.stores.sqlite.connection import Connected

NAMED = """SELECT n.observation FROM json_each(?) named JOIN identifiers i ON i.key = named.value
    JOIN observation_identifiers n ON n.identifier = i.id UNION SELECT observation FROM unindexed_observations"""
"""Selects the observations that may name one of some identifiers, which are its only parameter."""


class StatementReads(Connected):
    """The part of a `Store` that reads what sources stated about identifiers."""

    async def statements_naming(self, keys: Sequence[str], after: ObservationKey | None, first: int) -> list[Receipt]:
        return await self._read(statements_naming, keys, after or ("", ""), first)


def statements_naming(db: mapping.Connection, keys: Sequence[str], after: ObservationKey, first: int) -> list[Receipt]:
    """Return the receipts after one that may name any of `keys`, by source and id, with their fact holders."""
    rows = db.execute(
        f"""SELECT {mapping.FACT_HOLDERS}, {mapping.of("o", mapping.RECEIPT)}
            FROM ({NAMED}) found JOIN observations o ON o.id = found.observation
            WHERE (o.source, o.public_id) > (?, ?) ORDER BY o.source, o.public_id LIMIT ?""",
        (compact(keys), *after, first),
    )
    return [mapping.receipt(row, fact_holders) for fact_holders, *row in rows]
