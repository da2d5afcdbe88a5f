"""A store in plain dictionaries: the same contract as a real one, and simple enough to believe at a glance."""

import copy
from collections.abc import Callable
from itertools import count

from msgspec.structs import replace

from graph.domain.model.changes import Change
from graph.domain.model.customers import Customer, Member, Node
from graph.domain.model.idempotency import Answered, RequestKey
from graph.domain.model.identifiers import Pair
from graph.domain.model.links import Link, State
from graph.domain.model.observations import Statement
from graph.domain.model.overrides import Mark, MarkKind
from graph.domain.model.receipts import ObservationKey, Receipt, Standing
from graph.domain.model.store_values import Around, NewNode, Region, Writes
from graph.ports import ReadAround, ReadRegion, ReadSupport, Request, T, Work, Write


class MemoryStore:
    """Answers the requests of a write from dictionaries."""

    def __init__(self) -> None:
        self.receipts: dict[ObservationKey, Receipt] = {}
        self.members: dict[str, Member] = {}
        self.links: dict[Pair, Link] = {}
        self.customers: dict[Node, Customer] = {}
        self.marks: dict[str, Mark] = {}
        self.answered: dict[RequestKey, Answered] = {}
        self.changes: list[Change] = []
        self.regions_read = 0
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
            case ReadAround():
                return self._around(request)
            case ReadSupport(keys):
                return {key: self._support(key) for key in keys}
            case ReadRegion(seeds, opened):
                self.regions_read += 1
                return self._region(seeds, opened)
            case Write(writes):
                return self._write(writes)

    def _around(self, request: ReadAround) -> Around:
        members = {key: self.members[key] for key in request.keys if key in self.members}
        receipts = {key: self.receipts[key] for key in request.receipts if key in self.receipts}
        receipts |= {key: one for key, one in self.receipts.items() if one.order_key in request.orders}
        nodes = {member.customer for member in members.values()} - {None}
        return Around(
            receipts,
            members,
            {ends: self.links[ends] for ends in request.pairs if ends in self.links},
            {node: self.customers[node] for node in nodes},
            {
                id: mark
                for id, mark in self.marks.items()
                if id in request.marks or not set(mark.keys).isdisjoint(request.marked)
            },
            {key: self.answered[key] for key in request.requests if key in self.answered},
        )

    def _support(self, key: str) -> dict[ObservationKey, Statement]:
        return {
            name: receipt.statement
            for name, receipt in self.receipts.items()
            if receipt.standing is Standing.VALID and key in receipt.keys
        }

    def _region(self, seeds: frozenset[str], opened: frozenset[str]) -> Region:
        reached: set[str] = set()
        links: dict[Pair, Link] = {}
        frontier = set(seeds) | set(opened)
        while frontier:
            reached |= frontier
            found: set[str] = set()
            for ends, link in self.links.items():
                at = [key for key in ends if key in frontier]
                if at and (link.state is not State.IDLE or not opened.isdisjoint(at)):
                    links[ends] = link
                    found.update(ends)
            for mark in self.marks.values():
                if mark.kind is MarkKind.TOGETHER and not frontier.isdisjoint(mark.keys):
                    found.update(mark.keys)
            frontier = found - reached
        members = {key: self.members[key] for key in reached if key in self.members}
        nodes = {member.customer for member in members.values()} - {None}
        nodes |= {node for node, customer in self.customers.items() if customer.anchor.key in reached}
        return Region(
            members,
            links,
            {id: mark for id, mark in self.marks.items() if not set(mark.keys).isdisjoint(reached)},
            {node: self.customers[node] for node in nodes},
        )

    def _write(self, writes: Writes) -> None:
        made: dict[Node, Node] = {}

        def at(node: Node) -> Node:
            if isinstance(node, NewNode):
                return made.setdefault(node, next(self._nodes))
            return node

        self.receipts = self.receipts | {receipt.key: receipt for receipt in writes.receipts}
        self.members = dict(self.members)
        for key, member in writes.members.items():
            old = self.members.get(key) or Member(key)
            self.members[key] = replace(member, customer=old.customer, order=old.order)
        for key, order in writes.orders.items():
            self.members[key] = replace(self.members[key], order=order)
        self.links = {ends: link for ends, link in (self.links | writes.links).items() if ends not in writes.gone_links}
        self.marks = self.marks | {mark.id: mark for mark in writes.marks_set}
        for mark in writes.marks_removed:
            del self.marks[mark.id]
        self.customers = dict(self.customers)
        for source, target in writes.absorbed:
            for key, member in self.members.items():
                if member.customer == source:
                    self.members[key] = replace(member, customer=target)
            target_id = self.customers[target].id
            for node, customer in self.customers.items():
                if customer.redirects_to == self.customers[source].id:
                    self.customers[node] = replace(customer, redirects_to=target_id)
        # A redirect points at a node: ids that change places take the redirects to their node along.
        pointing = {
            node: next(other for other, target in self.customers.items() if target.id == customer.redirects_to)
            for node, customer in self.customers.items()
            if customer.redirects_to is not None
        }
        for customer in writes.customers:
            node = at(customer.node)
            self.customers[node] = replace(customer, node=node)
            pointing.pop(node, None)
        for node, target in pointing.items():
            self.customers[node] = replace(self.customers[node], redirects_to=self.customers[target].id)
        for key, node in writes.moves.items():
            self.members[key] = replace(self.members[key], customer=None if node is None else at(node))
        self.answered = self.answered | {one.once.key: one for one in writes.answered}
        self.changes = [*self.changes, *writes.changes]
