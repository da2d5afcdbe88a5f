"""One write on Neo4j: answers the requests of a write inside a managed transaction, locking what it reads."""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import replace
from neo4j import AsyncManagedTransaction

from graph.domain.model.customers import Member, Node
from graph.domain.model.errors import RulesMoved, StoreFailure, StoreUnavailable
from graph.domain.model.idempotency import Answered, RequestKey
from graph.domain.model.identifiers import Pair
from graph.domain.model.links import Link
from graph.domain.model.observations import Statement
from graph.domain.model.overrides import Mark, MarkKind
from graph.domain.model.receipts import ObservationKey
from graph.domain.model.store_values import Around, Region, Support, Writes
from graph.ports import ReadAround, ReadBelongings, ReadRegion, ReadSegments, ReadSupport, Request, Write
from graph.stores.neo4j import cypher, mapping
from graph.stores.neo4j.segments import SEGMENTS
from graph.stores.neo4j.writes import WRITE, Met, Rows, before

READING = cypher.load("reads")
UNREAD = -1


class Unwritten(dict[str, Any]):
    """Values of a query that tell nothing of themselves.

    The driver writes all values of each query out for its log before it looks whether that is on: for a thousand
    observations it takes as long as packing them, and they are personal.
    """

    def __repr__(self) -> str:
        return "{…}"


