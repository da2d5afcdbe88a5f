"""A write of the store as Neo4j queries: a few that are rarely needed, then the one that stores everything else."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graph.domain.model.customers import Customer, Node
from graph.domain.model.facts import detail
from graph.domain.model.identifiers import Identifier, Pair
from graph.domain.model.receipts import ObservationKey, ObservationStatus, Receipt
from graph.domain.model.store_values import NewNode, Writes
from graph.domain.profile.search import text_of_facts, text_of_identifier
from graph.stores.neo4j import customer_pages, cypher, mapping
from graph.stores.neo4j.history import change_values, override_values
from graph.stores.neo4j.rules import RULES
from graph.stores.neo4j.segments import SEGMENTS, segment_values
from graph.stores.neo4j.source_revocations import SOURCE_REVOCATIONS, source_revocation_values

WRITING = cypher.load("writes")
WRITE = WRITING["write"]


@dataclass(slots=True)
class StoredHandles:
    """What a transaction has read. Its nodes and relationships are written to by their element ids."""

    identifiers: dict[str, str] = field(default_factory=dict)
    """Element ids by key."""
    links: dict[Pair, str] = field(default_factory=dict)
    """Element ids by pair of keys."""
    receipts: set[ObservationKey] = field(default_factory=set)
    customers: dict[Node, Customer] = field(default_factory=dict)
    properties: dict[str | Node, Mapping[str, Any]] = field(default_factory=dict)
    """What was read of nodes and relationships, by element id. A write sets only what differs from it."""
    disputed: set[str] = field(default_factory=set)
    """Identifiers that are known to be marked as disputed."""

    def changed(self, handle: str | Node, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the properties that differ from those that were read; `None` removes one."""
        before = self.properties.get(handle)
        return dict(values) if before is None else mapping.changed(values, before)


