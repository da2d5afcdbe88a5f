"""Who is linked with how many others, over arrays (design.md §4, step 3; `domain.resolution.degrees`)."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from graph.bulk.columns import Bools, Codes, Ints
from graph.bulk.evidence import Links
from graph.domain.model.rules import Rules


@njit(cache=True)
def _degrees(a: Codes, b: Codes, counted: Bools, rank: NDArray[np.int16], row: Codes, degree: Codes) -> None:
    """Count the neighbours of those that have a row (not -1). Those of rank -1 are blocked."""
    for link in range(len(a)):
        x, y = a[link], b[link]
        if counted[link] and (row[x] >= 0 or row[y] >= 0) and rank[x] >= 0 and rank[y] >= 0:
            if row[x] >= 0:
                degree[row[x], rank[y]] += 1
            if row[y] >= 0:
                degree[row[y], rank[x]] += 1


def degrees_of(links: Links, rank: NDArray[np.int16], rules: Rules, blocked: Bools | None = None) -> Codes:
    """Distinct neighbours by the rank of their namespace, a row an identifier."""
    found = np.zeros((len(rank), len(rules.namespaces)), np.int32)
    _degrees(links.a, links.b, links.counted, _open(rank, blocked), np.arange(len(rank), dtype=np.int32), found)
    return found


def _open(rank: NDArray[np.int16], blocked: Bools | None) -> NDArray[np.int16]:
    return rank if blocked is None else np.where(blocked, np.int16(-1), rank)


@njit(cache=True)
def _busy(a: Codes, b: Codes, rank: NDArray[np.int16], most: Ints, row: Codes) -> int:
    """Give those a row in `row` that have more links than their rank lets pass without a closer look."""
    links = np.zeros(len(rank), np.int32)
    for link in range(len(a)):
        links[a[link]] += 1
        links[b[link]] += 1
    many = 0
    for one in range(len(rank)):
        row[one] = -1
        if links[one] > most[rank[one]]:
            row[one] = many
            many += 1
    return many


@njit(cache=True)
def _share(degree: Codes, ranks: NDArray[np.int16], starts: Ints, masks: Bools, most: Ints, shared: Bools) -> None:
    """Sharing is judged by counts, those of a rank's `starts`: of the ranks that a mask names, at most so many."""
    for one in range(len(ranks)):
        for count in range(starts[ranks[one]], starts[ranks[one] + 1]):
            total = 0
            for at in range(degree.shape[1]):
                if masks[count, at]:
                    total += degree[one, at]
            if total > most[count]:
                shared[one] = True


def shared_of(links: Links, rank: NDArray[np.int16], rules: Rules, blocked: Bools | None = None) -> Bools:
    """The identifiers that are linked with more others than `shared_above` lets pass."""
    starts, masks, most = [0], list[list[bool]](), list[int]()
    least = np.full(len(rules.namespaces), np.iinfo(np.int64).max)
    for at, rule in enumerate(rules.namespaces):
        for names, limit in rules.counted.get(rule.name, ()):
            masks.append([one.name in names for one in rules.namespaces])
            most.append(limit)
            least[at] = min(least[at], limit)
        starts.append(len(masks))
    row = np.empty(len(rank), np.int32)
    degree = np.zeros((_busy(links.a, links.b, rank, least, row), len(rules.namespaces)), np.int32)
    _degrees(links.a, links.b, links.counted, _open(rank, blocked), row, degree)
    busy = np.flatnonzero(row >= 0)
    among = np.zeros(len(busy), np.bool_)
    table = np.array(masks, np.bool_).reshape(-1, len(rules.namespaces))
    _share(degree, rank[busy], np.array(starts), table, np.array(most, np.int64), among)
    found = np.zeros(len(rank), np.bool_)
    found[busy[among]] = True
    return found
