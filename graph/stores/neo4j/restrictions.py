"""Restrictions in Neo4j, and the identifiers that they are on."""

from typing import Any

from graph.domain.model.idempotency import IdempotencyKey
from graph.domain.model.restrictions import Restriction
from graph.stores.neo4j import cypher
from graph.stores.neo4j.connection import Connected
from graph.stores.neo4j.mapping import Properties

RESTRICTIONS = cypher.load("restrictions")


class RestrictionReads(Connected):
    """The part of a `Store` that reads restrictions."""

    async def restrictions(
        self, customer: str | None, in_effect: bool, after: tuple[int, str] | None, first: int
    ) -> list[Restriction]:
        at, id = after or (-1, "")
        query, values = RESTRICTIONS["restrictions"], {"customer": customer, "in_effect": in_effect}
        records = await self._read(query, **values, at=at, id=id, first=first)
        return [restriction(record["values"]) for record in records]

    async def has_restrictions(self) -> bool:
        (record,) = await self._read(RESTRICTIONS["has_restrictions"])
        return bool(record["restricted"])


def restriction(values: Properties) -> Restriction:
    """Return the restriction of a node with the keys of its identifiers."""
    request = None
    if values.get("idempotency_key"):
        request = IdempotencyKey(values["caller"], values["idempotency_key"], values["digest"])
    return Restriction(
        values["id"],
        values["customer"],
        tuple(sorted(values["keys"])),
        values["actor"],
        values["reason"],
        values["at"],
        request,
        values.get("lifted_at"),
        values["lifted_by"],
    )


def restriction_values(restriction: Restriction) -> dict[str, Any]:
    """Return the properties of a restriction and the identifiers that it is on."""
    request = restriction.request
    values = {
        "id": restriction.id,
        "customer": restriction.customer,
        "actor": restriction.actor,
        "reason": restriction.reason,
        "at": restriction.at,
        "caller": None if request is None else request.caller,
        "idempotency_key": None if request is None else request.value,
        "digest": None if request is None else request.digest,
        "lifted_at": restriction.lifted_at,
        "lifted_by": restriction.lifted_by,
    }
    return {"values": values, "keys": list(restriction.keys)}
