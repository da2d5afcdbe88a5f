"""What a write of the store is in Neo4j: a few rare queries, then the one that stores the rest."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graph.domain.model.customers import Customer, Node
from graph.domain.model.facts import detail
from graph.domain.model.identifiers import Identifier, Pair
from graph.domain.model.receipts import ObservationKey, Receipt, Standing
from graph.domain.model.store_values import NewNode, Writes
from graph.domain.profile.search import text_of_facts, text_of_identifier
from graph.stores.neo4j import customer_pages, cypher, mapping
from graph.stores.neo4j.rules import RULES
from graph.stores.neo4j.segments import SEGMENTS

WRITING = cypher.load("writes")
WRITE = WRITING["write"]


@dataclass(slots=True)
class Met:
    """What a transaction read: its nodes and relationships are written to by their element ids."""

    identifiers: dict[str, str] = field(default_factory=dict)
    """Key to element id."""
    links: dict[Pair, str] = field(default_factory=dict)
    receipts: set[ObservationKey] = field(default_factory=set)
    customers: dict[Node, Customer] = field(default_factory=dict)


def before(writes: Writes, met: Met) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The queries that most writes do not need, with their values; they come first."""
    known = [one for one in writes.customers if not isinstance(one.node, NewNode)]
    moving = [one.node for one in known if one.node not in met.customers or met.customers[one.node].id != one.id]
    entered = [[one.segment, one.customer, one.since] for one in writes.memberships if one.since is not None]
    left = [[one.segment, one.customer] for one in writes.memberships if one.since is None]
    for query, rows in (
        (WRITING["delete_links"], [met.links[ends] for ends in writes.gone_links]),
        (WRITING["delete_marks"], [mark.id for mark in writes.marks_removed]),
        (WRITING["create_answered"], [mapping.answered_values(one) for one in writes.answered]),
        (WRITING["absorb"], [list(nodes) for nodes in writes.absorbed]),
        (WRITING["release_ids"], moving if len(moving) > 1 else []),
        (WRITING["leave"], [met.identifiers[key] for key in writes.moves if key in met.identifiers]),
        (WRITING["keep"], [list(one) for one in writes.kept.items()]),
        (SEGMENTS["drop_segments"], writes.dropped_segments),
        (SEGMENTS["put_segments"], [mapping.segment_values(one) for one in writes.segments]),
        (SEGMENTS["enter"], entered),
        (SEGMENTS["leave"], left),
        (SEGMENTS["looked_at"], [[id, at] for id, at in writes.looked_at.items()]),
    ):
        if rows:
            yield query, {"rows": rows}
    if writes.reread is not None:
        upto = None if writes.reread.upto is None else list(writes.reread.upto)
        yield RULES["reread"], {"version": writes.reread.version, "pending": upto is not None, "upto": upto}


