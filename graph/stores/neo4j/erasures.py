"""Erasure in Neo4j: tombstones, records of erasures, held orders, and what is removed for good."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import structs

from graph.domain.model.customers import NO_ANCHOR
from graph.domain.model.erasures import Erasure, HeldOrder
from graph.domain.model.store_values import Removals, Writes
from graph.domain.model.tombstones import Tombstone, TombstoneMode
from graph.domain.profile.pages import ById, CustomerRef
from graph.stores.neo4j import cypher
from graph.stores.neo4j.connection import Connected
from graph.stores.neo4j.history import change_values
from graph.stores.neo4j.mapping import Properties

ERASURES = cypher.load("erasures")


class Erasures(Connected):
    """The part of a `Store` that reads erasures."""

    async def erasures(self, after: tuple[int, str] | None, first: int) -> list[Erasure]:
        at, id = after or (-1, "")
        records = await self._read(ERASURES["erasures"], at=at, id=id, first=first)
        return [erasure(record["record"]) for record in records]

    async def erasure(self, id: str) -> Erasure | None:
        records = await self._read(ERASURES["erasures_named"], params={"ids": [id]})
        return erasure(records[0]["record"]) if records else None

    async def erasure_of_customer(self, id: str) -> Erasure | None:
        records = await self._read(ERASURES["erasure_of_customer"], id=id)
        return erasure(records[0]["record"]) if records else None

    async def tombstones(self, hashes: Sequence[str]) -> list[Tombstone]:
        records = await self._read(ERASURES["tombstones"], hashes=list(hashes))
        return [tombstone(record["values"]) for record in records]

    async def all_tombstones(self, after: str, first: int) -> list[Tombstone]:
        records = await self._read(ERASURES["all_tombstones"], after=after, first=first)
        return [tombstone(record["values"]) for record in records]

    async def tombstone_versions(self) -> list[tuple[int, int]]:
        records = await self._read(ERASURES["tombstone_versions"])
        return [(record["key_version"], record["rules_version"]) for record in records]

    async def held_orders(self, after: str, first: int) -> list[HeldOrder]:
        records = await self._read(ERASURES["held_orders"], after=after, first=first)
        return [held_order(record["values"]) for record in records]

    async def identifier_keys(self, after: str, first: int) -> list[str]:
        records = await self._read(ERASURES["identifier_keys"], after=after, first=first)
        return [record["key"] for record in records]

    async def remove_traces(self) -> None:
        """Do nothing: what was removed is in no node, and in no answer of the full-text index, which a search awaits.

        The files of the database keep copies until the server overwrites them: its transaction log, and free records
        of its stores. No statement removes these while it serves (docs/operations/erasure-keys.md).
        """


def erasure(record: str) -> Erasure:
    """Return the erasure of its JSON text."""
    return msgspec.json.decode(record, type=Erasure)


def tombstone(values: Properties) -> Tombstone:
    """Return the tombstone of a node."""
    fields: dict[str, Any] = {name: values.get(name) for name in Tombstone.__struct_fields__}
    return Tombstone(**{**fields, "mode": TombstoneMode(values["mode"])})


def held_order(values: Properties) -> HeldOrder:
    """Return the held order of a node."""
    fields: dict[str, Any] = {name: values[name] for name in HeldOrder.__struct_fields__}
    return HeldOrder(**fields)


def customer_parameters(ref: CustomerRef) -> Mapping[str, Sequence[str]]:
    """Return the parameters of `lock_customer_keys` and `customer_keys`."""
    return {"ids": [ref.id], "keys": []} if isinstance(ref, ById) else {"ids": [], "keys": [ref.key]}


def erasure_queries(writes: Writes) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Return the queries that store tombstones, held orders and erasures, then remove what is to be removed."""
    for query, rows in (
        ("save_tombstones", [{**structs.asdict(item), "mode": item.mode.value} for item in writes.tombstones]),
        ("save_held_orders", list(map(structs.asdict, writes.held_orders))),
        ("end_holds", writes.ended_holds),
        ("save_erasures", list(map(_erasure_row, writes.erasures))),
    ):
        if rows:
            yield ERASURES[query], {"rows": rows}
    if writes.removals:
        yield from _removal_queries(writes.removals)


def _erasure_row(erasure: Erasure) -> Sequence[Any]:
    values = {
        "id": erasure.id,
        "request_id": erasure.request_id,
        "at": erasure.at,
        "record": msgspec.json.encode(erasure).decode(),
    }
    return values, erasure.customers


def _removal_queries(removals: Removals) -> Iterator[tuple[str, Mapping[str, Any]]]:
    anchor, first_seen_at = NO_ANCHOR
    if removals.keys:
        removed = {"rows": list(removals.keys), "no_anchor": anchor, "never_seen": first_seen_at}
        yield ERASURES["remove_identifiers"], removed
    for query, rows in (
        ("remove_observations", list(map(list, removals.observations))),
        ("remove_customers", list(removals.customers)),
        ("replace_changes", [[entry.number, change_values(entry.change)] for entry in removals.entries]),
    ):
        if rows:
            yield ERASURES[query], {"rows": rows}
    if removals.keys:
        values = [json.dumps(key) for key in removals.keys]
        fragments = [f'"{name}": {value}' for name in "ab" for value in values]
        beginnings = [value[1:-1].partition('"')[0] for value in values]
        yield ERASURES["remove_idempotency_keys"], {"fragments": fragments, "beginnings": beginnings}
