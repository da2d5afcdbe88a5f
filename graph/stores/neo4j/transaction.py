"""One write on Neo4j: answers the requests of a write inside a managed transaction, locking what it reads."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from neo4j import AsyncManagedTransaction

from graph.domain.customers import Customer, Member, Node
from graph.domain.errors import RulesMoved, StoreUnavailable
from graph.domain.facts import detail
from graph.domain.identifiers import Identifier, Pair
from graph.domain.links import Link
from graph.domain.marks import Mark, MarkKind
from graph.domain.observations import Statement
from graph.domain.receipts import ObservationKey, Receipt, Standing
from graph.domain.requests import Answered, RequestKey
from graph.domain.search import text_of_facts, text_of_identifier
from graph.domain.snapshots import Around, NewNode, Region, Support, Writes
from graph.ports import ReadAround, ReadBelongings, ReadRegion, ReadSegments, ReadSupport, Request, Write
from graph.stores.neo4j import cypher, records, views

READING = cypher.load("reading")
SEGMENTS = cypher.load("segments")
WRITING = cypher.load("writing")
RULES = cypher.load("rules")


class Transaction:
    """The answers to one write's requests; the driver begins, commits and retries."""

    def __init__(self, tx: AsyncManagedTransaction, loading: bool = False) -> None:
        self._tx = tx
        self._loading = loading
        self._handle: dict[str, str] = {}
        """Key to the element id of its node, as far as this write met it."""
        self._created: set[str] = set()
        """The keys whose nodes this write made."""
        self._link_handle: dict[Pair, str] = {}
        self._stored_receipts: set[ObservationKey] = set()
        self._version: int | None = None
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
                return [records.segment(node) for (node,) in await self._run(SEGMENTS["lock_segments"])]
            case ReadBelongings(ids):
                return [records.belonging(row) for row in await self._run(SEGMENTS["lock_belongings"], ids=ids)]
            case Write(writes):
                await self.write(writes)
                return None

    async def _run(self, query: str, **values: Any) -> list[Sequence[Any]]:
        result = await self._tx.run(query, values)
        return [record.values() async for record in result]

    async def _found(self, query: str, **values: Any) -> list[Any]:
        """What a query finds, all in one record."""
        ((found,),) = await self._run(query, **values)
        return list(found)

    async def _run_if(self, rows: Sequence[object], query: str, name: str = "rows") -> list[Sequence[Any]]:
        return await self._run(WRITING[query], **{name: rows}) if rows else []

    # --- reading

    async def _around(self, request: ReadAround) -> Around:
        members, customers = await self._members(request.keys)
        return Around(
            await self._receipts(request.receipts, request.orders),
            members,
            await self._links(request.pairs),
            customers,
            await self._marks(request.marked, request.marks),
            await self._answered(request.requests),
            await self._rules_version(),
        )

    async def _answered(self, keys: Sequence[RequestKey]) -> dict[RequestKey, Answered]:
        if not keys:
            return {}
        asked = [list(key) for key in keys]
        found = [records.answered(node) for (node,) in await self._found(READING["answered"], keys=asked)]
        return {one.once.key: one for one in found}

    async def _rules_version(self) -> int:
        if self._version is None:
            ((version,),) = await self._run(READING["rules_version"])
            self._version = int(version)
        return self._version

    async def _members(self, keys: Sequence[str]) -> tuple[dict[str, Member], dict[Node, Customer]]:
        settled = not keys
        found: Sequence[Any] = ()
        held: Sequence[Any] = ()
        while not settled:
            ((found, held, settled, version),) = await self._run(READING["lock_members"], keys=keys)
            self._version = int(version)
        members: dict[str, Member] = {}
        for node, handle, customer in found:
            self._handle[node["key"]] = handle
            members[node["key"]] = records.member(node, customer)
        return members, {node: records.customer(values, node) for values, node in held}

    async def _receipts(self, keys: Sequence[ObservationKey], orders: Sequence[str]) -> dict[ObservationKey, Receipt]:
        found: list[Sequence[Any]] = []
        if keys:
            found += await self._found(READING["receipts"], asked=[list(key) for key in keys])
        if orders:
            found += await self._found(READING["receipts_of_orders"], keys=orders)
        receipts = [records.receipt(*row) for row in found]
        self._stored_receipts.update(receipt.key for receipt in receipts)
        return {receipt.key: receipt for receipt in receipts}

    async def _links(self, pairs: Iterable[Pair]) -> dict[Pair, Link]:
        handle = self._handle
        asked = {(handle[a], handle[b]): (a, b) for a, b in pairs if a in handle and b in handle}
        if not asked:
            return {}
        links: dict[Pair, Link] = {}
        for (a, b), link, own in await self._found(READING["links"], pairs=[list(ends) for ends in asked]):
            ends = asked[a, b]
            self._link_handle[ends] = own
            links[ends] = records.link(*ends, link)
        return links

    async def _marks(self, keys: Sequence[str], ids: Sequence[str]) -> dict[str, Mark]:
        if not keys and not ids:
            return {}
        marks = [records.mark(node) for (node,) in await self._found(READING["marks"], keys=keys, ids=ids)]
        return {mark.id: mark for mark in marks}

    async def _support(self, keys: Sequence[str]) -> Support:
        support: dict[str, dict[ObservationKey, Statement]] = {key: {} for key in keys}
        for key, node in await self._found(READING["support"], keys=keys):
            receipt = records.receipt(node)
            support[key][receipt.key] = receipt.statement
        return support

    async def _region(self, seeds: frozenset[str], opened: frozenset[str]) -> Region:
        """Grow from customer to customer: a customer is locked before its identifiers are read, so what was read holds.

        The links inside a customer connect all of it, so the region is whole customers, and identifiers in none.
        """
        region = _Growing(opened)
        frontier = await self._members_at(region, sorted(seeds | opened))
        while frontier:
            handles = [self._handle[key] for key in frontier if region.expands(key)]
            wide = [self._handle[key] for key in frontier if key in opened]
            nodes: set[Node] = set()
            loose: set[str] = set()
            found = await self._found(READING["region_links"], handles=handles, opened=wide)
            for values, handle, a, b, reached, node in found:
                self._link_handle[a, b] = handle
                region.links[a, b] = records.link(a, b, values)
                if reached not in region.members:
                    (loose if node is None else nodes).add(reached if node is None else node)
            marked = [key for key in frontier if region.members[key].marks]
            for mark in (await self._marks(marked, ())).values():
                region.marks[mark.id] = mark
                if mark.kind is MarkKind.TOGETHER:
                    loose.update(key for key in mark.keys if key not in region.members)
            frontier = await self._members_of(region, nodes) + await self._members_at(region, sorted(loose))
        held = {member.customer for member in region.members.values() if member.customer is not None}
        customers = await self._found(READING["customers_at"], nodes=list(held), anchors=sorted(region.asked))
        return Region(
            region.members,
            region.links,
            region.marks,
            {node: records.customer(values, node, target) for values, node, target in customers},
        )

    async def _members_at(self, region: "_Growing", keys: Sequence[str]) -> list[str]:
        """Bring the customers of some identifiers into the region; returns the identifiers that came with them."""
        region.asked.update(keys)
        loose, nodes = [], set()
        for key, node in await self._found(READING["customers_of"], keys=keys) if keys else ():
            if node is None:
                loose.append(key)
            else:
                nodes.add(node)
        members, _ = await self._members(sorted(set(loose) - region.members.keys()))
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
            self._handle[key] = handle
            if key not in region.members:
                came.append(key)
            region.members[key] = records.member(values, node)
            region.asked.add(key)
        return came

    # --- writing

    async def know(self, keys: Sequence[str]) -> None:
        """Meet identifiers that are stored and that nobody else writes."""
        found = await self._found(READING["handles"], keys=keys) if keys else ()
        self._handle.update((key, handle) for key, handle in found)

    async def write(self, writes: Writes) -> None:
        """Store what was decided."""
        await self._write_members(writes)
        await self._write_links(writes)
        await self._write_receipts(writes.receipts)
        await self._write_marks(writes)
        await self._run_if([records.answered_values(one) for one in writes.answered], "create_answered")
        await self._run_if([list(nodes) for nodes in writes.absorbed], "absorb")
        made = await self._write_customers(writes.customers)
        await self._move(writes, made)
        large = [made.get(one.node, one.node) for one in writes.customers if one.size > views.SMALL]
        await self._run_if(large, "place", "nodes")
        await self._write_segments(writes)
        if writes.reread is not None:
            upto = None if writes.reread.upto is None else list(writes.reread.upto)
            values = {"version": writes.reread.version, "pending": upto is not None, "upto": upto}
            await self._run(RULES["reread"], **values)
        await self._run_if([list(one) for one in writes.kept.items()], "keep")
        rows = [records.change_values(change) for change in writes.changes]
        ((version, loading),) = await self._run(WRITING["history"], rows=rows)
        if loading and not self._loading:
            raise StoreUnavailable.loading()
        if self._version not in (None, version):
            raise RulesMoved(f"the rules came to be at version {version} in between")

    async def _write_members(self, writes: Writes) -> None:
        fresh: list[dict[str, Any]] = []
        known: list[dict[str, Any]] = []
        for key, member in writes.members.items():
            values = records.member_values(member)
            if key in writes.orders:
                values |= records.order_values(writes.orders[key])
            if key in self._handle:
                known.append({"handle": self._handle[key], "values": values})
            else:
                namespace, value = Identifier.from_key(key)
                values |= {"key": key, "namespace": namespace, "value": value, "words": text_of_identifier(key) or None}
                fresh.append({"label": records.label(namespace), "values": values})
        for key, order in writes.orders.items():
            if key not in writes.members:
                known.append({"handle": self._handle[key], "values": records.order_values(order)})
        if fresh:
            made = dict(await self._found(WRITING["create_identifiers"], rows=fresh))
            self._handle.update(made)
            self._created.update(made)
        await self._run_if(known, "update_identifiers")

    async def _write_links(self, writes: Writes) -> None:
        fresh: list[dict[str, Any]] = []
        known: list[dict[str, Any]] = []
        for ends, link in writes.links.items():
            values = records.link_values(link)
            if ends in self._link_handle:
                known.append({"handle": self._link_handle[ends], "values": values})
            else:
                fresh.append({"a": self._handle[link.a], "b": self._handle[link.b], "values": values})
        await self._run_if(fresh, "create_links")
        await self._run_if(known, "update_links")
        await self._run_if([self._link_handle[ends] for ends in writes.gone_links], "delete_links", "handles")

    async def _write_receipts(self, receipts: Sequence[Receipt]) -> None:
        fresh: list[dict[str, Any]] = []
        known: list[dict[str, Any]] = []
        for receipt in receipts:
            named = [self._handle[key] for key in receipt.keys if key in self._handle]
            row = {"values": records.receipt_values(receipt), "named": named}
            (known if receipt.key in self._stored_receipts else fresh).append(row)
        await self._run_if(fresh, "create_observations")
        await self._run_if(known, "update_observations")
        told = [
            {
                "source": receipt.source,
                "id": receipt.id,
                "kind": receipt.kind,
                "at": receipt.seen_at,
                "filters": {
                    name: value or None for name, value in detail(receipt.kind, receipt.facts)._asdict().items()
                },
                "words": _words(receipt),
                "carriers": [[key, self._handle[key]] for key in receipt.told_at if receipt.standing is Standing.VALID],
            }
            for receipt in receipts
            if receipt.told_at or (receipt.kind and receipt.standing is not Standing.VALID)
        ]
        await self._run_if(told, "tell")

    async def _write_segments(self, writes: Writes) -> None:
        fresh = [records.segment_values(one) for one in writes.segments]
        entered = [[one.segment, one.customer, one.since] for one in writes.memberships if one.since is not None]
        left = [[one.segment, one.customer] for one in writes.memberships if one.since is None]
        looked_at = [[id, at] for id, at in writes.looked_at.items()]
        for id in writes.dropped_segments:
            while (await self._run(SEGMENTS["drop_memberships"], id=id))[0][0]:
                pass
        for query, rows in (
            ("drop_segments", writes.dropped_segments),
            ("put_segments", fresh),
            ("enter", entered),
            ("leave", left),
            ("looked_at", looked_at),
        ):
            if rows:
                await self._run(SEGMENTS[query], rows=rows)

    async def _write_marks(self, writes: Writes) -> None:
        fresh = [
            {"values": records.mark_values(mark), "named": [self._handle[key] for key in mark.keys]}
            for mark in writes.marks_set
        ]
        await self._run_if([mark.id for mark in writes.marks_removed], "delete_marks", "ids")
        await self._run_if(fresh, "create_marks")

    async def _write_customers(self, customers: Sequence[Customer]) -> Mapping[Node, Node]:
        """Returns what new nodes became."""
        known = [one for one in customers if not isinstance(one.node, NewNode)]
        fresh = {one.node.number: one for one in customers if isinstance(one.node, NewNode)}
        if len(known) > 1:
            await self._run_if([one.node for one in known], "release_ids", "nodes")
        await self._run_if(
            [{"node": one.node, "values": records.customer_values(one)} for one in known], "update_customers"
        )
        rows = [{"number": number, "values": records.customer_values(one)} for number, one in fresh.items()]
        nodes = await self._found(WRITING["create_customers"], rows=rows) if rows else ()
        made: dict[Node, Node] = {NewNode(number): node for number, node in nodes}
        pointing = [[made.get(one.node, one.node), one.redirects_to] for one in customers]
        # A node that comes to answer loses its own redirect, so all that are stored are looked at.
        known_nodes = {one.node for one in known}
        await self._run_if([row for row in pointing if row[0] in known_nodes or row[1] is not None], "redirect")
        return made

    async def _move(self, writes: Writes, made: Mapping[Node, Node]) -> None:
        leaving = [self._handle[key] for key in writes.moves if key not in self._created]
        await self._run_if(leaving, "leave", "handles")
        joining = [[self._handle[key], made.get(node, node)] for key, node in writes.moves.items() if node is not None]
        await self._run_if(joining, "join")


def _words(receipt: Receipt) -> str | None:
    """What is searched of an observation's fact, where it counts."""
    return (text_of_facts(receipt.kind, receipt.facts) or None) if receipt.standing is Standing.VALID else None


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