class Rows:
    """The values of the query `write`: identifiers and customers in two lists, all else by places in these."""

    def __init__(self, writes: Writes, met: Met) -> None:
        self._met = met
        self._new: dict[str, int] = {}
        self._stored: dict[str, int] = {}
        """Keys to places, from nought each; in the list the new ones come first."""
        self._new_rows: list[Sequence[Any]] = []
        self._stored_rows: list[Sequence[Any]] = []
        self._identifiers(writes)
        # New ones come first; `sorted` leaves the others in their order.
        ordered = sorted(writes.customers, key=lambda one: not isinstance(one.node, NewNode))
        self._customers = {one.node: at for at, one in enumerate(ordered)}
        self._more_customers: list[Node] = []
        self.values: dict[str, Any] = {
            **self._links(writes),
            **self._observations(writes.receipts),
            "told": [self._told(one) for one in writes.receipts if _tells(one)],
            "new_marks": [[mapping.mark_values(one), self._places(one.keys)] for one in writes.marks_set],
            "joining": self._joining(writes),
            **self._of_customers(ordered),
            "changes": [mapping.change_values(change) for change in writes.changes],
            "new_identifiers": self._new_rows,
            "identifiers": self._stored_rows,
        }

    @property
    def named(self) -> int:
        """How many identifiers and customers there are in the lists."""
        return len(self._new) + len(self._stored) + len(self._customers)

    def _identifiers(self, writes: Writes) -> None:
        met = self._met.identifiers
        for key, member in writes.members.items():
            values = mapping.member_values(member)
            if key in writes.orders:
                values |= mapping.order_values(writes.orders[key])
            if key in met:
                self._store(key, values)
                continue
            namespace, value = Identifier.from_key(key)
            values |= {"key": key, "namespace": namespace, "value": value, "words": text_of_identifier(key) or None}
            self._new[key] = len(self._new)
            self._new_rows.append([mapping.label(namespace), values])
        for key, order in writes.orders.items():
            if key not in writes.members:
                self._store(key, mapping.order_values(order))

    def _store(self, key: str, values: Mapping[str, Any]) -> int:
        place = self._stored[key] = len(self._stored)
        self._stored_rows.append([self._met.identifiers[key], values])
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
        fresh: list[Sequence[Any]] = []
        known: list[Sequence[Any]] = []
        for ends, link in writes.links.items():
            handle = self._met.links.get(ends)
            values = mapping.link_values(link)
            if handle is None:
                fresh.append([self._place(link.a), self._place(link.b), values])
            else:
                known.append([handle, values])
        return {"new_links": fresh, "links": known}

    def _observations(self, receipts: Sequence[Receipt]) -> Mapping[str, Any]:
        fresh: list[Sequence[Any]] = []
        known: list[Sequence[Any]] = []
        for one in receipts:
            # What was never valid may name identifiers that are not stored.
            named = [self._place(key) for key in one.keys if key in self._new or key in self._met.identifiers]
            (known if one.key in self._met.receipts else fresh).append([mapping.receipt_values(one), named])
        return {"new_observations": fresh, "observations": known}

    def _told(self, one: Receipt) -> Mapping[str, Any]:
        carriers = one.told_at if one.standing is Standing.VALID else ()
        return {
            "source": one.source,
            "id": one.id,
            "kind": one.kind,
            "at": one.seen_at,
            "filters": {name: value or None for name, value in detail(one.kind, one.facts)._asdict().items()},
            "words": _words(one),
            "carriers": [[key, self._place(key)] for key in carriers],
        }

    def _customer(self, node: Node) -> int:
        place = self._customers.get(node)
        if place is None:
            place = self._customers[node] = len(self._customers)
            self._more_customers.append(node)
        return place

    def _joining(self, writes: Writes) -> list[Sequence[int]]:
        return [[self._place(key), self._customer(node)] for key, node in writes.moves.items() if node is not None]

    def _of_customers(self, ordered: Sequence[Customer]) -> Mapping[str, Any]:
        met = self._met.customers
        pointing = [one for one in ordered if one.redirects_to or (one.node in met and met[one.node].redirects_to)]
        known = [
            [one.node, (mapping.growing_values if one.grew_from(met.get(one.node)) else mapping.customer_values)(one)]
            for one in ordered
            if not isinstance(one.node, NewNode)
        ]
        return {
            "new_customers": [mapping.customer_values(one) for one in ordered if isinstance(one.node, NewNode)],
            "customers": known + [[node, {}] for node in self._more_customers],
            "redirects": [[self._customers[one.node], one.redirects_to] for one in pointing],
            "large": [self._customers[one.node] for one in ordered if one.size > customer_pages.SMALL],
        }


def _tells(one: Receipt) -> bool:
    return bool(one.told_at) or (bool(one.kind) and one.standing is not Standing.VALID)


def _words(receipt: Receipt) -> str | None:
    """What is searched of an observation's fact, where it counts."""
    return (text_of_facts(receipt.kind, receipt.facts) or None) if receipt.standing is Standing.VALID else None
