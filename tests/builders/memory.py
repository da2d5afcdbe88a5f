"""A store in plain dictionaries: the contract of a real one, in code that is simple enough to verify by reading."""

import copy
from collections.abc import Callable
from itertools import count

from msgspec.structs import replace

from graph.domain.model.changes import Change, Entry
from graph.domain.model.customers import NO_ANCHOR, Customer, Member, Node
from graph.domain.model.erasures import Erasure, HeldOrder
from graph.domain.model.facts import Fact
from graph.domain.model.idempotency import IdempotentResult, RequestKey
from graph.domain.model.identifiers import Pair, namespace_of
from graph.domain.model.links import Link, LinkState
from graph.domain.model.observations import EvidenceStatement
from graph.domain.model.overrides import Override, OverrideKind
from graph.domain.model.receipts import ObservationKey, ObservationStatus, Receipt
from graph.domain.model.source_revocations import SourceRevocation
from graph.domain.model.store_values import CustomerKeys, Neighborhood, NewNode, Region, Removals, Writes
from graph.domain.model.tombstones import Tombstone
from graph.domain.profile.pages import ById, CustomerRef
from graph.ports import (
    MAX_NEIGHBORS,
    ReadConsents,
    ReadCustomerKeys,
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
    T,
    Work,
    Write,
)


