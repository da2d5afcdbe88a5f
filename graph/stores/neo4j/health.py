"""What Neo4j counts of the graph."""

from collections.abc import Sequence

import orjson

from graph.domain.model.dates import DAY
from graph.domain.resolution.health import Hub, Large, NamespaceUse, Survey
from graph.stores.neo4j import cypher
from graph.stores.neo4j.connection import Connected

HEALTH = cypher.load("health")


class Health(Connected):
    """The part of a `Store` that counts what is stored."""

    async def survey(self, known: Sequence[str], first: int) -> Survey:
        hubs = await self._read(HEALTH["hubs"], first=first)
        largest = await self._read(HEALTH["largest"], first=first)
        uses = await self._read(HEALTH["namespaces"])
        doubles = await self._read(HEALTH["doubles"], namespaces=list(known), first=first)
        suspended = await self._read(HEALTH["suspended"], day=DAY)
        return Survey(
            [Hub(*record.values()) for record in hubs],
            [Large(record["id"], orjson.loads(record["counts"])) for record in largest],
            [NamespaceUse(*record.values()) for record in uses],
            [record["key"] for record in doubles],
            {record["day"]: record["count"] for record in suspended},
        )
