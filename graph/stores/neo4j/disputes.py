"""What a write reads, and locks, around a large customer without reading the customer itself."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

from msgspec.structs import replace

from graph.domain.model.customers import Member, Node
from graph.domain.model.identifiers import Pair
from graph.domain.model.links import Link
from graph.domain.model.overrides import Override
from graph.domain.model.store_values import Region
from graph.ports import MAX_NEIGHBORS
from graph.stores.neo4j import cypher, mapping
from graph.stores.neo4j.failures import Outdated
from graph.stores.neo4j.writes import StoredHandles

DISPUTES = cypher.load("disputes")
READING = cypher.load("reads")
MOVED = "identifiers around what was written moved to other customers during the write; retry in a moment"

Run = Callable[..., Awaitable[list[Sequence[Any]]]]
ReadOverrides = Callable[[Sequence[str], Sequence[str]], Awaitable[Mapping[str, Override]]]


class DisputeReader:
    """Reads for one transaction, and adds what it has read to the handles."""

    def __init__(self, run: Run, overrides: ReadOverrides, handles: StoredHandles) -> None:
        self._run, self._overrides, self._handles = run, overrides, handles

    async def disputes(self, nodes: Iterable[Node], first: int) -> Region | None:
        """Return the suspended links and the overrides at customers; `None` if there are more than `first`."""
        rows = await self._run(DISPUTES["disputes"], nodes=list(nodes), first=first)
        keys, link_rows = rows[0] if rows else ((), ())
        if max(len(keys), len(link_rows)) > first:
            return None
        overrides = await self._overrides(keys, ())
        if len(overrides) > first:
            return None
        self._handles.disputed.update(keys)
        return await self._around(self._links(link_rows), overrides, ())

    async def links_at(self, key: str, first: int) -> Region | None:
        """Return the links at an identifier with what is around them; `None` if there are more than `first`."""
        ((rows,),) = await self._run(DISPUTES["links_at"], key=key, first=first)
        if len(rows) > first:
            return None
        found = await self._around(self._links(rows), {}, (key,))
        node = found.members[key].customer
        neighbors = sorted(end for end, member in found.members.items() if end != key and member.customer == node)
        if not 2 <= len(neighbors) <= MAX_NEIGHBORS:
            return found
        ((rows,),) = await self._run(DISPUTES["links_between"], pairs=list(map(list, combinations(neighbors, 2))))
        return replace(found, links={**found.links, **self._links(rows)})

    def _links(self, rows: Iterable[Sequence[Any]]) -> dict[Pair, Link]:
        links: dict[Pair, Link] = {}
        for values, handle, a, b in rows:
            self._handles.links[a, b] = handle
            links[a, b] = mapping.link(a, b, values)
        return links

    async def _around(
        self, links: Mapping[Pair, Link], overrides: Mapping[str, Override], anchors: Sequence[str]
    ) -> Region:
        """Return links and overrides with their ends, the customers that hold these, and those with some anchors."""
        keys = {key for ends in (*links, *(override.keys for override in overrides.values())) for key in ends}
        ((locked, rows),) = await self._run(DISPUTES["lock_ends"], keys=sorted({*keys, *anchors}))
        members: dict[str, Member] = {}
        for values, handle, node in rows:
            self._handles.identifiers[values["key"]] = handle
            members[values["key"]] = mapping.member(values, node)
        nodes = {member.customer for member in members.values() if member.customer is not None}
        if not nodes.issubset(locked):
            raise Outdated(MOVED)
        ((found,),) = await self._run(READING["customers_at"], nodes=list(nodes), anchors=list(anchors))
        customers = {node: mapping.customer(values, node, target) for values, node, target in found}
        self._handles.customers |= customers
        return Region(members, links, overrides, customers)
