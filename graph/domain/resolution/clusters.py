"""Clusters: what a delta connects. Clean clusters become one customer as they are; dirty ones are resolved again.

docs/internals/incremental-resolution.md has the conditions, the additions to them and the proofs. In short:

1. A touched link that keeps its place in the order, and stays excluded or not excluded, changes nothing.
2. New identifiers of namespaces without a limit that are linked with a single stored identifier join its customer,
   whatever is suspended there: they bring neither a limited value nor an override nor a guarded value.
3. A link within a customer that is new, or that moves up in the order, changes nothing, whatever is suspended there,
   unless the customer holds guarded values that contradict each other.
4. Customers and new identifiers whose union is permitted become one, whatever is suspended at them. Reasons of
   suspended links may change, so these are read (`disputes.py`).
6. A value too many displaces the last one in the order, if nothing else depends on that (`displacements.py`).

Addition 5 is about identifiers that become shared (`departures.py`).

A property test compares the incremental step with resolving from scratch.
"""

from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass, field

from graph.domain.model.customers import Customer, Node
from graph.domain.model.guarded_values import ValueSetCounts, add, counted, is_consistent
from graph.domain.model.identifiers import Pair, namespace_of
from graph.domain.model.order_totals import OrderTotals
from graph.domain.model.rules import Rules
from graph.domain.resolution.disputes import NO_REASONS, Disputes, Growth, Reasons, reasons_after
from graph.domain.resolution.overlay import Overlay


@dataclass(slots=True)
class Cluster:
    """Identifiers and live customers that touched links connect.

    `links` are the touched links that changed for resolution, in order of arrival. `unread` are customers whose
    disputes must be read to tell whether it is dirty, `reasons` the changed reasons of suspended links at it.
    `displacing` is a new identifier of a dirty cluster that may displace another of its namespace.
    """

    keys: list[str] = field(default_factory=list)
    nodes: set[Node] = field(default_factory=set)
    links: list[Pair] = field(default_factory=list)
    dirty: bool = False
    order_totals: OrderTotals = field(default_factory=dict)
    value_sets: ValueSetCounts = field(default_factory=dict)
    grows: bool = False
    unread: Set[Node] = frozenset()
    reasons: Reasons = NO_REASONS
    displacing: str = ""


def clusters_of(
    overlay: Overlay,
    customers: Mapping[Node, Customer],
    disputes: Disputes | None = None,
    departing: Collection[str] = (),
) -> list[Cluster]:
    """Return the clusters of everything that the delta touched; those that must be resolved again are dirty.

    `disputes` are those read so far. The identifiers `departing` leave their customers, and are in no cluster.
    """
    disputes = disputes or Disputes()
    members, members_before, links = overlay.members, overlay.members_before, overlay.links
    # An atom is a stored customer or an identifier without one. Atoms are numbered.
    parent: list[int] = []

    def find(atom: int) -> int:
        while parent[atom] != atom:
            parent[atom] = parent[parent[atom]]
            atom = parent[atom]
        return atom

    atom_of: dict[str, int] = {}
    atom_of_node: dict[Node, int] = {}
    for key in overlay.touched_keys:
        if key in departing:
            continue
        node = members[key].customer
        atom = len(parent) if node is None else atom_of_node.setdefault(node, len(parent))
        if atom == len(parent):
            parent.append(atom)
        atom_of[key] = atom
    changed_links: list[Pair] = []
    dirty_keys = overlay.shared_flips | overlay.override_keys | overlay.reprocess
    for pair in overlay.touched_links:
        a, b = pair
        if a in departing or b in departing:
            continue
        change = overlay.link_change(pair)
        if change == 0 or (change is not None and change < 0 and _within_customer(a, b, overlay, customers)):
            continue
        if change is None or pair not in links:
            dirty_keys.add(a)
        changed_links.append(pair)
        parent[find(atom_of[a])] = find(atom_of[b])
    clusters: dict[int, Cluster] = {}
    for key, atom in atom_of.items():
        root = find(atom)
        cluster = clusters.get(root)
        if cluster is None:
            cluster = clusters[root] = Cluster()
        cluster.keys.append(key)
        member, before = members[key], members_before.get(key)
        if member.customer is not None:
            cluster.nodes.add(member.customer)
        elif before is not None:
            # An identifier returns to some customer.
            cluster.dirty = True
        if key in dirty_keys or not member.alive or (before is not None and overlay.first_seen_moved_forward(key)):
            cluster.dirty = True
    for pair in changed_links:
        clusters[find(atom_of[pair[0]])].links.append(pair)
    for cluster in clusters.values():
        if not cluster.dirty:
            cluster.dirty = not _can_union(cluster, overlay, customers, disputes)
    growing = {node for cluster in clusters.values() if cluster.grows for node in cluster.nodes}
    for cluster in clusters.values():
        # A reason depends on both customers of a link.
        if not growing.isdisjoint(cluster.reasons.compared):
            cluster.dirty = True
    return list(clusters.values())


