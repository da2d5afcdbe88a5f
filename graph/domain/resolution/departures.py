"""Departures: identifiers that become shared and leave their customers, which stay as they are otherwise.

docs/internals/incremental-resolution.md, addition 5, has the conditions and the proof.
"""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from graph.domain.model.customers import Customer, Member, Node
from graph.domain.model.guarded_values import is_consistent
from graph.domain.model.identifiers import Pair, namespace_of
from graph.domain.model.identifiers import pair as pair_of
from graph.domain.model.links import Link, LinkState, sort_key
from graph.domain.model.store_values import Region
from graph.domain.resolution.disputes import Disputes
from graph.domain.resolution.overlay import Overlay

MAX_LINKS = 1_000
"""Links of an identifier up to which its departure is decided from them; with more, the region is resolved again."""


class Departure(Struct, frozen=True):
    """An identifier that leaves a customer, with what its links were before.

    `lost` are the ends of suspended links that each customer loses. `touched` are customers with an end of a link that
    changed. `claimants` are retired ids that have the identifier as their anchor.
    """

    key: str
    customer: Customer
    links: Mapping[Pair, Link]
    lost: Mapping[Node, int]
    touched: frozenset[Node]
    claimants: tuple[Customer, ...]
    suspended: Link | None = None
    """The link to the customer, if it is suspended now and not excluded."""

    @property
    def nodes(self) -> set[Node]:
        """The customers that it changes."""
        return {self.customer.node, *self.touched, *self.lost}


def may_depart(key: str, overlay: Overlay, customers: Mapping[Node, Customer]) -> Customer | None:
    """Return the customer that an identifier may leave, from what is known of the identifier alone."""
    before, after = overlay.members_before.get(key), overlay.members[key]
    if before is None or before.customer is None or before.shared or not after.shared:
        return None
    if overlay.block_flips or overlay.reprocess or key in overlay.override_keys:
        return None
    if not all(map(is_plain, (before, after))) or sum(after.degree.values()) > MAX_LINKS:
        return None
    customer = customers[before.customer]
    return None if customer.anchor.key == key else customer


def is_plain(member: Member) -> bool:
    """Whether a member is seen, and carries no override, guarded value or order."""
    return member.evidence is not None and not (member.override_count or member.value_sets or member.order)


def links_before(key: str, overlay: Overlay) -> dict[Pair, Link]:
    """Return the links at an identifier that were stored, once they are read."""
    return {pair: link for pair, link in overlay.links_before.items() if key in pair}


def departs(key: str, customer: Customer, overlay: Overlay, found: Region) -> Departure | None:
    """Return the departure of an identifier whose links were read (`found`); `None` if the region must be read."""
    before = links_before(key, overlay)
    if any(pair not in overlay.links for pair in before):
        return None
    kept = _active_neighbors(key, before, overlay, customer.node)
    if kept is None or not _stay_connected(key, kept, customer, overlay, found):
        return None
    lost: dict[Node, int] = {}
    touched: set[Node] = set()
    for pair, link in before.items():
        after = overlay.as_excluded(overlay.links[pair])
        other = overlay.members_before[neighbor(key, pair)].customer
        if other is None:
            return None
        if link.state is LinkState.SUSPENDED:
            for node in (customer.node, other):
                lost[node] = lost.get(node, 0) + 1
        if after != link:
            touched.add(other)
    claimants = retired_claimants(key, found)
    return None if claimants is None else Departure(key, customer, before, lost, frozenset(touched), claimants)


def retired_claimants(key: str, found: Region) -> tuple[Customer, ...] | None:
    """Return the retired customers that have an identifier as their anchor; `None` if a live one has it."""
    claimants = tuple(claimant for claimant in found.customers.values() if claimant.anchor.key == key)
    return None if any(claimant.live for claimant in claimants) else claimants


def neighbor(key: str, pair: Pair) -> str:
    """Return the other end of a link at an identifier."""
    return pair[1] if pair[0] == key else pair[0]


def _active_neighbors(key: str, links: Mapping[Pair, Link], overlay: Overlay, node: Node) -> list[str] | None:
    """Return the neighbors in the customer, in the order of the links to them; `None` if one is elsewhere."""
    active = [link for link in links.values() if link.state is LinkState.ACTIVE]
    neighbors = [neighbor(key, link.pair) for link in sorted(active, key=lambda link: sort_key(link, overlay.rules))]
    return neighbors if all(overlay.members_before[other].customer == node for other in neighbors) else None


def _stay_connected(key: str, neighbors: list[str], customer: Customer, overlay: Overlay, found: Region) -> bool:
    """Whether, without an identifier, its neighbors are connected no later than with it.

    They are if each is linked with an earlier one by a link that comes before the one to the identifier.
    """
    if len(neighbors) < 2:
        return bool(neighbors)
    if not is_consistent(customer.value_sets, overlay.rules):
        return False
    rules = overlay.rules
    for at, later in enumerate(neighbors[1:], 1):
        limit = sort_key(overlay.links_before[pair_of(key, later)], rules)
        linked = (overlay.links_before.get(pair_of(later, earlier)) for earlier in neighbors[:at])
        if not any(
            link is not None and link.state is LinkState.ACTIVE and sort_key(link, rules) < limit for link in linked
        ):
            return False
    return True


def supports_rejections(
    departure: Departure, overlay: Overlay, customers: Mapping[Node, Customer], disputes: Disputes
) -> bool | None:
    """Whether another link may have been rejected because of an identifier; `None` if disputes must be read first.

    A limit is against a link only if both groups have values of the namespace.
    """
    namespace, node = namespace_of(departure.key), departure.customer.node
    own = sum(link.state is LinkState.SUSPENDED for link in departure.links.values())
    if namespace not in overlay.rules.limits or departure.customer.suspended == own:
        return False
    if node in disputes.too_many:
        return True
    if node not in disputes.read:
        return None
    return any(
        customers[far].counts.get(namespace, 0)
        for pair in disputes.links
        if departure.key not in pair
        for far in _far(pair, node, disputes)
    )


def _far(pair: Pair, node: Node, disputes: Disputes) -> Iterable[Node]:
    sides = [disputes.node_of(key) for key in pair]
    return [side for side in sides if side is not None and side != node] if node in sides else []
