"""Bridges: the links without which a customer would not be connected."""

from collections.abc import Mapping, Sequence

from graph.domain.model.links import Link, LinkState, sort_key
from graph.domain.model.overrides import OverrideKind
from graph.domain.model.rules import Rules
from graph.domain.model.store_values import Region
from graph.domain.resolution.groups import Groups


def weakest_links(region: Region, key: str, rules: Rules) -> list[Link]:
    """Return the bridges of a customer, weakest first: active links without which it would not be connected.

    Bridges are found by Tarjan's algorithm (R. E. Tarjan, "A note on finding the bridges of a graph", 1974), without
    recursion. Overrides are edges too, but never returned.
    """
    node = region.members[key].customer
    keys = [key for key, member in region.members.items() if member.customer == node]
    inside = set(keys)
    neighbors: dict[str, list[tuple[str, int]]] = {key: [] for key in keys}
    edges: list[Link | None] = []
    for link in region.links.values():
        if link.state is LinkState.ACTIVE and inside.issuperset(link.pair):
            neighbors[link.a].append((link.b, len(edges)))
            neighbors[link.b].append((link.a, len(edges)))
            edges.append(link)
    groups = Groups(inside, list(region.overrides.values()), rules)
    for override in region.overrides.values():
        effective = (
            override.kind is OverrideKind.TOGETHER
            and override.id not in groups.overruled
            and inside.issuperset(override.keys)
        )
        if effective:
            neighbors[override.a].append((override.b, len(edges)))
            neighbors[override.b].append((override.a, len(edges)))
            edges.append(None)
    bridges = [edges[edge] for edge in _bridges(keys[0], neighbors)]
    links = [link for link in bridges if link is not None]
    return sorted(links, key=lambda link: sort_key(link, rules), reverse=True)


def _bridges(start: str, neighbors: Mapping[str, Sequence[tuple[str, int]]]) -> list[int]:
    order: dict[str, int] = {start: 0}
    low: dict[str, int] = {start: 0}
    stack: list[tuple[str, int, int]] = [(start, -1, 0)]
    bridges: list[int] = []
    while stack:
        key, entry_edge, index = stack.pop()
        if index < len(neighbors[key]):
            stack.append((key, entry_edge, index + 1))
            neighbor, edge = neighbors[key][index]
            if edge == entry_edge:
                continue
            if neighbor in order:
                low[key] = min(low[key], order[neighbor])
            else:
                order[neighbor] = low[neighbor] = len(order)
                stack.append((neighbor, edge, 0))
        elif stack:
            parent = stack[-1][0]
            low[parent] = min(low[parent], low[key])
            if low[key] > order[parent]:
                bridges.append(entry_edge)
    return bridges
