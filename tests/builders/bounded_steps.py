"""Two graphs that receive the same commands, one of which resolves regions where the other reads what is around."""

from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from graph.domain.model.changes import Cause, CauseType, Change, ChangeKind
from graph.domain.model.customers import Customer
from graph.domain.model.identifiers import Pair
from graph.domain.model.links import Link, LinkState
from graph.domain.model.rules import Rules
from graph.domain.resolution.preparation import Command
from tests.builders.graphs import Graph


class BoundedAndWhole:
    """A graph with bounded steps and one without; `do` compares everything that they store."""

    def __init__(self, rules: Rules) -> None:
        self.bounded, self.whole = Graph(rules), Graph(rules)
        self.whole.store.bounded_reads = False
        self.steps: Counter[str] = Counter()
        """How many steps read no region where the other graph did, by what they did."""
        self._ids: dict[str, str] = {}
        """The ids of customers in the one graph by those in the other: new ones are numbered as they are created."""

    @property
    def _graphs(self) -> tuple[Graph, Graph]:
        return self.bounded, self.whole

    def do(self, batch: Sequence[Command]) -> None:
        seen = len(self.bounded.store.changes), len(self.whole.store.changes)
        before = _versions(self.bounded), _versions(self.whole)
        regions, links = [graph.store.regions_read for graph in self._graphs], self.bounded.store.links
        self.bounded.do(*batch)
        self.whole.do(*batch)
        self._compare(*seen)
        raised, expected = (_raised(*versions) for versions in zip(before, map(_versions, self._graphs), strict=True))
        assert {self._id(id): by for id, by in raised.items()} == expected

        if self.bounded.store.regions_read == regions[0] and self.whole.store.regions_read > regions[1]:
            self._count(seen[0], links)

    def _count(self, changes: int, links: Mapping[Pair, Link]) -> None:
        """Count a step that read no region where the other graph did."""
        kinds = {change.kind for change in self.bounded.store.changes[changes:]}
        displaced = ChangeKind.LINK_SUSPENDED in kinds
        left = "displacement" if displaced else "departure"
        self.steps[left if ChangeKind.CUSTOMER_SPLIT in kinds else "union"] += 1
        self.steps["reason"] += any(
            link.state is LinkState.SUSPENDED
            and pair in links
            and links[pair].state is link.state
            and links[pair].reason != link.reason
            for pair, link in self.bounded.store.links.items()
        )

    def _compare(self, bounded_changes: int, whole_changes: int) -> None:
        bounded, whole = self.bounded.store, self.whole.store
        assert bounded.links == whole.links
        assert bounded.overrides == whole.overrides
        assert bounded.receipts == whole.receipts
        assert self.bounded.customers() == self.whole.customers()
        for key, member in bounded.members.items():
            other = whole.members[key]
            assert replace(member, customer=None) == replace(other, customer=None)
            if member.customer is not None:
                mine, theirs = bounded.customers[member.customer].id, whole.customers[other.customer].id
                assert self._ids.setdefault(mine, theirs) == theirs
        assert len(set(self._ids.values())) == len(self._ids)
        assert sorted(map(self._translated, bounded.customers.values()), key=str) == sorted(
            map(_without_node, whole.customers.values()), key=str
        )
        mine = [
            replace(change, customer=self._id(change.customer), other_customer=self._id(change.other_customer))
            for change in bounded.changes[bounded_changes:]
        ]
        theirs = whole.changes[whole_changes:]
        assert _comparable(mine) == _comparable(theirs)

    def _id(self, id: str) -> str:
        return self._ids[id] if id else id

    def _translated(self, customer: Customer) -> Customer:
        target = None if customer.redirects_to is None else self._id(customer.redirects_to)
        return replace(_without_node(customer), id=self._id(customer.id), redirects_to=target)


def _without_node(customer: Customer) -> Customer:
    """Return a customer without its node, and without its version, which counts moves of a retired one's node."""
    return replace(customer, node=0, version=0)


def _versions(graph: Graph) -> dict[str, int]:
    return {customer.id: customer.version for customer in graph.store.customers.values() if customer.live}


def _raised(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    """Return by how much the versions of customers that stayed live were raised."""
    return {id: version - before[id] for id, version in after.items() if id in before}


_ANY = Cause(CauseType.OBSERVATION)


def _comparable(changes: Sequence[Change]) -> list[Change]:
    """Return changes without what a region says in other words than a merge of whole customers."""
    compared: list[Change] = []
    for change in changes:
        match change.kind:
            case ChangeKind.CUSTOMERS_MERGED:
                # Of several links that merge them, the one is the first that arrived, the other the strongest.
                change = replace(change, keys=(), reason="", cause=_ANY)
            case ChangeKind.IDENTIFIERS_MOVED:
                # The cause is that of the first identifier, in order of arrival or by key.
                change = replace(change, reason="", keys=tuple(sorted(change.keys)), cause=_ANY)
            case ChangeKind.CUSTOMER_SPLIT:
                # The reason is the first that is known of several.
                change = replace(change, reason="")
        compared.append(change)
    return sorted(compared, key=str)