class MemoryStore:
    """Answers the requests of a write from dictionaries."""

    def __init__(self) -> None:
        self.receipts: dict[ObservationKey, Receipt] = {}
        self.members: dict[str, Member] = {}
        self.links: dict[Pair, Link] = {}
        self.customers: dict[Node, Customer] = {}
        self.overrides: dict[str, Override] = {}
        self.idempotent_results: dict[RequestKey, IdempotentResult] = {}
        self.source_revocations: dict[str, SourceRevocation] = {}
        self.tombstones: dict[str, Tombstone] = {}
        self.held_orders: dict[str, HeldOrder] = {}
        self.erasures: dict[str, Erasure] = {}
        self.changes: list[Change] = []
        self.regions_read = 0
        self.bounded_reads = True
        """Whether disputes and links at an identifier are read; without them, regions are."""
        self._nodes = count(1)

    def run(self, work: Callable[[], Work[T]]) -> T:
        before = copy.copy(self.__dict__)
        generator = work()
        try:
            request = next(generator)
            while True:
                request = generator.send(self._answer(request))
        except StopIteration as stop:
            return stop.value
        except BaseException:
            self.__dict__.update(before)
            raise

    def _answer(self, request: Request) -> object:
        match request:
            case ReadNeighborhood():
                return self._neighborhood(request)
            case ReadEvidence(keys):
                return {key: self._evidence(key) for key in keys}
            case ReadStatedAttributes(keys):
                return {
                    key: {name: statement for name, statement in self._evidence(key).items() if statement.holder == key}
                    for key in keys
                }
            case ReadConsents(keys):
                return {key: self._consents(key) for key in keys}
            case ReadRegion(seeds, opened):
                self.regions_read += 1
                return self._region(seeds, opened)
            case ReadDisputes(nodes, first):
                return self._disputes(nodes, first) if self.bounded_reads else None
            case ReadLinksAt(key, first):
                return self._links_at(key, first) if self.bounded_reads else None
            case ReadValues(node, namespace):
                return [
                    key
                    for key, member in self.members.items()
                    if member.customer == node and namespace_of(key) == namespace
                ]
            case ReadSourceRevocations():
                return list(self.source_revocations.values())
            case ReadCustomerKeys(ref):
                return self._customer_keys(ref)
            case ReadReceipts(keys):
                return [
                    receipt
                    for receipt in self.receipts.values()
                    if receipt.status is ObservationStatus.INACTIVE or not set(receipt.keys).isdisjoint(keys)
                ]
            case ReadNamedKeys(keys, without):
                return {
                    key
                    for name, receipt in self.receipts.items()
                    if name not in without
                    for key in receipt.keys
                    if key in keys
                }
            case ReadEntries(after, first):
                return [Entry(number, change) for number, change in enumerate(self.changes, 1)][after:][:first]
            case ReadHistory(ids):
                return [
                    Entry(number, change)
                    for number, change in enumerate(self.changes, 1)
                    if change.customer in ids or (change.other_customer and change.other_customer in ids)
                ]
            case ReadErasures(ids):
                return [
                    erasure
                    for erasure in self.erasures.values()
                    if not {erasure.id, erasure.request_id}.isdisjoint(ids)
                ]
            case ReadSegmentStates() | ReadSegments() | ReadRestrictions():
                return []
            case Write(writes):
                return self._write(writes)

    def _neighborhood(self, request: ReadNeighborhood) -> Neighborhood:
        members = {key: self.members[key] for key in request.keys if key in self.members}
        receipts = {key: self.receipts[key] for key in request.receipts if key in self.receipts}
        receipts |= {key: receipt for key, receipt in self.receipts.items() if receipt.order_key in request.orders}
        nodes = {member.customer for member in members.values()} - {None}
        return Neighborhood(
            receipts,
            members,
            {pair: self.links[pair] for pair in request.pairs if pair in self.links},
            {node: self.customers[node] for node in nodes},
            {
                id: override
                for id, override in self.overrides.items()
                if id in request.override_ids or not set(override.keys).isdisjoint(request.override_keys)
            },
            {key: self.idempotent_results[key] for key in request.idempotency_keys if key in self.idempotent_results},
            source_revocations=[revocation for revocation in self.source_revocations.values() if revocation.in_effect],
            tombstones={hash: self.tombstones[hash] for hash in request.tombstones if hash in self.tombstones},
            held_orders={hash: self.held_orders[hash] for hash in request.tombstones if hash in self.held_orders},
        )

    def _customer_keys(self, ref: CustomerRef) -> CustomerKeys:
        by_id = {customer.id: customer for customer in self.customers.values()}
        if isinstance(ref, ById):
            customer = by_id.get(ref.id)
        else:
            member = self.members.get(ref.key)
            customer = None if member is None or member.customer is None else self.customers[member.customer]
        if customer is not None and customer.redirects_to:
            customer = by_id[customer.redirects_to]
        if customer is None or not customer.live:
            return CustomerKeys()
        keys = [key for key, member in self.members.items() if member.customer == customer.node]
        return CustomerKeys(customer, keys)

    def _evidence(self, key: str) -> dict[ObservationKey, EvidenceStatement]:
        return {
            name: receipt.statement
            for name, receipt in self.receipts.items()
            if receipt.status is ObservationStatus.VALID and key in receipt.keys
        }

    def _consents(self, key: str) -> list[Fact]:
        return [
            Fact(key, receipt.seen_at, receipt.source, receipt.id, receipt.tier.party, receipt.facts)
            for receipt in self.receipts.values()
            if receipt.status is ObservationStatus.VALID and receipt.kind == "consent" and key in receipt.fact_holders
        ]

    def _disputes(self, nodes: frozenset[Node], first: int) -> Region | None:
        at = {key for key, member in self.members.items() if member.customer in nodes}
        links = {
            pair: link
            for pair, link in self.links.items()
            if link.state is LinkState.SUSPENDED and not at.isdisjoint(pair)
        }
        overrides = {id: override for id, override in self.overrides.items() if not at.isdisjoint(override.keys)}
        if max(len(links), len(overrides)) > first:
            return None
        keys = {key for ends in (*links, *(override.keys for override in overrides.values())) for key in ends}
        return self._around(keys, links, overrides)

    def _links_at(self, key: str, first: int) -> Region | None:
        links = {pair: link for pair, link in self.links.items() if key in pair}
        if len(links) > first:
            return None
        keys = {key, *(end for pair in links for end in pair)}
        node = self.members[key].customer
        neighbors = {end for end in keys if end != key and self.members[end].customer == node}
        if len(neighbors) <= MAX_NEIGHBORS:
            links |= {pair: link for pair, link in self.links.items() if neighbors.issuperset(pair)}
        return self._around(keys, links, {}, key)

    def _around(
        self, keys: set[str], links: dict[Pair, Link], overrides: dict[str, Override], anchor: str = ""
    ) -> Region:
        members = {key: self.members[key] for key in keys}
        nodes = {member.customer for member in members.values()} - {None}
        nodes |= {node for node, customer in self.customers.items() if customer.anchor.key == anchor}
        return Region(members, links, overrides, {node: self.customers[node] for node in nodes})

    def _region(self, seeds: frozenset[str], opened: frozenset[str]) -> Region:
        reached: set[str] = set()
        links: dict[Pair, Link] = {}
        frontier = set(seeds) | set(opened)
        while frontier:
            reached |= frontier
            connected: set[str] = set()
            for pair, link in self.links.items():
                ends_in_frontier = [key for key in pair if key in frontier]
                if ends_in_frontier and (
                    link.state is not LinkState.EXCLUDED or not opened.isdisjoint(ends_in_frontier)
                ):
                    links[pair] = link
                    connected.update(pair)
            for override in self.overrides.values():
                if override.kind is OverrideKind.TOGETHER and not frontier.isdisjoint(override.keys):
                    connected.update(override.keys)
            frontier = connected - reached
        members = {key: self.members[key] for key in reached if key in self.members}
        nodes = {member.customer for member in members.values()} - {None}
        nodes |= {node for node, customer in self.customers.items() if customer.anchor.key in reached}
        return Region(
            members,
            links,
            {id: override for id, override in self.overrides.items() if not set(override.keys).isdisjoint(reached)},
            {node: self.customers[node] for node in nodes},
        )

    def _write(self, writes: Writes) -> None:
        new_nodes: dict[Node, Node] = {}

        def actual(node: Node) -> Node:
            if isinstance(node, NewNode):
                return new_nodes.setdefault(node, next(self._nodes))
            return node

        self.receipts = self.receipts | {receipt.key: receipt for receipt in writes.receipts}
        self.members = dict(self.members)
        for key, member in writes.members.items():
            old = self.members.get(key) or Member(key)
            self.members[key] = replace(member, customer=old.customer, order=old.order)
        for key, order in writes.orders.items():
            self.members[key] = replace(self.members[key], order=order)
        self.links = {
            pair: link for pair, link in (self.links | writes.links).items() if pair not in writes.removed_links
        }
        self.overrides = self.overrides | {override.id: override for override in writes.overrides_set}
        for override in writes.overrides_removed:
            del self.overrides[override.id]
        self.customers = dict(self.customers)
        for source, target in writes.absorbed:
            for key, member in self.members.items():
                if member.customer == source:
                    self.members[key] = replace(member, customer=target)
            target_id = self.customers[target].id
            for node, customer in self.customers.items():
                if customer.redirects_to == self.customers[source].id:
                    self.customers[node] = replace(customer, redirects_to=target_id)
        # A redirect points at a node: if another id takes that node, the redirect leads to it.
        redirect_targets = {
            node: next(
                target_node for target_node, target in self.customers.items() if target.id == customer.redirects_to
            )
            for node, customer in self.customers.items()
            if customer.redirects_to is not None
        }
        for customer in writes.customers:
            node = actual(customer.node)
            self.customers[node] = replace(customer, node=node)
            redirect_targets.pop(node, None)
        for node, target in redirect_targets.items():
            self.customers[node] = replace(self.customers[node], redirects_to=self.customers[target].id)
        for key, node in writes.moves.items():
            self.members[key] = replace(self.members[key], customer=None if node is None else actual(node))
        self.idempotent_results = self.idempotent_results | {
            result.idempotency_key.key: result for result in writes.idempotent_results
        }
        self.source_revocations = self.source_revocations | {
            revocation.id: revocation for revocation in writes.source_revocations
        }
        self.changes = [*self.changes, *writes.changes]
        self.tombstones = self.tombstones | {tombstone.hash: tombstone for tombstone in writes.tombstones}
        self.held_orders = self.held_orders | {order.hash: order for order in writes.held_orders}
        self.erasures = self.erasures | {erasure.id: erasure for erasure in writes.erasures}
        self._remove(writes.removals)

    def _remove(self, removals: Removals) -> None:
        keys, observations = set(removals.keys), set(removals.observations)
        self.members = {key: member for key, member in self.members.items() if key not in keys}
        self.links = {pair: link for pair, link in self.links.items() if keys.isdisjoint(pair)}
        self.receipts = {name: receipt for name, receipt in self.receipts.items() if name not in observations}
        self.customers = {
            node: customer for node, customer in self.customers.items() if customer.id not in removals.customers
        }
        for node, customer in self.customers.items():
            if customer.anchor.key in keys:
                self.customers[node] = replace(customer, anchor=NO_ANCHOR)
        self.idempotent_results = {
            key: result for key, result in self.idempotent_results.items() if keys.isdisjoint(result.override.keys)
        }
        for entry in removals.entries:
            self.changes[entry.number - 1] = entry.change
