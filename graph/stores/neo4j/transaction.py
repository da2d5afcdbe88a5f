"""One write on Neo4j: answers the requests of a write in a transaction, locking what it reads."""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from graph.domain.model.customers import Member, Node
from graph.domain.model.errors import RulesChanged, StoreFailure, StoreUnavailable
from graph.domain.model.facts import Fact
from graph.domain.model.idempotency import IdempotentResult, RequestKey
from graph.domain.model.identifiers import Pair
from graph.domain.model.links import Link
from graph.domain.model.observations import EvidenceStatement
from graph.domain.model.overrides import Override, OverrideKind
from graph.domain.model.receipts import ObservationKey, Receipt
from graph.domain.model.store_values import CustomerKeys, EvidenceByKey, Neighborhood, Region, Writes
from graph.domain.model.tombstones import Tombstone
from graph.domain.profile.pages import CustomerRef
from graph.ports import (
    ReadAudiences,
    ReadConsents,
    ReadCustomerKeys,
    ReadDeliveries,
    ReadDisputes,
    ReadEntries,
    ReadErasures,
    ReadEvidence,
    ReadHistory,
    ReadLinksAt,
    ReadNamedKeys,
    ReadNeighborhood,
    ReadReceipts,
    ReadRegion,
    ReadRestrictions,
    ReadSegments,
    ReadSegmentStates,
    ReadSourceRevocations,
    ReadStatedAttributes,
    ReadValues,
    Request,
    Write,
)
from graph.stores.neo4j import cypher, history, mapping, migrator
from graph.stores.neo4j.audiences import (
    AUDIENCES,
    audience,
    audience_queries,
    delivery_parameters,
    held_delivery,
    removal_queries,
)
from graph.stores.neo4j.connection import OpenTransaction
from graph.stores.neo4j.disputes import DISPUTES, DisputeReader
from graph.stores.neo4j.erasures import (
    ERASURES,
    customer_parameters,
    erasure,
    erasure_queries,
    held_order,
    tombstone,
)
from graph.stores.neo4j.failures import Outdated
from graph.stores.neo4j.restrictions import RESTRICTIONS, restriction, restriction_values
from graph.stores.neo4j.retention import RETENTION
from graph.stores.neo4j.segments import SEGMENTS, segment, segment_state
from graph.stores.neo4j.source_revocations import SOURCE_REVOCATIONS, source_revocation
from graph.stores.neo4j.writes import WRITE, StoredHandles, WriteParameters, rare_queries

READING = cypher.load("reads")
CONSENTS = cypher.load("consents")
UNREAD = -1
OUTDATED = "a source was revoked or restored during the write; retry in a moment"
ERASED = "what the write has read was changed or erased during the write; retry in a moment"


class RedactedParameters(dict[str, Any]):
    """Parameters of a query whose text form shows no values.

    The driver formats the parameters of each query for its log, even if logging is off. For a thousand observations
    that takes as long as packing them, and they are personal data.
    """

    def __repr__(self) -> str:
        return "{…}"


