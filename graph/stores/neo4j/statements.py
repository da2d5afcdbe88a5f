"""Everything that sources stated about some identifiers, in Neo4j."""

from collections.abc import Sequence

from graph.domain.model.receipts import ObservationKey, Receipt
from graph.stores.neo4j import cypher, mapping
from graph.stores.neo4j.connection import Connected

STATEMENTS = cypher.load("statements")


class StatementReads(Connected):
    """The part of a `Store` that reads what sources stated about identifiers."""

    async def statements_naming(self, keys: Sequence[str], after: ObservationKey | None, first: int) -> list[Receipt]:
        source, id = after or ("", "")
        query = STATEMENTS["statements_naming"]
        records = await self._read(query, keys=list(keys), source=source, id=id, first=first)
        return [mapping.receipt(values, holders) for record in records for values, holders in record["rows"]]
