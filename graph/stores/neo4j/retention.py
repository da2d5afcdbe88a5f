"""The observations in Neo4j of which something may have expired."""

from collections.abc import Sequence
from typing import Any

from graph.domain.model.observations import EvidenceTier
from graph.domain.model.receipts import ObservationKey, Receipt
from graph.domain.model.retention import ExpiryFilter
from graph.stores.neo4j import cypher, mapping
from graph.stores.neo4j.connection import Connected

RETENTION = cypher.load("retention")


class RetentionReads(Connected):
    """The part of a `Store` that reads observations by what may have expired of them."""

    async def expirable_observations(
        self, filters: Sequence[ExpiryFilter], after: ObservationKey | None, first: int
    ) -> tuple[list[Receipt], ObservationKey | None]:
        source, id = after or ("", "")
        values = list(map(_values, filters))
        query = RETENTION["expirable_observations"]
        (record,) = await self._read(query, filters=values, source=source, id=id, first=first)
        last = [(source, id) for source, id in record["last"]]
        return [mapping.receipt(values) for values in record["receipts"]], last[0] if last else None

    async def are_stored(self, keys: Sequence[str], observations: Sequence[ObservationKey]) -> bool:
        names = [list(key) for key in observations]
        (record,) = await self._read(RETENTION["count_stored"], keys=list(keys), observations=names)
        return bool(record["keys"] == len(keys) and record["observations"] == len(names))


def _values(filter: ExpiryFilter) -> dict[str, Any]:
    # A probabilistic statement has the same tier from any party.
    tiers = None if filter.party is None else [filter.party.value, EvidenceTier.PROBABILISTIC.value]
    return {
        "before": filter.before,
        "kinds": list(filter.kinds) or None,
        "sources": list(filter.sources) or None,
        "tiers": tiers,
        "part": filter.part_of_sent or None,
    }
