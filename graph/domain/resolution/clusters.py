"""Clusters: what a delta connects. Clean clusters become one customer as they are; dirty ones are resolved again.

docs/internals/incremental-resolution.md has the conditions, the three additions to them and the proofs. In short:

1. A touched link that keeps its place in the order, and stays excluded or not excluded, changes nothing.
2. New identifiers of namespaces without a limit that are linked with a single stored identifier join its customer,
   whatever is suspended there: they bring neither a limited value nor an override nor a guarded value.
3. A link within a customer that is new, or that moves up in the order, changes nothing, whatever is suspended there,
   unless the customer holds guarded values that contradict each other.

A property test compares the incremental step with resolving from scratch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from graph.domain.model.customers import Customer, Node
from graph.domain.model.guarded_values import ValueSetCounts, add, counted, is_consistent
from graph.domain.model.identifiers import Pair, namespace_of
from graph.domain.model.order_totals import OrderTotals
from graph.domain.model.rules import Rules
from graph.domain.resolution.overlay import Overlay


@dataclass(slots=True)
class Cluster:
    """Identifiers and live customers that touched links connect.

    `links` are the touched links that changed for resolution, in order of arrival.
    """

    keys: list[str] = field(default_factory=list)
    nodes: set[Node] = field(default_factory=set)
    links: list[Pair] = field(default_factory=list)
    dirty: bool = False
    order_totals: OrderTotals = field(default_factory=dict)
    value_sets: ValueSetCounts = field(default_factory=dict)


def clusters_of(overlay: Overlay, customers: Mapping[Node, Customer]) -> list[Cluster]:
    """Return the clusters of everything that the delta touched; those that must be resolved again are dirty."""
    parent: dict[Node, Node] = {}

    def find(atom: Node) -> Node:
        while parent[atom] != atom:
            parent[atom] = parent[parent[atom]]
            atom = parent[atom]
        return atom

    atom_of: dict[str, Node] = {}
    for key in overlay.touched_keys:
        node = overlay.members[key].customer
        atom: Node = ("key", key) if node is None else ("node", node)
        atom_of[key] = atom
        parent[atom] = atom
    changed_links: list[Pair] = []
    dirty_keys = overlay.shared_flips | overlay.override_keys | overlay.reprocess
    for pair in overlay.touched_links:
        changed = overlay.link_changed(pair)
        if changed is False or (changed and _within_customer(pair, overlay, customers)):
            continue
        if changed is None or pair not in overlay.links:
            dirty_keys.add(pair[0])
        changed_links.append(pair)
        a, b = find(atom_of[pair[0]]), find(atom_of[pair[1]])
        if a != b:
            parent[a] = b
    clusters: dict[Node, Cluster] = {}
    for key, atom in atom_of.items():
        root = find(atom)
        cluster = clusters.get(root)
        if cluster is None:
            cluster = clusters[root] = Cluster()
        cluster.keys.append(key)
        member = overlay.members[key]
        if member.customer is not None:
            cluster.nodes.add(member.customer)
        returning = member.customer is None and key in overlay.members_before
        if key in dirty_keys or returning or not member.alive or overlay.first_seen_moved_forward(key):
            cluster.dirty = True
    for pair in changed_links:
        clusters[find(atom_of[pair[0]])].links.append(pair)
    for cluster in clusters.values():
        if not cluster.dirty:
            cluster.dirty = not _can_union(cluster, overlay, customers)
    return list(clusters.values())


def _within_customer(pair: Pair, overlay: Overlay, customers: Mapping[Node, Customer]) -> bool:
    """Whether a touched link that is not excluded lies within one customer and is new or has moved up in the order.

    A customer whose guarded values contradict each other is left out: there the order of links matters.
    """
    node, other = (overlay.members[key].customer for key in pair)
    if node is None or node != other or not overlay.moved_up(pair):
        return False
    return is_consistent(customers[node].value_sets, overlay.rules)


def _can_union(cluster: Cluster, overlay: Overlay, customers: Mapping[Node, Customer]) -> bool:
    """Whether a cluster without changes that make it dirty may become one customer."""
    existing = [customers[node] for node in cluster.nodes]
    if len(existing) == 1:
        cluster.value_sets = existing[0].value_sets
    elif existing:
        cluster.value_sets = add(customer.value_sets for customer in existing)
    changed = [key for key in cluster.keys if overlay.value_sets_changed(key)] if overlay.rules.guards else []
    if not cluster.links and not changed:
        return True
    if all(customer.suspended == 0 and customer.override_count == 0 for customer in existing):
        if changed:
            before = counted(overlay.members_before[key].value_sets for key in changed if key in overlay.members_before)
            after = counted(overlay.members[key].value_sets for key in changed)
            remaining = add((cluster.value_sets, before), -1) if before else cluster.value_sets
            cluster.value_sets = add((remaining, after)) if remaining else after
        return _within_limits(cluster, overlay, existing) and is_consistent(cluster.value_sets, overlay.rules)
    return not changed and _adds_new_keys_only(cluster, overlay, overlay.rules)


def _within_limits(cluster: Cluster, overlay: Overlay, existing: list[Customer]) -> bool:
    limits = overlay.rules.limits
    if not limits:
        return True
    counts: dict[str, int] = {}
    for customer in existing:
        for namespace, count in customer.counts.items():
            counts[namespace] = counts.get(namespace, 0) + count
    for key in cluster.keys:
        if overlay.members[key].customer is None:
            namespace = namespace_of(key)
            counts[namespace] = counts.get(namespace, 0) + 1
    return all(counts.get(namespace, 0) <= limit for namespace, limit in limits.items())


def _adds_new_keys_only(cluster: Cluster, overlay: Overlay, rules: Rules) -> bool:
    stored_keys: set[str] = set()
    for pair in cluster.links:
        new_keys = [key for key in pair if overlay.members[key].customer is None]
        if not new_keys or any(namespace_of(key) in rules.limits for key in new_keys):
            return False
        stored_keys.update(key for key in pair if key not in new_keys)
    return len(stored_keys) == 1
