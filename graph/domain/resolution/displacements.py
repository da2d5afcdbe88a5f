"""Displacements: a value over a limit joins a customer, and the one that was seen with it last in the order leaves.

docs/internals/incremental-resolution.md, addition 6, has the conditions and the proof.
"""

from collections.abc import Mapping, Sequence

from graph.domain.model.customers import Customer
from graph.domain.model.identifiers import namespace_of
from graph.domain.model.identifiers import pair as pair_of
from graph.domain.model.links import Link, LinkState, sort_key
from graph.domain.model.rules import Rules
from graph.domain.model.store_values import Region
from graph.domain.resolution.departures import Departure, is_plain, neighbor, retired_claimants
from graph.domain.resolution.groups import limit_reason
from graph.domain.resolution.overlay import Overlay

MAX_LIMIT = 10
"""The largest limit of which all values of a customer are looked at."""


def displacement_of(
    new: str, customer: Customer, values: Sequence[str], overlay: Overlay, found: Mapping[str, Region]
) -> Departure | None:
    """Return the departure of the value that a new one displaces; `None` if the region must be read.

    `values` are those of the namespace that the customer holds; `found` has the links at each.
    """
    rules, namespace = overlay.rules, namespace_of(new)
    limit = rules.limits[namespace]
    links = {value: _links_that_count(value, overlay) for value in values}
    last = max((link for of_value in links.values() for link in of_value), key=lambda link: sort_key(link, rules))
    key = next(value for value in values if value in last.pair)
    before, center = overlay.members_before[key], neighbor(key, last.pair)
    if len(values) != limit or links[key] != [last] or last.pair in overlay.touched_links:
        return None
    if last.state is not LinkState.ACTIVE or overlay.members[key] is not before or not is_plain(before):
        return None
    if key == customer.anchor.key or overlay.members_before[center].customer != customer.node:
        return None
    for value in (*values, new):
        link = overlay.links.get(pair_of(center, value))
        if value != key and not (link and _comes_before(link, last, overlay, rules)):
            return None
    claimants = retired_claimants(key, found[key])
    if claimants is None:
        return None
    suspended = last.with_state(LinkState.SUSPENDED, limit_reason(namespace, limit + 1, limit))
    return Departure(key, customer, {last.pair: last}, {customer.node: -1}, frozenset(), claimants, suspended)


def _links_that_count(value: str, overlay: Overlay) -> list[Link]:
    """Return the links at a value that were not excluded."""
    return [
        link for pair, link in overlay.links_before.items() if value in pair and link.state is not LinkState.EXCLUDED
    ]


def _comes_before(link: Link, last: Link, overlay: Overlay, rules: Rules) -> bool:
    """Whether a link has joined its ends when it is the turn of the last one."""
    if overlay.link_is_excluded(link.pair) or link.state is LinkState.SUSPENDED:
        return False
    return sort_key(link, rules) < sort_key(last, rules)
