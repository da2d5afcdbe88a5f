"""Refused records in Neo4j."""

from collections.abc import Sequence
from typing import Any

import orjson
from msgspec import structs

from graph.domain.model.json_text import compact
from graph.domain.model.refused_records import Position, RefusedCount, RefusedFilter, RefusedRecord
from graph.stores.neo4j import cypher
from graph.stores.neo4j.connection import Connected, OpenTransaction
from graph.stores.neo4j.mapping import Properties
from graph.stores.neo4j.migrator import check_transaction

REFUSED = cypher.load("refused_records")


class RefusedRecords(Connected):
    """The part of a `Store` that keeps refused records."""

    async def save_refused_records(self, records: Sequence[RefusedRecord], most: int) -> int:
        # In the order of ids, so that writers wait for each other's locks in the same order.
        rows = [_values(record) for record in sorted(records, key=lambda record: record.id)]
        return await self._change("save_refused_records", rows=rows, most=most)

    async def refused_records(
        self, filter: RefusedFilter, after: Position | None, first: int, with_content: bool = True
    ) -> list[RefusedRecord]:
        at, id = after or (None, "")
        records = await self._read(
            REFUSED["refused_records"],
            source=filter.source,
            code=filter.code,
            since=-1 if filter.since is None else filter.since,
            at=at,
            id=id,
            first=first,
            with_content=with_content,
        )
        return [_record(record["values"]) for record in records]

    async def refused_records_with(self, ids: Sequence[str]) -> list[RefusedRecord]:
        records = await self._read(REFUSED["refused_records_with"], ids=list(ids))
        return [_record(record["values"]) for record in records]

    async def refused_counts(self) -> list[RefusedCount]:
        return [RefusedCount(**record) for record in await self._read(REFUSED["refused_counts"])]

    async def delete_refused_records(self, ids: Sequence[str]) -> int:
        return await self._change("delete_refused_records", ids=list(ids))

    async def delete_old_refused_records(self, before: int, first: int) -> int:
        return await self._change("delete_old_refused_records", before=before, first=first)

    async def _change(self, query: str, **values: Any) -> int:
        async def run(tx: OpenTransaction) -> int:
            await check_transaction(tx)
            (record,) = await tx.run(REFUSED[query], values)
            return int(record["removed"])

        return await self._transact(run)


def _record(values: Properties) -> RefusedRecord:
    fields: dict[str, Any] = {name: values[name] for name in RefusedRecord.__struct_fields__}
    return RefusedRecord(**{**fields, "path": tuple(orjson.loads(values["path"]))})


def _values(record: RefusedRecord) -> dict[str, Any]:
    return {**structs.asdict(record), "path": compact(record.path)}
