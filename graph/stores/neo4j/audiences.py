"""Audiences and their ledger in Neo4j."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from graph.domain.model.audiences import (
    Audience,
    Delivery,
    DeliveryCount,
    DeliveryPosition,
    DeliveryStatus,
    HeldDelivery,
    WaitingChange,
)
from graph.domain.model.store_values import Removals, Writes
from graph.stores.neo4j import cypher
from graph.stores.neo4j.connection import Connected
from graph.stores.neo4j.mapping import Properties

AUDIENCES = cypher.load("audiences")
_START = DeliveryPosition("", "")


class AudienceReads(Connected):
    """The part of a `Store` that reads audiences and their ledger."""

    async def audiences(self) -> list[Audience]:
        return [audience(record["record"]) for record in await self._read(AUDIENCES["audiences"])]

    async def due_deliveries(self, destination: str, removals: bool, now: int, first: int) -> list[Delivery]:
        query = AUDIENCES["due_deliveries"]
        records = await self._read(query, destination=destination, removals=removals, now=now, first=first)
        return [delivery(record["values"]) for record in records]

    async def next_delivery(self, destination: str) -> int | None:
        (record,) = await self._read(AUDIENCES["next_delivery"], destination=destination)
        return None if record["at"] is None else int(record["at"])

    async def deliveries(
        self,
        destination: str,
        audience: str | None,
        status: DeliveryStatus | None,
        after: DeliveryPosition | None,
        first: int,
    ) -> list[Delivery]:
        position = after or _START
        records = await self._read(
            AUDIENCES["deliveries" if status in (None, DeliveryStatus.DONE) else "open_deliveries_page"],
            destination=destination,
            audience=audience,
            status=None if status is None else status.value,
            after_audience=position.audience,
            after_key=position.key,
            first=first,
        )
        return [delivery(record["values"]) for record in records]

    async def deliveries_naming(self, keys: Sequence[str]) -> list[Delivery]:
        records = await self._read(AUDIENCES["deliveries_naming"], keys=list(keys))
        return [delivery(record["values"]) for record in records]

    async def open_deliveries(self) -> list[DeliveryCount]:
        records = await self._read(AUDIENCES["open_deliveries"])
        return [DeliveryCount(**{**record, "status": DeliveryStatus(record["status"])}) for record in records]

    async def count_open(self, destination: str, status: DeliveryStatus, limit: int) -> int:
        query = AUDIENCES["count_open"]
        (record,) = await self._read(query, destination=destination, status=status.value, first=limit)
        return int(record["count"])

    async def count_sent(self, audience: str) -> int:
        (record,) = await self._read(AUDIENCES["count_sent"], audience=audience)
        return int(record["count"])

    async def waiting_changes(self, destination: str, after: int, first: int) -> list[WaitingChange]:
        records = await self._read(AUDIENCES["waiting_changes"], destination=destination, after=after, first=first)
        return [waiting_change(record["values"]) for record in records]


def audience(record: str) -> Audience:
    """Return the audience of its JSON text."""
    return msgspec.json.decode(record, type=Audience)


def delivery(values: Properties) -> Delivery:
    """Return the delivery of a node."""
    fields: dict[str, Any] = {name: values.get(name) for name in Delivery.__struct_fields__}
    return Delivery(**{**fields, "status": DeliveryStatus(values["status"])})


def waiting_change(values: Properties) -> WaitingChange:
    """Return the waiting change of a node."""
    fields: dict[str, Any] = {name: values.get(name) for name in WaitingChange.__struct_fields__}
    return WaitingChange(**fields)


def delivery_id(audience: str, key: str) -> str:
    """Return the id of a delivery's node. Ids of audiences have no blanks."""
    return f"{audience} {key}"


def held_delivery(row: Sequence[Any]) -> HeldDelivery:
    """Return the delivery of a row of `lock_deliveries`."""
    values, holder = row
    return HeldDelivery(delivery(values), holder)


def delivery_parameters(
    customers: Sequence[str], places: Sequence[tuple[str, str]], erasures: Sequence[str]
) -> dict[str, Any]:
    """Return the parameters of `lock_deliveries`."""
    ids = [delivery_id(*place) for place in places]
    return {"customers": list(customers), "ids": ids, "erasures": list(erasures)}


def audience_queries(writes: Writes) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Return the queries that store the audiences and deliveries of a write. Deliveries that are over are removed."""
    over = [delivery_id(one.audience, one.key) for one in writes.deliveries if one.is_over]
    for query, rows in (
        ("save_audiences", [[one.id, msgspec.json.encode(one).decode()] for one in writes.audiences]),
        ("remove_audiences", writes.removed_audiences),
        ("save_deliveries", [_values(one) for one in writes.deliveries if not one.is_over]),
        ("remove_deliveries", over),
        ("save_waiting_changes", list(map(msgspec.structs.asdict, writes.waiting_changes))),
        ("remove_waiting_changes", list(map(list, writes.ended_waiting))),
    ):
        if rows:
            yield AUDIENCES[query], {"rows": rows}


def removal_queries(removals: Removals, erasure: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Return the query that owes the removal of addresses that are removed, by an erasure if it has an id."""
    if removals.keys or removals.customers:
        values = {"keys": list(removals.keys), "customers": list(removals.customers)}
        yield AUDIENCES["owe_removals"], {**values, "erasure": erasure, "at": removals.at}


def _values(delivery: Delivery) -> dict[str, Any]:
    return {
        **msgspec.structs.asdict(delivery),
        "id": delivery_id(delivery.audience, delivery.key),
        "status": delivery.status.value,
        "open": None if delivery.status is DeliveryStatus.DONE else delivery.status.value,
        "is_removal": delivery.is_removal,
    }
