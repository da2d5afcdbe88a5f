"""A region resolved anew: from its links to customers at nodes, and what happened to whom."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from graph.domain.model.changes import ChangeKind
from graph.domain.model.customers import Anchor, Customer, Node, anchor_of
from graph.domain.model.identifiers import Pair, namespace_of
from graph.domain.model.links import State, merged_by
from graph.domain.model.order_totals import add, figures_of
from graph.domain.model.overrides import Mark, MarkKind
from graph.domain.model.rules import Rules
from graph.domain.resolution.customer_ids import Naming, name_groups
from graph.domain.resolution.overlay import Overlay
from graph.domain.resolution.resolution import Verdict, unite


class Told(Struct, frozen=True, gc=False):
    """An entry of the history still without its cause; `ends` is the link that decided, if one did."""

    kind: ChangeKind
    customer: str
    other: str = ""
    keys: tuple[str, ...] = ()
    rule: str = ""
    ends: Pair | None = None
    anchors: tuple[str, ...] = ()


class Settled:
    """The groups of a region, their ids, and the customers as they were before."""

    def __init__(
        self,
        overlay: Overlay,
        groups: list[frozenset[str]],
        gone: list[str],
        naming: Naming,
        before: Mapping[Node, Customer],
        verdicts: Mapping[Pair, Verdict],
        joins: Iterable[Pair],
        marks: list[Mark],
    ) -> None:
        self._overlay = overlay
        self._groups = groups
        self._gone = gone
        self._naming = naming
        self._before = before
        self.verdicts = verdicts
        self._joins = list(joins)
        self._marks = marks
        self._answered = {id: index for index, id in enumerate(naming.answers)}
        self._answer = {key: naming.answers[index] for index, group in enumerate(groups) for key in group}
        self._by_id = {customer.id: customer for customer in before.values()}

    def id_of(self, key: str) -> str:
        """The id that answers for an identifier now; empty where it is in no customer."""
        return self._answer.get(key, "")

    def _id_before(self, key: str) -> str:
        member = self._overlay.members_before.get(key)
        if member is None or member.customer is None:
            return ""
        return self._before[member.customer].id

    # --- places

    def nodes(self, new_node: Callable[[], Node]) -> dict[str, Node]:
        """Id to node: every group keeps the node that holds most of it, so that the fewest identifiers move."""
        overlaps: dict[tuple[int, Node], int] = {}
        for index, group in enumerate(self._groups):
            for key in group:
                before = self._overlay.members_before.get(key)
                if before is not None and before.customer is not None:
                    place = index, before.customer
                    overlaps[place] = overlaps.get(place, 0) + 1
        by_size = sorted(
            overlaps.items(),
            key=lambda item: (-item[1], self._before[item[0][1]].id != self._naming.answers[item[0][0]], item[0][0]),
        )
        at: dict[str, Node] = {}
        free = {customer.node: None for customer in self._before.values()}
        for (index, node), _ in by_size:
            answer = self._naming.answers[index]
            if answer not in at and node in free:
                at[answer] = node
                del free[node]
        others = (id for id in chain(self._naming.answers, self._by_id) if id not in at)
        homeless: list[str] = []
        for id in dict.fromkeys(others):
            own = self._by_id.get(id)
            if own is not None and own.node in free:
                at[id] = own.node
                del free[own.node]
            else:
                homeless.append(id)
        spare = iter(free)
        for id in homeless:
            at[id] = next(spare, None) or new_node()
        return at

    def moves(self, nodes: Mapping[str, Node]) -> dict[str, Node | None]:
        """The identifiers whose node changes."""
        moves: dict[str, Node | None] = {}
        for key, id in self._answer.items():
            before = self._overlay.members_before.get(key)
            if before is None or before.customer != nodes[id]:
                moves[key] = nodes[id]
        for key in self._gone:
            before = self._overlay.members_before.get(key)
            if before is not None and before.customer is not None:
                moves[key] = None
        return moves

    def customers(self, nodes: Mapping[str, Node], now: int) -> Iterator[Customer]:
        """The customers whose record changes, live and retired."""
        touched = self._touched_ids()
        suspended = self._suspended()
        redirects = self._naming.redirects
        for id in nodes:
            before = self._by_id.get(id)
            if id not in self._answered:
                if before is None:
                    continue
                target = redirects.get(id)
                after = Customer(
                    nodes[id],
                    id,
                    before.created_at,
                    before.anchor,
                    before.version,
                    retired_at=before.retired_at if before.retired_at is not None else now,
                    redirects_to=target,
                )
                # A redirect points at a node, so it is written anew where its target moved house.
                moved = target is not None and self._moved_house(target, nodes)
                if after != before or moved:
                    yield replace(after, version=before.version + 1)
                continue
            after = self._live(id, nodes[id], before, suspended.get(id, 0), now)
            if before is None or id in touched or replace(after, version=before.version) != before:
                yield after

    def _moved_house(self, id: str, nodes: Mapping[str, Node]) -> bool:
        before = self._by_id.get(id)
        return before is None or before.node != nodes[id]

    def _live(self, id: str, node: Node, before: Customer | None, suspended: int, now: int) -> Customer:
        members = [self._overlay.members[key] for key in sorted(self._groups[self._answered[id]])]
        counts: dict[str, int] = {}
        for member in members:
            namespace = namespace_of(member.key)
            counts[namespace] = counts.get(namespace, 0) + 1
        return Customer(
            node,
            id,
            now if before is None else before.created_at,
            anchor_of((member.anchor for member in members), self._overlay.rules),
            1 if before is None else before.version + 1,
            counts,
            suspended,
            sum(member.marks for member in members),
            add(figures_of(member.order) for member in members),
        )

    def _suspended(self) -> dict[str, int]:
        """Suspended links by the customers at their ends."""
        counts: dict[str, int] = {}
        for ends, (state, _) in self.verdicts.items():
            if state is State.SUSPENDED:
                for key in ends:
                    counts[self._answer[key]] = counts.get(self._answer[key], 0) + 1
        return counts

    def _touched_ids(self) -> set[str]:
        """Customers something in whose view changed."""
        overlay = self._overlay
        keys = {key for key, member in overlay.members.items() if overlay.members_before.get(key) is not member}
        for ends, link in overlay.links.items():
            if overlay.links_before.get(ends) != link:
                keys.update(ends)
        return {self._answer[key] for key in keys if key in self._answer}

    # --- history

    def told(self) -> Iterator[Told]:
        """What happened, in an order that rebuilds the partition when it is replayed."""
        flows: dict[tuple[str, str], list[str]] = {}
        for key in sorted([*self._answer, *self._gone]):
            before, after = self._id_before(key), self.id_of(key)
            if before != after or not before:
                flows.setdefault((before, after), []).append(key)
        created = self._naming.created
        for (before, after), keys in flows.items():
            if before and not after:
                yield Told(ChangeKind.EMPTIED, before, "", tuple(keys), "nothing valid names them any more")
            elif not before and after in created:
                yield Told(ChangeKind.CREATED, after, "", tuple(keys), "seen for the first time")
        for (before, after), keys in flows.items():
            if not after or (not before and after in created):
                continue
            if before and self._naming.redirects.get(before) == after and self._was_live(before):
                continue
            answers = before in self._answered
            was_there = after in self._by_id and self._was_live(after)
            kind = ChangeKind.SPLIT if answers and not was_there else ChangeKind.MOVED
            if kind is ChangeKind.SPLIT:
                yield Told(kind, before, after, tuple(keys), self._why_apart(keys))
            else:
                yield Told(kind, after, before, tuple(keys), "stronger or newer evidence links them here")
        for (before, after), keys in flows.items():
            if before and after and self._naming.redirects.get(before) == after and self._was_live(before):
                ends, rule = self._joined(before, after)
                known = self._by_id.get(after)
                anchors = (known.anchor.key, self._by_id[before].anchor.key) if known is not None else ()
                yield Told(ChangeKind.MERGED, after, before, tuple(keys), rule, ends, anchors)

    def _was_live(self, id: str) -> bool:
        return self._by_id[id].live

    def _joined(self, before: str, after: str) -> tuple[Pair | None, str]:
        """The first link that united identifiers of two customers, and the rule in words."""
        for mark in self._marks:
            if {self._id_before(mark.a), self._id_before(mark.b)} == {before, after}:
                return mark.pair, f"a steward keeps {mark.a} and {mark.b} together"
        for ends in self._joins:
            ids = {self._id_before(ends[0]), self._id_before(ends[1])}
            if before in ids and len(ids) > 1:
                link = self._overlay.links[ends]
                return ends, merged_by(link)
        return None, "their identifiers are connected now"

    def _why_apart(self, keys: list[str]) -> str:
        """The reason of the first suspended link between what left and what stayed."""
        left = set(keys)
        for ends, (state, reason) in sorted(self.verdicts.items()):
            if reason is not None and state is not State.KEPT and (ends[0] in left) != (ends[1] in left):
                return f"{ends[0]} and {ends[1]}: {reason.text}"
        return "nothing connects them any more"


def settle(
    overlay: Overlay,
    keys: list[str],
    marks: Iterable[Mark],
    customers: Mapping[Node, Customer],
    new_id: Callable[[], str],
) -> Settled:
    """Resolve a region anew; the verdicts are laid into the overlay's links."""
    marks = sorted(marks, key=lambda mark: (mark.kind.value, mark.a, mark.b))
    alive = [key for key in keys if overlay.members[key].alive]
    inside, region = set(alive), set(keys)
    links = [link for ends, link in sorted(overlay.links.items()) if ends[0] in inside and ends[1] in inside]
    shared = {key for key in alive if overlay.members[key].shared}
    blocked = {key for key in alive if overlay.members[key].blocked}
    resolution = unite(alive, links, marks, overlay.rules, shared, blocked)
    for ends, (state, reason) in resolution.verdicts.items():
        overlay.links[ends] = overlay.links[ends].with_state(state, reason)
    groups = sorted(resolution.groups, key=min)
    effective = [mark for mark in marks if mark.kind is MarkKind.TOGETHER and mark.id not in resolution.beaten]
    held: dict[Node, list[Anchor]] = {}
    for key in keys:
        member = overlay.members_before.get(key)
        if member is not None and member.customer is not None:
            candidates = held.setdefault(member.customer, [])
            if key in inside:
                candidates.append(member.anchor)
    # Nodes outside the region (of clusters settled the quick way) are no concern of it.
    mine = {
        node: _claiming(customer, held.get(node, []), inside, overlay.rules)
        for node, customer in customers.items()
        if node in held or customer.anchor.key in region
    }
    naming = name_groups(groups, mine.values(), new_id)
    gone = [key for key in keys if key not in inside]
    return Settled(overlay, groups, gone, naming, mine, resolution.verdicts, resolution.joins, effective)


def _claiming(customer: Customer, held: list[Anchor], inside: set[str], rules: Rules) -> Customer:
    """The customer with the anchor that it claims with.

    Where a live id's anchor is gone (its only observation was revoked) but others of its identifiers stay, the
    strongest of these is the anchor: the id of a customer who lost one identifier should not be lost with it.
    """
    if not held or customer.anchor.key in inside:
        return customer
    return replace(customer, anchor=anchor_of(held, rules))
