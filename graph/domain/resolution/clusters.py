"""Clusters: what a delta connects, split into those that the quick step may settle and those to resolve anew.

The quick step and its conditions are design.md §4, "The incremental step". Two additions to its wording, both held
to by the property test against resolving from scratch: a touched link whose place in the order and idleness stay the
same changes nothing; a link between two identifiers of one customer that is new, or comes earlier in the order than
before, changes nothing; and new identifiers of unlimited namespaces that hang on a single known one join its customer
whatever else is suspended there, since they bring neither a limited value nor a mark, so that every other decision
falls as before.

That a link within a customer changes nothing, whatever is suspended there: let it join two identifiers that end in one
group F without it too. At each place of the order the groups with it are unions of those without it, and parts of the
groups in which everything ends without it. It holds up to its place, and behind it since both ends lie in F. A link
that was kept unites two parts of one final group, which is permitted as a whole: it is kept. One that was suspended
would unite supersets of what was forbidden, which lie in two final groups: it is suspended. So the groups are the same
in the end, and so are the reasons, which are told of them. To come earlier is to be there earlier, and needless later.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from graph.domain.model.customers import Customer, Node
from graph.domain.model.identifiers import Pair, namespace_of
from graph.domain.model.order_totals import Figures
from graph.domain.model.rules import Rules
from graph.domain.resolution.overlay import Overlay


@dataclass(slots=True)
class Cluster:
    """Identifiers and live customers that touched links connect. `links` are those that matter, in arrival order."""

    keys: list[str] = field(default_factory=list)
    nodes: set[Node] = field(default_factory=set)
    links: list[Pair] = field(default_factory=list)
    dirty: bool = False
    figures: Figures = field(default_factory=dict)


def clusters_of(overlay: Overlay, customers: Mapping[Node, Customer]) -> list[Cluster]:
    """The clusters of everything that the delta touched, those the quick step may not settle marked dirty."""
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
    mattering: list[Pair] = []
    dirty_keys = overlay.shared_flips | overlay.marked | overlay.afresh
    for ends in overlay.touched_links:
        matters = overlay.matters(ends)
        if matters is False or (matters and _inside(ends, overlay)):
            continue
        if matters is None or ends not in overlay.links:
            dirty_keys.add(ends[0])
        mattering.append(ends)
        a, b = find(atom_of[ends[0]]), find(atom_of[ends[1]])
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
        if key in dirty_keys or returning or not member.alive or overlay.went_younger(key):
            cluster.dirty = True
    for ends in mattering:
        clusters[find(atom_of[ends[0]])].links.append(ends)
    for cluster in clusters.values():
        if not cluster.dirty:
            cluster.dirty = not _quick(cluster, overlay, customers)
    return list(clusters.values())


def _inside(ends: Pair, overlay: Overlay) -> bool:
    """Whether a touched link that is not idle joins what is one customer already, no later than it did before."""
    at = {overlay.members[key].customer for key in ends}
    return len(at) == 1 and None not in at and overlay.comes_earlier(ends)


def _quick(cluster: Cluster, overlay: Overlay, customers: Mapping[Node, Customer]) -> bool:
    """Whether a cluster without forbidding changes may be united as it is."""
    if not cluster.links:
        return True
    held = [customers[node] for node in cluster.nodes]
    if all(customer.suspended == 0 and customer.marks == 0 for customer in held):
        return _within_limits(cluster, overlay, held)
    return _leaf(cluster, overlay, overlay.rules)


def _within_limits(cluster: Cluster, overlay: Overlay, held: list[Customer]) -> bool:
    limits = overlay.rules.limits
    if not limits:
        return True
    counts: dict[str, int] = {}
    for customer in held:
        for namespace, count in customer.counts.items():
            counts[namespace] = counts.get(namespace, 0) + count
    for key in cluster.keys:
        if overlay.members[key].customer is None:
            namespace = namespace_of(key)
            counts[namespace] = counts.get(namespace, 0) + 1
    return all(counts.get(namespace, 0) <= limit for namespace, limit in limits.items())


def _leaf(cluster: Cluster, overlay: Overlay, rules: Rules) -> bool:
    known: set[str] = set()
    for ends in cluster.links:
        fresh = [key for key in ends if overlay.members[key].customer is None]
        if not fresh or any(namespace_of(key) in rules.limits for key in fresh):
            return False
        known.update(key for key in ends if key not in fresh)
    return len(known) == 1
