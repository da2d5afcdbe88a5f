"""The resolution of a region: from its links to customers at nodes, and the changes for the history."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from graph.domain.model.changes import ChangeKind
from graph.domain.model.customers import Anchor, Customer, Node, anchor_of
from graph.domain.model.guarded_values import counted
from graph.domain.model.identifiers import Pair, namespace_of
from graph.domain.model.links import LinkState, merge_reason
from graph.domain.model.order_totals import add, order_totals_of
from graph.domain.model.overrides import Override, OverrideKind
from graph.domain.model.rules import Rules
from graph.domain.model.sentences import MessageCode, Sentence
from graph.domain.resolution.customer_ids import IdAssignment, assign_ids
from graph.domain.resolution.overlay import Overlay
from graph.domain.resolution.resolution import LinkVerdict, resolve_groups


class PendingChange(Struct, frozen=True, gc=False):
    """A change that has no cause yet; `pair` is the link that decided it, if any."""

    kind: ChangeKind
    customer: str
    other_customer: str = ""
    keys: tuple[str, ...] = ()
    reason: str = ""
    pair: Pair | None = None
    anchors: tuple[str, ...] = ()


class ResolvedRegion:
    """The groups of a region, their ids, and the customers before the write."""

    def __init__(
        self,
        overlay: Overlay,
        groups: list[frozenset[str]],
        removed: list[str],
        assignment: IdAssignment,
        before: Mapping[Node, Customer],
        verdicts: Mapping[Pair, LinkVerdict],
        merging_pairs: Iterable[Pair],
        overrides: list[Override],
    ) -> None:
        self._overlay = overlay
        self._groups = groups
        self._removed = removed
        self._assignment = assignment
        self._before = before
        self.verdicts = verdicts
        self._merging_pairs = list(merging_pairs)
        self._overrides = overrides
        self._group_index_of = {id: index for index, id in enumerate(assignment.ids)}
        self._id_of_key = {key: assignment.ids[index] for index, group in enumerate(groups) for key in group}
        self._by_id = {customer.id: customer for customer in before.values()}

    def id_of(self, key: str) -> str:
        """Return the id of the customer that holds an identifier now; empty if it belongs to none."""
        return self._id_of_key.get(key, "")

    def _id_before(self, key: str) -> str:
        member = self._overlay.members_before.get(key)
        if member is None or member.customer is None:
            return ""
        return self._before[member.customer].id

    # --- nodes

    def nodes(self, new_node: Callable[[], Node]) -> dict[str, Node]:
        """Return the node of each id: a group keeps the node with most of its keys, so that the fewest keys move."""
        overlaps: dict[tuple[int, Node], int] = {}
        for index, group in enumerate(self._groups):
            for key in group:
                before = self._overlay.members_before.get(key)
                if before is not None and before.customer is not None:
                    overlap = index, before.customer
                    overlaps[overlap] = overlaps.get(overlap, 0) + 1
        by_size = sorted(
            overlaps.items(),
            key=lambda item: (-item[1], self._before[item[0][1]].id != self._assignment.ids[item[0][0]], item[0][0]),
        )
        node_of: dict[str, Node] = {}
        free = {customer.node: None for customer in self._before.values()}
        for (index, node), _ in by_size:
            id = self._assignment.ids[index]
            if id not in node_of and node in free:
                node_of[id] = node
                del free[node]
        remaining = (id for id in chain(self._assignment.ids, self._by_id) if id not in node_of)
        unplaced: list[str] = []
        for id in dict.fromkeys(remaining):
            customer = self._by_id.get(id)
            if customer is not None and customer.node in free:
                node_of[id] = customer.node
                del free[customer.node]
            else:
                unplaced.append(id)
        spare = iter(free)
        for id in unplaced:
            node_of[id] = next(spare, None) or new_node()
        return node_of

    def moves(self, nodes: Mapping[str, Node]) -> dict[str, Node | None]:
        """Return the identifiers whose node changes, with the new one."""
        moves: dict[str, Node | None] = {}
        for key, id in self._id_of_key.items():
            before = self._overlay.members_before.get(key)
            if before is None or before.customer != nodes[id]:
                moves[key] = nodes[id]
        for key in self._removed:
            before = self._overlay.members_before.get(key)
            if before is not None and before.customer is not None:
                moves[key] = None
        return moves

    def customers(self, nodes: Mapping[str, Node], now: int) -> Iterator[Customer]:
        """Yield the customers, live and retired, whose record changes."""
        touched = self._touched_ids()
        suspended = self._suspended()
        redirects = self._assignment.redirects
        for id in nodes:
            before = self._by_id.get(id)
            if id not in self._group_index_of:
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
                # A redirect points at a node, so it is written again if its target has another node now.
                moved = target is not None and self._node_changed(target, nodes)
                if after != before or moved:
                    yield replace(after, version=before.version + 1)
                continue
            after = self._live(id, nodes[id], before, suspended.get(id, 0), now)
            if before is None or id in touched or replace(after, version=before.version) != before:
                yield after

    def _node_changed(self, id: str, nodes: Mapping[str, Node]) -> bool:
        before = self._by_id.get(id)
        return before is None or before.node != nodes[id]

    def _live(self, id: str, node: Node, before: Customer | None, suspended: int, now: int) -> Customer:
        members = [self._overlay.members[key] for key in sorted(self._groups[self._group_index_of[id]])]
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
            sum(member.override_count for member in members),
            add(order_totals_of(member.order) for member in members),
            value_sets=counted(member.value_sets for member in members),
        )

    def _suspended(self) -> dict[str, int]:
        """Count the ends of suspended links by customer id."""
        counts: dict[str, int] = {}
        for pair, (state, _) in self.verdicts.items():
            if state is LinkState.SUSPENDED:
                for key in pair:
                    counts[self._id_of_key[key]] = counts.get(self._id_of_key[key], 0) + 1
        return counts

    def _touched_ids(self) -> set[str]:
        """Return the ids of customers of which an identifier or a link changed."""
        overlay = self._overlay
        keys = {key for key, member in overlay.members.items() if overlay.members_before.get(key) is not member}
        for pair, link in overlay.links.items():
            if overlay.links_before.get(pair) != link:
                keys.update(pair)
        return {self._id_of_key[key] for key in keys if key in self._id_of_key}

    # --- history

    def pending_changes(self) -> Iterator[PendingChange]:
        """Yield the changes, in an order that rebuilds the partition when it is replayed."""
        flows: dict[tuple[str, str], list[str]] = {}
        for key in sorted([*self._id_of_key, *self._removed]):
            before, after = self._id_before(key), self.id_of(key)
            if before != after or not before:
                flows.setdefault((before, after), []).append(key)
        created = self._assignment.created
        for (before, after), keys in flows.items():
            if before and not after:
                reason = Sentence(MessageCode.NOT_NAMED)
                yield PendingChange(ChangeKind.CUSTOMER_EMPTIED, before, "", tuple(keys), reason)
            elif not before and after in created:
                reason = Sentence(MessageCode.FIRST_SEEN)
                yield PendingChange(ChangeKind.CUSTOMER_CREATED, after, "", tuple(keys), reason)
        for (before, after), keys in flows.items():
            if not after or (not before and after in created):
                continue
            if before and self._assignment.redirects.get(before) == after and self._was_live(before):
                continue
            still_live = before in self._group_index_of
            was_live = after in self._by_id and self._was_live(after)
            kind = ChangeKind.CUSTOMER_SPLIT if still_live and not was_live else ChangeKind.IDENTIFIERS_MOVED
            if kind is ChangeKind.CUSTOMER_SPLIT:
                yield PendingChange(kind, before, after, tuple(keys), self._split_reason(keys))
            else:
                yield PendingChange(kind, after, before, tuple(keys), Sentence(MessageCode.BETTER_EVIDENCE))
        for (before, after), keys in flows.items():
            if before and after and self._assignment.redirects.get(before) == after and self._was_live(before):
                pair, reason = self._merge_cause(before, after)
                survivor = self._by_id.get(after)
                anchors = (survivor.anchor.key, self._by_id[before].anchor.key) if survivor is not None else ()
                yield PendingChange(ChangeKind.CUSTOMERS_MERGED, after, before, tuple(keys), reason, pair, anchors)

    def _was_live(self, id: str) -> bool:
        return self._by_id[id].live

    def _merge_cause(self, before: str, after: str) -> tuple[Pair | None, Sentence]:
        """Return the first link that merged identifiers of two customers, and the reason in words."""
        for override in self._overrides:
            if {self._id_before(override.a), self._id_before(override.b)} == {before, after}:
                return override.pair, Sentence(MessageCode.KEPT_TOGETHER, a=override.a, b=override.b)
        for pair in self._merging_pairs:
            ids = {self._id_before(pair[0]), self._id_before(pair[1])}
            if before in ids and len(ids) > 1:
                link = self._overlay.links[pair]
                return pair, merge_reason(link)
        return None, Sentence(MessageCode.CONNECTED_NOW)

    def _split_reason(self, keys: list[str]) -> Sentence:
        """Return the reason of the first link that is not active between the keys that left and the others."""
        moved = set(keys)
        for pair, (state, reason) in sorted(self.verdicts.items()):
            if reason is not None and state is not LinkState.ACTIVE and (pair[0] in moved) != (pair[1] in moved):
                return Sentence(MessageCode.LINK_NOT_ACTIVE, a=pair[0], b=pair[1], reason=reason.message)
        return Sentence(MessageCode.NOT_LINKED)


def resolve_region(
    overlay: Overlay,
    keys: list[str],
    overrides: Iterable[Override],
    customers: Mapping[Node, Customer],
    new_id: Callable[[], str],
) -> ResolvedRegion:
    """Resolve a region again and store the verdicts at the links of the overlay."""
    overrides = sorted(overrides, key=lambda override: (override.kind.value, override.a, override.b))
    alive = [key for key in keys if overlay.members[key].alive]
    inside, region = set(alive), set(keys)
    links = [link for pair, link in sorted(overlay.links.items()) if pair[0] in inside and pair[1] in inside]
    shared = {key for key in alive if overlay.members[key].shared}
    blocked = {key for key in alive if overlay.members[key].blocked}
    value_sets = {key: sets for key in alive if (sets := overlay.members[key].value_sets)}
    resolution = resolve_groups(alive, links, overrides, overlay.rules, shared, blocked, value_sets)
    for pair, (state, reason) in resolution.verdicts.items():
        overlay.links[pair] = overlay.links[pair].with_state(state, reason)
    groups = sorted(resolution.groups, key=min)
    effective = [
        override
        for override in overrides
        if override.kind is OverrideKind.TOGETHER and override.id not in resolution.overruled
    ]
    candidates_by_node: dict[Node, list[Anchor]] = {}
    for key in keys:
        member = overlay.members_before.get(key)
        if member is not None and member.customer is not None:
            candidates = candidates_by_node.setdefault(member.customer, [])
            if key in inside:
                candidates.append(member.anchor)
    # Customers of clean clusters are outside the region and take no part.
    claimants = {
        node: _with_claimed_anchor(customer, candidates_by_node.get(node, []), inside, overlay.rules)
        for node, customer in customers.items()
        if node in candidates_by_node or customer.anchor.key in region
    }
    assignment = assign_ids(groups, claimants.values(), new_id)
    removed = [key for key in keys if key not in inside]
    return ResolvedRegion(
        overlay, groups, removed, assignment, claimants, resolution.verdicts, resolution.merging_pairs, effective
    )


def _with_claimed_anchor(
    customer: Customer, candidate_anchors: list[Anchor], inside: set[str], rules: Rules
) -> Customer:
    """Return the customer with the anchor by which it claims a group.

    If the anchor of a live id no longer exists (its only observation was revoked) but other identifiers of it remain,
    the strongest of these is the anchor: a customer who loses one identifier should not lose the id with it.
    """
    if not candidate_anchors or customer.anchor.key in inside:
        return customer
    return replace(customer, anchor=anchor_of(candidate_anchors, rules))
