"""What a delta changes, and what must be read of the store to tell: clusters, departures, and the region of the rest.

As long as `unread_key`, `unread_customers`, `unread_values` or `missing` name something, the caller reads its links,
its disputes, its values or its region, and passes them to `add_links_at`, `add_disputes`, `add_values` or `add_region`.
"""

from collections.abc import Collection, Sequence

from graph.domain.model.customers import Customer, Node
from graph.domain.model.identifiers import namespace_of
from graph.domain.model.order_totals import OrderTotals, add, order_totals_of, subtract
from graph.domain.model.store_values import Neighborhood, Region
from graph.domain.resolution.clusters import Cluster, clusters_of
from graph.domain.resolution.departures import Departure, departs, may_depart, supports_rejections
from graph.domain.resolution.displacements import MAX_LIMIT, displacement_of
from graph.domain.resolution.disputes import Disputes
from graph.domain.resolution.overlay import Overlay


class Plan:
    """What is known of the step that a delta takes; it is complete when nothing is left to read."""

    def __init__(self, overlay: Overlay, neighborhood: Neighborhood) -> None:
        self.overlay = overlay
        self.customers: dict[Node, Customer] = dict(neighborhood.customers)
        """The customers read so far."""
        self.region: Region | None = None
        """What is resolved again."""
        self.departures: dict[str, Departure] = {}
        """The identifiers that become shared and leave their customers."""
        self.displacements: list[Departure] = []
        """The identifiers that others displace."""
        self.unread_key: str | None = None
        """The identifier whose links must be read next."""
        self.unread_customers: set[Node] = set()
        """The customers whose disputes must be read."""
        self.unread_values: tuple[Node, str] | None = None
        """A customer and a namespace of which its identifiers must be read."""
        self._values: dict[tuple[Node, str], Sequence[str]] = {}
        self._seeds: set[str] = set()
        self._opened: set[str] = set()
        self._disputes = Disputes()
        self._links_at: dict[str, Region] = {}
        self._staying: set[str] = set()
        """Identifiers that became shared, and of which the region must be read."""
        self.clusters = self._find_clusters()

    def _find_clusters(self) -> list[Cluster]:
        """Return the clusters, as far as the store has been read."""
        self._find_departures()
        clusters = clusters_of(self.overlay, self.customers, self._disputes, self.departures)
        if self._drop_disturbed_departures(clusters):
            return self._find_clusters()
        inside = self._seeds if self.region is None else self.region.members.keys() | self._seeds
        for cluster in clusters:
            order_totals = None
            if not cluster.dirty or cluster.displacing:
                order_totals = self._order_totals_of(cluster)
            if order_totals is None:
                cluster.dirty = True
            else:
                cluster.order_totals = order_totals
            if not inside.isdisjoint(cluster.keys):
                cluster.dirty = True
            if not cluster.dirty:
                self.unread_customers |= cluster.unread
            elif cluster.displacing and order_totals is not None and inside.isdisjoint(cluster.keys):
                self._displace(cluster)
        return clusters

    def _drop_disturbed_departures(self, clusters: Sequence[Cluster]) -> bool:
        """Let identifiers stay if a customer that they change is changed in another way, too; return whether any do."""
        if not self.departures:
            return False
        changed = {node for cluster in clusters if cluster.grows or cluster.dirty for node in cluster.nodes}
        changed.update(node for cluster in clusters for node in cluster.reasons.compared)
        for departure in self.departures.values():
            if not departure.nodes.isdisjoint(changed):
                self._staying.add(departure.key)
            changed |= departure.nodes
        return not self._staying.isdisjoint(self.departures)

    def _displace(self, cluster: Cluster) -> None:
        """Find what a new identifier displaces, as far as the store has been read; then the cluster is not dirty."""
        (node,) = cluster.nodes
        place = node, namespace_of(cluster.displacing)
        if self.overlay.rules.limits[place[1]] > MAX_LIMIT:
            return
        if place not in self._values:
            self.unread_values = place
            return
        for value in self._values[place]:
            if value in self._staying:
                return
            if value not in self._links_at:
                self.unread_key = value
                return
        customer, values = self.customers[node], self._values[place]
        displacement = displacement_of(cluster.displacing, customer, values, self.overlay, self._links_at)
        if displacement is not None:
            cluster.dirty = False
            self.displacements.append(displacement)

    def _find_departures(self) -> None:
        """Find the identifiers that became shared and leave their customers, as far as the store has been read."""
        self.departures, self.unread_key, self.unread_customers = {}, None, set()
        self.displacements, self.unread_values = [], None
        for key in sorted(self.overlay.shared_flips - self._staying):
            customer = may_depart(key, self.overlay, self.customers)
            if customer is not None and key not in self._links_at:
                self.unread_key = key
                continue
            departure = None if customer is None else departs(key, customer, self.overlay, self._links_at[key])
            if departure is None or self._is_resolved_again(departure):
                self._staying.add(key)
                continue
            supports = supports_rejections(departure, self.overlay, self.customers, self._disputes)
            if supports:
                self._staying.add(key)
                continue
            if supports is None:
                self.unread_customers.add(departure.customer.node)
            self.departures[key] = departure

    def add_links_at(self, key: str, found: Region | None) -> None:
        """Add the links at an identifier, with what is around them; `None` if there are too many."""
        if found is None:
            self._staying.add(key)
        else:
            self._links_at[key] = found
            self._add(found)
        self.clusters = self._find_clusters()

    def add_disputes(self, nodes: Collection[Node], found: Region | None) -> None:
        """Add the disputes of some customers; `None` if there are too many."""
        self._disputes.add(nodes, found)
        if found is not None:
            self._add(found)
        self.clusters = self._find_clusters()

    def add_values(self, place: tuple[Node, str], found: Sequence[str]) -> None:
        """Add the identifiers of a namespace that a customer holds."""
        self._values[place] = found
        self.clusters = self._find_clusters()

    def _add(self, found: Region) -> None:
        for node, customer in found.customers.items():
            self.customers.setdefault(node, customer)
        self.overlay.add_region(found)

    def missing(self) -> tuple[set[str], set[str]] | None:
        """Return the identifiers whose region must be read, and those to open in it; `None` if nothing is missing."""
        dirty = {key for cluster in self.clusters if cluster.dirty for key in cluster.keys}
        if not dirty:
            return None
        flips = self.overlay.shared_flips - self.departures.keys()
        opened = self._opened | self.overlay.block_flips | flips | self.overlay.recount_neighbors
        seeds = self._seeds | dirty | opened
        if self.region is not None and seeds == self._seeds and opened == self._opened:
            return None
        self._seeds, self._opened = seeds, opened
        return seeds, opened

    def add_region(self, region: Region) -> None:
        """Add the region that was missing; afterwards more may be missing."""
        self.region = region
        self.customers.update(region.customers)
        # With more neighbors known, other links may be excluded or not, and connect clusters that were clean.
        self.overlay.add_region(region)
        # Clusters and departures inside the region are resolved with it.
        self.clusters = self._find_clusters()

    def _is_resolved_again(self, departure: Departure) -> bool:
        """Whether an identifier leaves, or has a suspended link to, a customer whose region was read."""
        if self.region is None:
            return False
        changed = {departure.customer.node, *departure.lost}
        return departure.key in self._seeds or any(
            member.customer in changed for member in self.region.members.values()
        )

    def _order_totals_of(self, cluster: Cluster) -> OrderTotals | None:
        """Return the order totals of a cluster as one customer; `None` if all its orders must be added again."""
        stored = [totals for node in cluster.nodes if (totals := self.customers[node].order_totals)]
        order_totals: OrderTotals = add(stored) if stored else {}
        members, members_before = self.overlay.members, self.overlay.members_before
        for key in cluster.keys:
            before, order = members_before.get(key), members[key].order
            order_before = None if before is None or before.customer is None else before.order
            if order_before is order:  # as nearly always: neither is an order
                continue
            old, new = order_totals_of(order_before), order_totals_of(order)
            if old == new:
                continue
            rest = subtract(order_totals, old)
            if rest is None:
                return None
            order_totals = add((rest, new))
        return order_totals