class Transaction:
    """The answers to the requests of one write. `Connections` begins, commits and retries."""

    def __init__(self, tx: OpenTransaction, loading: bool = False) -> None:
        self._tx = tx
        self._loading = loading
        self._handles = StoredHandles()
        self._disputes = DisputeReader(self._run, self._overrides, self._handles)
        self._version = UNREAD
        """The version of the rules, read after the first locks are taken."""
        self._revision = UNREAD
        """The revision of the source revocations, read after the first locks are taken."""
        self._tombstones: dict[str, Tombstone | None] = {}
        """What was read of tombstones, by hash."""
        self._named: tuple[Sequence[str], frozenset[ObservationKey]] | None = None
        """The identifiers whose observations were read, and these observations."""

    async def answer(self, request: Request) -> object:
        """Return what a request reads, or `None` for a request that writes."""
        match request:
            case ReadNeighborhood():
                return await self._neighborhood(request)
            case ReadEvidence(keys):
                return await self._evidence(keys)
            case ReadStatedAttributes(keys):
                return await self._stated_attributes(keys)
            case ReadConsents(keys):
                return await self._consents(keys)
            case ReadRegion(seeds, opened):
                return await self._region(seeds, opened)
            case ReadDisputes(nodes, first):
                return await self._disputes.disputes(nodes, first)
            case ReadLinksAt(key, first):
                return await self._disputes.links_at(key, first)
            case ReadValues(node, namespace):
                return await self._collect(DISPUTES["values"], node=node, prefix=f"{namespace}=")
            case ReadSegments():
                return [segment(node) for (node,) in await self._run(SEGMENTS["lock_segments"])]
            case ReadSegmentStates(ids):
                return [segment_state(row) for row in await self._run(SEGMENTS["lock_segment_states"], ids=ids)]
            case ReadSourceRevocations():
                rows = await self._run(SOURCE_REVOCATIONS["lock_source_revocations"])
                return [source_revocation(values) for (values,) in rows]
            case ReadCustomerKeys(ref):
                return await self._customer_keys(ref)
            case ReadReceipts(keys):
                return await self._receipts_naming(keys)
            case ReadHistory(ids):
                records = await self._tx.run(history.HISTORY["history"], {"ids": list(ids)})
                return [history.entry(record["change"]) for record in records]
            case ReadErasures(ids):
                return [erasure(record) for (record,) in await self._run(ERASURES["lock_erasures_named"], ids=ids)]
            case ReadRestrictions(keys, ids, requests):
                values = {"keys": keys, "ids": ids, "requests": [list(key) for key in requests]}
                rows = await self._run(RESTRICTIONS["lock_restrictions"], **values)
                return [restriction(values) for (values,) in rows]
            case ReadEntries(after, first):
                return list(
                    map(history.entry, await self._collect(RETENTION["lock_entries"], after=after, first=first))
                )
            case ReadNamedKeys(keys, without):
                excluded = [list(key) for key in without]
                return set(await self._collect(RETENTION["named_keys"], keys=keys, without=excluded))
            case ReadAudiences():
                return [audience(record) for (record,) in await self._run(AUDIENCES["audiences"])]
            case ReadDeliveries(customers, places, of_erasures):
                parameters = delivery_parameters(customers, places, of_erasures)
                return [held_delivery(row) for row in await self._run(AUDIENCES["lock_deliveries"], **parameters)]
            case Write(writes):
                await self.write(writes)
                return None

    async def _run(self, query: str, **values: Any) -> list[Sequence[Any]]:
        # In one map, `$params`: otherwise Neo4j makes a plan (up to 0.2 s) for each combination of magnitudes of lists.
        records = await self._tx.run(query, {"params": RedactedParameters(values)})
        return [record.values() for record in records]

    async def _collect(self, query: str, **values: Any) -> list[Any]:
        """Return the rows of a query that returns all of them in one record."""
        ((rows,),) = await self._run(query, **values)
        return list(rows)

    # --- reading

    async def _neighborhood(self, request: ReadNeighborhood) -> Neighborhood:
        neighborhood = await self._lock_neighborhood(request)
        overrides = await self._overrides(request.override_keys, request.override_ids)
        results = await self._idempotent_results(request.idempotency_keys)
        return replace(neighborhood, overrides=overrides, idempotent_results=results)

    async def _lock_neighborhood(self, request: ReadNeighborhood) -> Neighborhood:
        """Return what was requested except overrides and idempotent results."""
        place = {key: at for at, key in enumerate(request.keys)}
        parameters = {
            "keys": request.keys,
            "receipts": [list(key) for key in request.receipts],
            "orders": request.orders,
            "pairs": [[place[a], place[b]] for a, b in request.pairs],
            "tombstones": request.tombstones,
        }
        settled = False
        while not settled:
            (row,) = await self._run(READING["neighborhood"], **parameters)
            member_rows, customer_rows, settled, receipt_rows, link_rows, self._version, *more = row
        revocations, revision, tombstone_rows, held_orders = more
        if self._revision not in (UNREAD, revision):
            raise Outdated(OUTDATED)
        self._revision = revision
        handles = self._handles
        members: dict[str, Member] = {}
        for node, handle, customer in member_rows:
            handles.identifiers[node["key"]] = handle
            handles.properties[handle] = node
            members[node["key"]] = mapping.member(node, customer)
        receipts = [mapping.receipt(*row) for row in receipt_rows]
        handles.receipts.update(receipt.key for receipt in receipts)
        links: dict[Pair, Link] = {}
        for (a, b), values, handle in link_rows:
            pair = request.keys[a], request.keys[b]
            handles.links[pair] = handle
            handles.properties[handle] = values
            links[pair] = mapping.link(*pair, values)
        customers = {node: mapping.customer(values, node) for values, node in customer_rows}
        handles.customers |= customers
        handles.properties.update((node, values) for values, node in customer_rows)
        tombstones = {values["hash"]: tombstone(values) for values in tombstone_rows}
        self._tombstones.update((hash, tombstones.get(hash)) for hash in request.tombstones)
        return Neighborhood(
            {receipt.key: receipt for receipt in receipts},
            members,
            links,
            customers,
            rules_version=self._version,
            source_revocations=[source_revocation(values) for values in revocations],
            tombstones=tombstones,
            held_orders={values["hash"]: held_order(values) for values in held_orders},
        )

    async def _idempotent_results(self, keys: Sequence[RequestKey]) -> dict[RequestKey, IdempotentResult]:
        if not keys:
            return {}
        rows = await self._collect(READING["idempotent_results"], keys=[list(key) for key in keys])
        results = [mapping.idempotent_result(node) for (node,) in rows]
        return {result.idempotency_key.key: result for result in results}

    async def _overrides(self, keys: Sequence[str], ids: Sequence[str]) -> dict[str, Override]:
        if not keys and not ids:
            return {}
        rows = await self._collect(READING["overrides"], keys=keys, ids=ids)
        overrides = [history.override(node) for (node,) in rows]
        return {override.id: override for override in overrides}

    async def _evidence(self, keys: Sequence[str]) -> EvidenceByKey:
        evidence: dict[str, dict[ObservationKey, EvidenceStatement]] = {key: {} for key in keys}
        for key, row in await self._collect(READING["evidence"], keys=keys):
            statement = mapping.statement(row)
            evidence[key][statement.source, statement.id] = statement
        return evidence

    async def _stated_attributes(self, keys: Sequence[str]) -> EvidenceByKey:
        stated: dict[str, dict[ObservationKey, EvidenceStatement]] = {key: {} for key in keys}
        for key, sent, row in await self._collect(READING["stated_attributes"], keys=keys):
            statement = mapping.attributes_statement(row, key, sent)
            stated[key][statement.source, statement.id] = statement
        return stated

    async def _customer_keys(self, ref: CustomerRef) -> CustomerKeys:
        """Return the customer, read after it is locked."""
        parameters, locked = customer_parameters(ref), None
        while True:
            rows = await self._run(ERASURES["lock_customer_keys"], **parameters)
            locked = rows[0][0] if rows else None
            rows = await self._run(ERASURES["customer_keys"], **parameters)
            if not rows:
                return CustomerKeys()
            node, values, keys = rows[0]
            if node == locked:
                break
        customer = mapping.customer(values, node)
        self._handles.customers[customer.node] = customer
        self._handles.properties[customer.node] = values
        return CustomerKeys(customer, keys)

    async def _receipts_naming(self, keys: Sequence[str]) -> list[Receipt]:
        rows = await self._collect(ERASURES["lock_observations_naming"], keys=keys)
        receipts = [mapping.receipt(*row) for row in rows]
        self._handles.receipts.update(receipt.key for receipt in receipts)
        self._named = keys, frozenset(receipt.key for receipt in receipts)
        named = frozenset(keys)
        return [receipt for receipt in receipts if not receipt.keys or not named.isdisjoint(receipt.keys)]

    async def _consents(self, keys: Sequence[str]) -> dict[str, list[Fact]]:
        found: dict[str, list[Fact]] = {key: [] for key in keys}
        for row in await self._collect(CONSENTS["consents_at"], keys=keys):
            found[row[0]].append(mapping.fact(row))
        return found

    async def _region(self, seeds: frozenset[str], opened: frozenset[str]) -> Region:
        """Grow the region from customer to customer.

        A customer is locked before its identifiers are read, so what was read holds. The links inside a customer
        connect all of it, so the region consists of whole customers, and of identifiers in no customer.
        """
        region = _RegionBuilder(opened)
        frontier = await self._members_at(region, sorted(seeds | opened))
        while frontier:
            handles = [self._handles.identifiers[key] for key in frontier if region.expands(key)]
            opened_handles = [self._handles.identifiers[key] for key in frontier if key in opened]
            nodes: set[Node] = set()
            keys: set[str] = set()
            rows = await self._collect(READING["region_links"], handles=handles, opened=opened_handles)
            for values, handle, a, b, neighbor, node in rows:
                self._handles.links[a, b] = handle
                self._handles.properties[handle] = values
                region.links[a, b] = mapping.link(a, b, values)
                if neighbor not in region.members:
                    (keys if node is None else nodes).add(neighbor if node is None else node)
            overridden = [key for key in frontier if region.members[key].override_count]
            for override in (await self._overrides(overridden, ())).values():
                region.overrides[override.id] = override
                if override.kind is OverrideKind.TOGETHER:
                    keys.update(key for key in override.keys if key not in region.members)
            frontier = await self._members_of(region, nodes) + await self._members_at(region, sorted(keys))
        holders = {member.customer for member in region.members.values() if member.customer is not None}
        rows = await self._collect(READING["customers_at"], nodes=list(holders), anchors=sorted(region.reached))
        customers = {node: mapping.customer(values, node, target) for values, node, target in rows}
        self._handles.customers |= customers
        self._handles.properties.update((node, values) for values, node, _ in rows)
        return Region(region.members, region.links, region.overrides, customers)

    async def _members_at(self, region: "_RegionBuilder", keys: Sequence[str]) -> list[str]:
        """Add some identifiers and their customers to the region. Return the identifiers that were added."""
        region.reached.update(keys)
        without_customer, nodes = [], set()
        for key, node in await self._collect(READING["customers_of"], keys=keys) if keys else ():
            if node is None:
                without_customer.append(key)
            else:
                nodes.add(node)
        missing = sorted(set(without_customer) - region.members.keys())
        members = (await self._lock_neighborhood(ReadNeighborhood(keys=missing))).members if missing else {}
        if len(members) < len(missing):
            raise Outdated(ERASED)
        region.members.update(members)
        # An identifier may have got a customer while the query waited for its lock.
        nodes.update(member.customer for member in members.values() if member.customer is not None)
        return [*members, *await self._members_of(region, nodes)]

    async def _members_of(self, region: "_RegionBuilder", nodes: Iterable[Node]) -> list[str]:
        """Add customers to the region. Return the identifiers that were added."""
        new_nodes = sorted(set(nodes) - region.nodes, key=str)
        region.nodes.update(new_nodes)
        if not new_nodes:
            return []
        added: list[str] = []
        rows = await self._collect(READING["region_members"], nodes=new_nodes)
        if len({node for *_, node in rows}) < len(new_nodes):
            # Merged into another customer, or erased.
            raise Outdated(ERASED)
        for values, handle, node in rows:
            key = values["key"]
            self._handles.identifiers[key] = handle
            self._handles.properties[handle] = values
            if key not in region.members:
                added.append(key)
            region.members[key] = mapping.member(values, node)
            region.reached.add(key)
        return added

    # --- writing

    async def load_handles(self, keys: Sequence[str]) -> None:
        """Read the element ids of stored identifiers, without locks: during a bulk load there is no other writer."""
        rows = await self._collect(READING["handles"], keys=keys) if keys else ()
        self._handles.identifiers.update((key, handle) for key, handle in rows)

    async def write(self, writes: Writes) -> None:
        """Store the decided writes. A transaction does this last."""
        for query, values in rare_queries(writes, self._handles):
            await self._run(query, **values)
        for id in writes.deleted_segments:
            while (await self._run(SEGMENTS["delete_memberships"], id=id))[0][0]:
                pass
        parameters = WriteParameters(writes, self._handles)
        values = {**parameters.values, "tombstones": list(self._tombstones)}
        ((version, revision, tombstones, loading, migrations, node_count),) = await self._run(WRITE, **values)
        # What was read is no longer what is stored.
        self._handles.properties.clear()
        # Identifiers that are new are stored by now.
        if writes.restrictions:
            await self._run(RESTRICTIONS["save_restrictions"], rows=list(map(restriction_values, writes.restrictions)))
        if writes.renormalized:
            await self._run(RESTRICTIONS["inherit_restrictions"], rows=[list(pair) for pair in writes.renormalized])
        if node_count != parameters.node_count:
            raise StoreFailure(f"{parameters.node_count - node_count} nodes that were read no longer exist")
        migrator.check_not_newer(migrations)
        if loading and not self._loading:
            raise StoreUnavailable.loading()
        if self._version not in (UNREAD, version):
            raise RulesChanged(f"the rules changed to version {version} during the write")
        if self._revision not in (UNREAD, revision):
            raise Outdated(OUTDATED)
        if {values["hash"]: tombstone(values) for values in tombstones} != {
            hash: read for hash, read in self._tombstones.items() if read is not None
        }:
            raise Outdated(ERASED)
        await self._check_named(writes)
        for query, values in audience_queries(writes):
            await self._run(query, **values)
        for query, values in erasure_queries(writes):
            await self._run(query, **values)
        erasure_id = writes.erasures[0].id if writes.erasures else ""
        for query, values in removal_queries(writes.removals, erasure_id):
            await self._run(query, **values)
        if writes.removals.customers:
            # Identifiers that are removed are gone by now.
            await self._run(RESTRICTIONS["remove_restrictions"], rows=list(writes.removals.customers))

    async def _check_named(self, writes: Writes) -> None:
        """Raise `Outdated` if others have stored something that names the identifiers whose observations were read."""
        if self._named is None:
            return
        keys, observations = self._named
        ((stored, naming),) = await self._run(ERASURES["names"], keys=keys)
        new = set(map(tuple, naming)) - observations - {receipt.key for receipt in writes.receipts}
        if new or not self._handles.identifiers.keys() | writes.members.keys() >= set(stored):
            raise Outdated(ERASED)


class _RegionBuilder:
    """A region while it is being read."""

    def __init__(self, opened: frozenset[str]) -> None:
        self._opened = opened
        self.members: dict[str, Member] = {}
        self.links: dict[Pair, Link] = {}
        self.overrides: dict[str, Override] = {}
        self.nodes: set[Node] = set()
        self.reached: set[str] = set()
        """All identifiers reached, stored or not: the anchor of a retired id may no longer be stored."""

    def expands(self, key: str) -> bool:
        """Whether an identifier may have links that are not excluded."""
        member = self.members[key]
        return key not in self._opened and not member.shared and not member.blocked