class Transaction:
    """The answers to one write's requests; the driver begins, commits and retries."""

    def __init__(self, tx: AsyncManagedTransaction, loading: bool = False) -> None:
        self._tx = tx
        self._loading = loading
        self._met = Met()
        self._version = UNREAD
        """The version of the rules, read after the first locks."""

    async def answer(self, request: Request) -> object:
        """What a request reads or writes."""
        match request:
            case ReadAround():
                return await self._around(request)
            case ReadSupport(keys):
                return await self._support(keys)
            case ReadRegion(seeds, opened):
                return await self._region(seeds, opened)
            case ReadSegments():
                return [mapping.segment(node) for (node,) in await self._run(SEGMENTS["lock_segments"])]
            case ReadBelongings(ids):
                return [mapping.belonging(row) for row in await self._run(SEGMENTS["lock_belongings"], ids=ids)]
            case Write(writes):
                await self.write(writes)
                return None

    async def _run(self, query: str, **values: Any) -> list[Sequence[Any]]:
        # In one map, `$asked`: Neo4j plans anew (up to 0.2 s) for each combination of orders of magnitude of lists.
        result = await self._tx.run(query, {"asked": Unwritten(values)})
        return [record.values() async for record in result]

    async def _found(self, query: str, **values: Any) -> list[Any]:
        """What a query finds, all in one record."""
        ((found,),) = await self._run(query, **values)
        return list(found)

    # --- reading

    async def _around(self, request: ReadAround) -> Around:
        held = await self._locked(request)
        marks = await self._marks(request.marked, request.marks)
        answered = await self._answered(request.requests)
        return replace(held, marks=marks, answered=answered)

    async def _locked(self, request: ReadAround) -> Around:
        """All that was asked for but marks and requests."""
        place = {key: at for at, key in enumerate(request.keys)}
        asked = {
            "keys": request.keys,
            "receipts": [list(key) for key in request.receipts],
            "orders": request.orders,
            "pairs": [[place[a], place[b]] for a, b in request.pairs],
        }
        settled = False
        while not settled:
            (row,) = await self._run(READING["around"], **asked)
            found, held, settled, stated, linked, self._version = row
        met = self._met
        members: dict[str, Member] = {}
        for node, handle, customer in found:
            met.identifiers[node["key"]] = handle
            members[node["key"]] = mapping.member(node, customer)
        receipts = [mapping.receipt(*one) for one in stated]
        met.receipts.update(receipt.key for receipt in receipts)
        links: dict[Pair, Link] = {}
        for (a, b), values, handle in linked:
            ends = request.keys[a], request.keys[b]
            met.links[ends] = handle
            links[ends] = mapping.link(*ends, values)
        customers = {node: mapping.customer(values, node) for values, node in held}
        met.customers |= customers
        return Around(
            {receipt.key: receipt for receipt in receipts}, members, links, customers, rules_version=self._version
        )

    async def _answered(self, keys: Sequence[RequestKey]) -> dict[RequestKey, Answered]:
        if not keys:
            return {}
        asked = [list(key) for key in keys]
        found = [mapping.answered(node) for (node,) in await self._found(READING["answered"], keys=asked)]
        return {one.once.key: one for one in found}

    async def _marks(self, keys: Sequence[str], ids: Sequence[str]) -> dict[str, Mark]:
        if not keys and not ids:
            return {}
        marks = [mapping.mark(node) for (node,) in await self._found(READING["marks"], keys=keys, ids=ids)]
        return {mark.id: mark for mark in marks}

    async def _support(self, keys: Sequence[str]) -> Support:
        support: dict[str, dict[ObservationKey, Statement]] = {key: {} for key in keys}
        for key, row in await self._found(READING["support"], keys=keys):
            statement = mapping.statement(row)
            support[key][statement.source, statement.id] = statement
        return support

    async def _region(self, seeds: frozenset[str], opened: frozenset[str]) -> Region:
        """Grow from customer to customer: a customer is locked before its identifiers are read, so what was read holds.

        The links inside a customer connect all of it, so the region is whole customers, and identifiers in none.
        """
        region = _Growing(opened)
        frontier = await self._members_at(region, sorted(seeds | opened))
        while frontier:
            handles = [self._met.identifiers[key] for key in frontier if region.expands(key)]
            wide = [self._met.identifiers[key] for key in frontier if key in opened]
            nodes: set[Node] = set()
            loose: set[str] = set()
            found = await self._found(READING["region_links"], handles=handles, opened=wide)
            for values, handle, a, b, reached, node in found:
                self._met.links[a, b] = handle
                region.links[a, b] = mapping.link(a, b, values)
                if reached not in region.members:
                    (loose if node is None else nodes).add(reached if node is None else node)
            marked = [key for key in frontier if region.members[key].marks]
            for mark in (await self._marks(marked, ())).values():
                region.marks[mark.id] = mark
                if mark.kind is MarkKind.TOGETHER:
                    loose.update(key for key in mark.keys if key not in region.members)
            frontier = await self._members_of(region, nodes) + await self._members_at(region, sorted(loose))
        held = {member.customer for member in region.members.values() if member.customer is not None}
        at = await self._found(READING["customers_at"], nodes=list(held), anchors=sorted(region.asked))
        customers = {node: mapping.customer(values, node, target) for values, node, target in at}
        self._met.customers |= customers
        return Region(region.members, region.links, region.marks, customers)

    async def _members_at(self, region: "_Growing", keys: Sequence[str]) -> list[str]:
        """Bring the customers of some identifiers into the region; returns the identifiers that came with them."""
        region.asked.update(keys)
        loose, nodes = [], set()
        for key, node in await self._found(READING["customers_of"], keys=keys) if keys else ():
            if node is None:
                loose.append(key)
            else:
                nodes.add(node)
        missing = sorted(set(loose) - region.members.keys())
        members = (await self._locked(ReadAround(keys=missing))).members if missing else {}
        region.members.update(members)
        # One that came into a customer while we waited for its lock brings that customer along.
        nodes.update(member.customer for member in members.values() if member.customer is not None)
        return [*members, *await self._members_of(region, nodes)]

    async def _members_of(self, region: "_Growing", nodes: Iterable[Node]) -> list[str]:
        """Bring customers into the region; returns the identifiers that came with them."""
        fresh = sorted(set(nodes) - region.nodes, key=str)
        region.nodes.update(fresh)
        if not fresh:
            return []
        came: list[str] = []
        for values, handle, node in await self._found(READING["region_members"], nodes=fresh):
            key = values["key"]
            self._met.identifiers[key] = handle
            if key not in region.members:
                came.append(key)
            region.members[key] = mapping.member(values, node)
            region.asked.add(key)
        return came

    # --- writing

    async def know(self, keys: Sequence[str]) -> None:
        """Meet identifiers that are stored and that nobody else writes."""
        found = await self._found(READING["handles"], keys=keys) if keys else ()
        self._met.identifiers.update((key, handle) for key, handle in found)

    async def write(self, writes: Writes) -> None:
        """Store what was decided; the last that a transaction does."""
        for query, values in before(writes, self._met):
            await self._run(query, **values)
        for id in writes.dropped_segments:
            while (await self._run(SEGMENTS["drop_memberships"], id=id))[0][0]:
                pass
        rows = Rows(writes, self._met)
        ((version, loading, found),) = await self._run(WRITE, **rows.values)
        if found != rows.named:
            raise StoreFailure(f"{rows.named - found} nodes that were read are gone")
        if loading and not self._loading:
            raise StoreUnavailable.loading()
        if self._version not in (UNREAD, version):
            raise RulesMoved(f"the rules came to be at version {version} in between")


class _Growing:
    """A region while it is read."""

    def __init__(self, opened: frozenset[str]) -> None:
        self._opened = opened
        self.members: dict[str, Member] = {}
        self.links: dict[Pair, Link] = {}
        self.marks: dict[str, Mark] = {}
        self.nodes: set[Node] = set()
        self.asked: set[str] = set()
        """All identifiers reached, stored or not: anchors of retired ids may be gone."""

    def expands(self, key: str) -> bool:
        """Whether links at an identifier may be other than idle."""
        member = self.members[key]
        return key not in self._opened and not member.shared and not member.blocked
