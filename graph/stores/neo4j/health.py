"""Health counts of the graph in Neo4j."""

import orjson

from graph.domain.model.dates import DAY
from graph.domain.model.rules import Rules
from graph.domain.resolution.health import (
    ClaimedIdentifier,
    HealthCounts,
    Hub,
    LargeCustomer,
    NamespaceUsage,
    contradictory_keys,
)
from graph.stores.neo4j import cypher
from graph.stores.neo4j.connection import Connected

HEALTH = cypher.load("health")


class Health(Connected):
    """The part of a `Store` that counts what is stored."""

    async def health_counts(self, rules: Rules, first: int) -> HealthCounts:
        hubs = await self._read(HEALTH["hubs"], first=first)
        largest = await self._read(HEALTH["largest"], first=first)
        namespaces = await self._read(HEALTH["namespaces"])
        multi_value = await self._read(
            HEALTH["multi_value_keys"], namespaces=sorted(rules.known_namespaces), first=first
        )
        suspended = await self._read(HEALTH["suspended"], day=DAY)
        guarded, value_sets = [], []
        if rules.guards:
            guarded = await self._read(HEALTH["guarded"], namespaces=list(rules.names), first=first)
            value_sets = (await self._read(HEALTH["value_sets"]))[0]["rows"]
        return HealthCounts(
            [Hub(*record.values()) for record in hubs],
            [LargeCustomer(record["id"], orjson.loads(record["counts"])) for record in largest],
            [NamespaceUsage(*record.values()) for record in namespaces],
            [record["key"] for record in multi_value],
            {record["day"]: record["count"] for record in suspended},
            [ClaimedIdentifier(*record.values()) for record in guarded],
            contradictory_keys(value_sets, rules, first),
        )