def rare_queries(writes: Writes, handles: StoredHandles) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Return the queries that most writes do not need, with their parameters. They are run first."""
    ended = [membership for membership in writes.memberships if membership.entered_at is None]
    begun = [membership for membership in writes.memberships if membership.entered_at is not None]
    changing_ids = _changing_ids(writes, handles)
    written = {customer.id for customer in writes.customers}
    for query, rows in (
        (WRITING["delete_links"], [handles.links[pair] for pair in writes.removed_links]),
        (WRITING["delete_overrides"], [override.id for override in writes.overrides_removed]),
        (WRITING["create_idempotency_keys"], list(map(mapping.idempotent_result_values, writes.idempotent_results))),
        (SEGMENTS["pass_on_memberships"], [list(ids) for ids in writes.merged_ids]),
        (WRITING["absorb"], [list(nodes) for nodes in writes.absorbed]),
        (WRITING["release_ids"], changing_ids if len(changing_ids) > 1 else []),
        (
            WRITING["detach_identifiers"],
            [handles.identifiers[key] for key in writes.moves if key in handles.identifiers],
        ),
        (WRITING["put_values"], [list(item) for item in writes.values.items()]),
        (SEGMENTS["delete_segments"], writes.deleted_segments),
        (SEGMENTS["save_segments"], list(map(segment_values, writes.segments))),
        (SEGMENTS["add_members"], [[row.segment, row.customer, row.entered_at] for row in begun]),
        (SEGMENTS["remove_members"], [[row.segment, row.customer] for row in ended]),
        (SEGMENTS["set_due_at"], [[id, at] for id, at in writes.segmentation_due.items() if id not in written]),
        (
            SOURCE_REVOCATIONS["save_source_revocations"],
            list(map(source_revocation_values, writes.source_revocations)),
        ),
    ):
        if rows:
            yield query, {"rows": rows}
    if writes.reprocessing is not None:
        processed_to = None if writes.reprocessing.processed_to is None else list(writes.reprocessing.processed_to)
        yield (
            RULES["save_rules_progress"],
            {"version": writes.reprocessing.version, "pending": processed_to is not None, "processed_to": processed_to},
        )


def _changing_ids(writes: Writes, handles: StoredHandles) -> list[Node]:
    """Return the stored customer nodes that get another id."""
    return [
        customer.node
        for customer in writes.customers
        if not isinstance(customer.node, NewNode)
        and (customer.node not in handles.customers or handles.customers[customer.node].id != customer.id)
    ]


class WriteParameters:
    """The parameters of the query `write`: lists of identifiers and customers; the rest refers to them by position."""

    def __init__(self, writes: Writes, handles: StoredHandles) -> None:
        self._handles = handles
        self._new: dict[str, int] = {}
        self._stored: dict[str, int] = {}
        """Positions by key, from 0 in each; the query puts the new identifiers first."""
        self._new_rows: list[Sequence[Any]] = []
        self._stored_rows: list[Sequence[Any]] = []
        self._identifiers(writes)
        # New customers come first; `sorted` keeps the order of the others.
        ordered = sorted(writes.customers, key=lambda customer: not isinstance(customer.node, NewNode))
        self._customers = {customer.node: at for at, customer in enumerate(ordered)}
        self._more_customers: list[Node] = []
        self.values: dict[str, Any] = {
            **self._links(writes),
            "disputed": self._places(sorted(writes.disputed_keys() - handles.disputed)),
            "orders": self._places(list(writes.orders)),
            **self._observations(writes.receipts),
            "facts": [self._fact(receipt) for receipt in writes.receipts if has_fact(receipt)],
            "new_overrides": [
                [override_values(override), self._places(override.keys)] for override in writes.overrides_set
            ],
            "assignments": self._assignments(writes),
            **self._of_customers(ordered, writes.segmentation_due),
            "changes": [mapping.present(change_values(change)) for change in writes.changes],
            "new_identifiers": self._new_rows,
            "identifiers": self._stored_rows,
        }

    @property
    def node_count(self) -> int:
        """The number of identifiers and customers in the lists."""
        return len(self._new) + len(self._stored) + len(self._customers)

    def _identifiers(self, writes: Writes) -> None:
        handles = self._handles.identifiers
        # By key, as they are locked when they are read: writers that lock in one order never wait in a circle.
        for key, member in sorted(writes.members.items()):
            values = mapping.member_values(member)
            if key in writes.orders:
                values |= mapping.order_values(writes.orders[key])
            if key in handles:
                self._store(key, values)
                continue
            namespace, value = Identifier.from_key(key)
            values |= {"key": key, "namespace": namespace, "value": value, "words": text_of_identifier(key) or None}
            self._new[key] = len(self._new)
            self._new_rows.append([mapping.label(namespace), mapping.present(values)])
        for key, order in writes.orders.items():
            if key not in writes.members:
                self._store(key, mapping.order_values(order))

    def _store(self, key: str, values: Mapping[str, Any]) -> int:
        place = self._stored[key] = len(self._stored)
        handle = self._handles.identifiers[key]
        self._stored_rows.append([handle, self._handles.changed(handle, values) if values else values])
        return place

    def _place(self, key: str) -> int:
        new = self._new.get(key)
        if new is not None:
            return new
        place = self._stored.get(key)
        return len(self._new) + (self._store(key, {}) if place is None else place)

    def _places(self, keys: Sequence[str]) -> list[int]:
        return [self._place(key) for key in keys]

    def _links(self, writes: Writes) -> Mapping[str, Any]:
        created: list[Sequence[Any]] = []
        updated: list[Sequence[Any]] = []
        for pair, link in writes.links.items():
            handle = self._handles.links.get(pair)
            values = mapping.link_values(link)
            if handle is None:
                created.append([self._place(link.a), self._place(link.b), mapping.present(values)])
            else:
                updated.append([handle, self._handles.changed(handle, values)])
        return {"new_links": created, "links": updated}

    def _observations(self, receipts: Sequence[Receipt]) -> Mapping[str, Any]:
        created: list[Sequence[Any]] = []
        updated: list[Sequence[Any]] = []
        stored = self._new.keys() | self._handles.identifiers.keys()
        for receipt in receipts:
            # An observation that was never valid may mention identifiers that are not stored.
            places = [self._place(key) for key in receipt.keys if key in stored]
            values = mapping.present(mapping.receipt_values(receipt))
            rows = updated if receipt.key in self._handles.receipts else created
            rows.append([values, places, receipt.is_indexed(stored)])
        return {"new_observations": created, "observations": updated}

    def _fact(self, receipt: Receipt) -> Mapping[str, Any]:
        filters = detail(receipt.kind, receipt.facts)._asdict()
        return {
            "source": receipt.source,
            "id": receipt.id,
            "kind": receipt.kind,
            "at": receipt.seen_at,
            "filters": {name: value or None for name, value in filters.items()},
            "words": words_of(receipt),
            "holders": [[key, self._place(key)] for key in mapping.fact_holders(receipt)],
        }

    def _customer(self, node: Node) -> int:
        place = self._customers.get(node)
        if place is None:
            place = self._customers[node] = len(self._customers)
            self._more_customers.append(node)
        return place

    def _assignments(self, writes: Writes) -> list[Sequence[int]]:
        return [[self._place(key), self._customer(node)] for key, node in writes.moves.items() if node is not None]

    def _of_customers(self, ordered: Sequence[Customer], due: Mapping[str, int]) -> Mapping[str, Any]:
        before = self._handles.customers
        nodes = {customer.id: node for node, customer in before.items()}
        return {
            "new_customers": [
                mapping.present(mapping.customer_values(customer)) | {"due_at": due.get(customer.id, 0)}
                for customer in ordered
                if isinstance(customer.node, NewNode)
            ],
            "customers": [
                [
                    customer.node,
                    self._handles.changed(customer.node, mapping.customer_values(customer)),
                    due.get(customer.id, 0),
                ]
                for customer in ordered
                if not isinstance(customer.node, NewNode)
            ]
            + [[node, {}, None] for node in self._more_customers],
            "redirects": [
                [self._customers[customer.node], customer.redirects_to]
                for customer in ordered
                if customer.redirects_to or (customer.node in before and before[customer.node].redirects_to)
            ],
            "moved_ids": [
                self._customers[customer.node]
                for customer in ordered
                if customer.id in nodes and nodes[customer.id] != customer.node
            ],
            "large_customers": [
                self._customers[customer.node] for customer in ordered if customer.size > customer_pages.SMALL_CUSTOMER
            ],
        }


def has_fact(receipt: Receipt) -> bool:
    """Return whether an observation states a fact, or has stated one."""
    return bool(receipt.fact_holders) or (bool(receipt.kind) and receipt.status is not ObservationStatus.VALID)


def words_of(receipt: Receipt) -> str | None:
    """Return the searchable words of a valid observation's fact."""
    return (text_of_facts(receipt.kind, receipt.facts) or None) if receipt.status is ObservationStatus.VALID else None