def _within_customer(a: str, b: str, overlay: Overlay, customers: Mapping[Node, Customer]) -> bool:
    """Whether both ends of a link are of one stored customer in which the order of links does not matter.

    It matters if guarded values of the customer contradict each other.
    """
    node = overlay.members[a].customer
    if node is None or node != overlay.members[b].customer:
        return False
    return is_consistent(customers[node].value_sets, overlay.rules)


def _can_union(cluster: Cluster, overlay: Overlay, customers: Mapping[Node, Customer], disputes: Disputes) -> bool:
    """Whether a cluster without changes that make it dirty may become one customer, as far as disputes were read."""
    existing = [customers[node] for node in cluster.nodes]
    if len(existing) == 1:
        cluster.value_sets = existing[0].value_sets
    elif existing:
        cluster.value_sets = add(customer.value_sets for customer in existing)
    changed: list[str] = []
    if overlay.rules.guards:
        changed = [key for key in cluster.keys if overlay.value_sets_changed(key)]
    if not cluster.links and not changed:
        return True
    cluster.grows = True
    if changed:
        before = counted(overlay.members_before[key].value_sets for key in changed if key in overlay.members_before)
        after = counted(overlay.members[key].value_sets for key in changed)
        remaining = add((cluster.value_sets, before), -1) if before else cluster.value_sets
        cluster.value_sets = add((remaining, after)) if remaining else after
    if not (_within_limits(cluster, overlay, existing) and is_consistent(cluster.value_sets, overlay.rules)):
        if changed:
            return False
        cluster.displacing = _displacing(cluster, overlay, existing)
        return _adds_new_keys_only(cluster, overlay, overlay.rules)
    if all(customer.suspended == 0 and customer.override_count == 0 for customer in existing):
        return True
    if any(customer.suspended for customer in existing) and not (
        all(map(overlay.moved_up, cluster.links)) and all(map(overlay.only_gains_values, changed))
    ):
        return False
    return _settle_disputes(cluster, overlay, customers, disputes, changed)


def _settle_disputes(
    cluster: Cluster,
    overlay: Overlay,
    customers: Mapping[Node, Customer],
    disputes: Disputes,
    changed: Collection[str],
) -> bool:
    """Find what a union that breaks no limit and is consistent changes of suspended links; false if it is forbidden."""
    new_keys = [key for key in cluster.keys if overlay.members[key].customer is None]
    namespaces: dict[str, int] = {}
    for key in new_keys:
        namespace = namespace_of(key)
        namespaces[namespace] = namespaces.get(namespace, 0) + 1
    gained = counted(overlay.members[key].value_sets for key in changed)
    growth = Growth([customers[node] for node in cluster.nodes], namespaces, gained)
    disputed = growth.disputed(overlay.rules)
    if not disputed.isdisjoint(disputes.too_many):
        return False
    cluster.unread = disputed - disputes.read
    if cluster.unread or not disputed:
        return True
    reasons = reasons_after(growth, disputes, overlay.links, customers, overlay.rules)
    if reasons is not None:
        cluster.reasons = reasons
    return reasons is not None


def _displacing(cluster: Cluster, overlay: Overlay, existing: list[Customer]) -> str:
    """Return the only new identifier of a limited namespace, if it is the one too many of a customer.

    The customer has no overrides and is consistent, and all other identifiers that it gains are of namespaces without a
    limit.
    """
    limits = overlay.rules.limits
    limited = [key for key in cluster.keys if overlay.members[key].customer is None and namespace_of(key) in limits]
    if len(existing) != 1 or len(limited) != 1 or existing[0].override_count:
        return ""
    namespace = namespace_of(limited[0])
    if existing[0].counts.get(namespace, 0) != limits[namespace] or not all(map(overlay.moved_up, cluster.links)):
        return ""
    return limited[0] if is_consistent(cluster.value_sets, overlay.rules) else ""


def _within_limits(cluster: Cluster, overlay: Overlay, existing: list[Customer]) -> bool:
    limits = overlay.rules.limits
    counts: dict[str, int] = {}
    for customer in existing:
        for namespace, count in customer.counts.items():
            counts[namespace] = counts.get(namespace, 0) + count
    for key in cluster.keys:
        if overlay.members[key].customer is None:
            namespace = namespace_of(key)
            counts[namespace] = counts.get(namespace, 0) + 1
    for namespace, count in counts.items():  # noqa: SIM110 - runs for every cluster; a generator takes twice as long
        if count > 1 and count > limits.get(namespace, count):
            return False
    return True


def _adds_new_keys_only(cluster: Cluster, overlay: Overlay, rules: Rules) -> bool:
    stored_keys: set[str] = set()
    for pair in cluster.links:
        new_keys = [key for key in pair if overlay.members[key].customer is None]
        if not new_keys or any(namespace_of(key) in rules.limits for key in new_keys):
            return False
        stored_keys.update(key for key in pair if key not in new_keys)
    return len(stored_keys) == 1
