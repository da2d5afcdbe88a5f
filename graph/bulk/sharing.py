"""Neighbor counts and shared identifiers, over arrays.

This is step 3 of docs/internals/resolution-rule.md, as `degrees` in `graph.domain.resolution.resolution` implements it.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from graph.bulk.columns import Bools, Codes, Ints
from graph.bulk.evidence import Links
from graph.domain.model.rules import Rules


@njit(cache=True)
def _degrees(a: Codes, b: Codes, counted: Bools, rank: NDArray[np.int16], row: Codes, degree: Codes) -> None:
    """Count the neighbors of identifiers that have a row (not -1). Identifiers of rank -1 are blocked."""
    for link in range(len(a)):
        x, y = a[link], b[link]
        if counted[link] and (row[x] >= 0 or row[y] >= 0) and rank[x] >= 0 and rank[y] >= 0:
            if row[x] >= 0:
                degree[row[x], rank[y]] += 1
            if row[y] >= 0:
                degree[row[y], rank[x]] += 1


def degrees_of(links: Links, rank: NDArray[np.int16], rules: Rules, blocked: Bools | None = None) -> Codes:
    """Return the number of distinct neighbors by the rank of their namespace, one row per identifier."""
    degree = np.zeros((len(rank), len(rules.namespaces)), np.int32)
    rows = np.arange(len(rank), dtype=np.int32)
    _degrees(links.a, links.b, links.counted, _without_blocked(rank, blocked), rows, degree)
    return degree


def _without_blocked(rank: NDArray[np.int16], blocked: Bools | None) -> NDArray[np.int16]:
    return rank if blocked is None else np.where(blocked, np.int16(-1), rank)


@njit(cache=True)
def _number_candidates(a: Codes, b: Codes, rank: NDArray[np.int16], limits: Ints, row: Codes) -> int:
    """Number in `row` the identifiers with more links than the smallest limit of their rank (others: -1)."""
    links = np.zeros(len(rank), np.int32)
    for link in range(len(a)):
        links[a[link]] += 1
        links[b[link]] += 1
    size = 0
    for code in range(len(rank)):
        row[code] = -1
        if links[code] > limits[rank[code]]:
            row[code] = size
            size += 1
    return size


@njit(cache=True)
def _share(degree: Codes, ranks: NDArray[np.int16], starts: Ints, masks: Bools, limits: Ints, shared: Bools) -> None:
    """Set in `shared` the identifiers that exceed a limit.

    Rank `r` has the limits from `starts[r]` to `starts[r + 1]`, each on the neighbors of the ranks in its mask.
    """
    for candidate in range(len(ranks)):
        for index in range(starts[ranks[candidate]], starts[ranks[candidate] + 1]):
            total = 0
            for at in range(degree.shape[1]):
                if masks[index, at]:
                    total += degree[candidate, at]
            if total > limits[index]:
                shared[candidate] = True


def shared_of(links: Links, rank: NDArray[np.int16], rules: Rules, blocked: Bools | None = None) -> Bools:
    """Return the identifiers that have more neighbors than `shared_above` allows."""
    starts, masks, limits = [0], list[list[bool]](), list[int]()
    smallest = np.full(len(rules.namespaces), np.iinfo(np.int64).max)
    for at, rule in enumerate(rules.namespaces):
        for names, limit in rules.shared_limits.get(rule.name, ()):
            masks.append([namespace.name in names for namespace in rules.namespaces])
            limits.append(limit)
            smallest[at] = min(smallest[at], limit)
        starts.append(len(masks))
    row = np.empty(len(rank), np.int32)
    degree = np.zeros((_number_candidates(links.a, links.b, rank, smallest, row), len(rules.namespaces)), np.int32)
    _degrees(links.a, links.b, links.counted, _without_blocked(rank, blocked), row, degree)
    candidates = np.flatnonzero(row >= 0)
    is_shared = np.zeros(len(candidates), np.bool_)
    table = np.array(masks, np.bool_).reshape(-1, len(rules.namespaces))
    _share(degree, rank[candidates], np.array(starts), table, np.array(limits, np.int64), is_shared)
    shared = np.zeros(len(rank), np.bool_)
    shared[candidates[is_shared]] = True
    return shared
