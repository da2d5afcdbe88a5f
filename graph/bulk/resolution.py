"""The resolution rule (design.md §4, steps 3 to 6) over arrays of links; `domain.resolution.unite` is its measure.

Links that may unite are first united without any sorting. Where what they connect breaks no limit and bears no mark,
all of them are kept: both constraints are monotone. Only what is left is sorted and decided link by link.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from graph.bulk.columns import Bools, Codes, Ints
from graph.bulk.evidence import Links
from graph.domain.rules import Contested, Rules

KEPT, SUSPENDED, IDLE = np.int8(0), np.int8(1), np.int8(2)

NO_REASON, BY_LIMIT, BY_APART = np.int8(0), np.int8(1), np.int8(2)
"""Why a link is suspended. Why one is idle follows from the link and its ends."""

Pairs = Sequence[tuple[int, int]]


@dataclass(slots=True)
class Resolved:
    """`group` is one code of the group that each identifier is in. Of a suspended link, `detail` is the namespace's
    rank and `total` how many of it there would be, or `detail` is the place of the mark in `apart`."""

    group: Codes
    state: NDArray[np.int8]
    reason: NDArray[np.int8]
    detail: Codes
    total: Codes
    degree: Codes
    """Distinct neighbours by the rank of their namespace, a row an identifier."""
    shared: Bools


@njit(cache=True)
def _find(parent: Codes, one: int) -> int:
    while parent[one] != one:
        parent[one] = parent[parent[one]]
        one = parent[one]
    return one


@njit(cache=True)
def _degrees(a: Codes, b: Codes, counted: Bools, blocked: Bools, rank: NDArray[np.int16], degree: Codes) -> None:
    for link in range(len(a)):
        x, y = a[link], b[link]
        if counted[link] and not blocked[x] and not blocked[y]:
            degree[x, rank[y]] += 1
            degree[y, rank[x]] += 1


@njit(cache=True)
def _connect(a: Codes, b: Codes, active: Bools, parent: Codes) -> None:
    """Unite by smaller code, so that roots are the smallest codes of what they stand for."""
    for link in range(len(a)):
        if active[link]:
            x, y = _find(parent, a[link]), _find(parent, b[link])
            if x < y:
                parent[y] = x
            elif y < x:
                parent[x] = y


@njit(cache=True)
def _flatten(parent: Codes) -> None:
    # Roots are the smallest, so each code's parent is flat before it is looked at.
    for one in range(len(parent)):
        parent[one] = parent[parent[one]]


@njit(cache=True)
def _roots(parent: Codes) -> Codes:
    roots = np.empty_like(parent)
    for one in range(len(parent)):
        roots[one] = _find(parent, one)
    return roots


@njit(cache=True)
def _foe(parent: Codes, apart: Codes, x: int, y: int) -> int:
    for mark in range(len(apart)):
        one, other = _find(parent, apart[mark, 0]), _find(parent, apart[mark, 1])
        if (one == x and other == y) or (one == y and other == x):
            return mark
    return -1


@njit(cache=True)
def _broken(counts: Codes, limits: Codes, x: int, y: int) -> int:
    for one in range(len(limits)):
        if counts[x, one] and counts[y, one] and counts[x, one] + counts[y, one] > limits[one]:
            return one
    return -1


@njit(cache=True)
def _decide(order, a, b, local, parent, size, counts, limits, ranks, foes, apart, state, reason, detail, total):  # type: ignore[no-untyped-def]
    for at in range(len(order)):
        link = order[at]
        x, y = _find(parent, local[a[link]]), _find(parent, local[b[link]])
        if x == y:
            continue
        if foes[x] and foes[y] and _foe(parent, apart, x, y) >= 0:
            state[link] = SUSPENDED
            continue
        if _broken(counts, limits, x, y) >= 0:
            state[link] = SUSPENDED
            continue
        if size[x] < size[y]:
            x, y = y, x
        parent[y] = x
        size[x] += size[y]
        foes[x] = foes[x] or foes[y]
        for one in range(len(limits)):
            counts[x, one] += counts[y, one]
    # Why is told of the groups as they came to be.
    for at in range(len(order)):
        link = order[at]
        if state[link] == SUSPENDED:
            x, y = _find(parent, local[a[link]]), _find(parent, local[b[link]])
            mark = _foe(parent, apart, x, y) if foes[x] and foes[y] else -1
            if mark >= 0:
                reason[link], detail[link] = BY_APART, mark
            else:
                one = _broken(counts, limits, x, y)
                reason[link], detail[link] = BY_LIMIT, ranks[one]
                total[link] = counts[x, one] + counts[y, one]


@njit(cache=True)
def _share(degree: Codes, rank: NDArray[np.int16], starts: Ints, masks: Bools, most: Ints, shared: Bools) -> None:
    """Sharing is judged by counts, those of a rank's `starts`: of the ranks that a mask names, at most so many."""
    for one in range(len(rank)):
        for count in range(starts[rank[one]], starts[rank[one] + 1]):
            total = 0
            for at in range(degree.shape[1]):
                if masks[count, at]:
                    total += degree[one, at]
            if total > most[count]:
                shared[one] = True


def _shared(degree: Codes, rank: NDArray[np.int16], rules: Rules) -> Bools:
    shared = np.zeros(len(rank), np.bool_)
    starts, masks, most = [0], list[list[bool]](), list[int]()
    for rule in rules.namespaces:
        for names, limit in rules.counted.get(rule.name, ()):
            masks.append([one.name in names for one in rules.namespaces])
            most.append(limit)
        starts.append(len(masks))
    table = np.array(masks, np.bool_).reshape(-1, len(rules.namespaces))
    _share(degree, rank, np.array(starts), table, np.array(most, np.int64), shared)
    return shared


@njit(cache=True)
def _activate(a: Codes, b: Codes, counted: Bools, shared: Bools, blocked: Bools, active: Bools, state) -> None:  # type: ignore[no-untyped-def]
    for link in range(len(a)):
        x, y = a[link], b[link]
        active[link] = counted[link] and not (shared[x] or shared[y] or blocked[x] or blocked[y])
        state[link] = KEPT if active[link] else IDLE


@njit(cache=True)
def _overfull(group: Codes, rank: NDArray[np.int16], limits: Ints, dirty: Bools) -> None:
    """Mark the groups that hold more of a namespace than its limit (-1: none)."""
    counts = np.zeros(len(group), np.int32)
    for name in range(len(limits)):
        if limits[name] < 0:
            continue
        for one in range(len(group)):
            if rank[one] == name:
                counts[group[one]] += 1
                if counts[group[one]] > limits[name]:
                    dirty[group[one]] = True
        for one in range(len(group)):
            if rank[one] == name:
                counts[group[one]] = 0


def _order(links: Links, chosen: Ints, rank: NDArray[np.int16], rules: Rules) -> Ints:
    """The chosen links by `domain.links.sort_key`."""
    a, b = links.a[chosen], links.b[chosen]
    swap = rank[b] < rank[a]
    strong, weak = np.where(swap, b, a), np.where(swap, a, b)
    newest = np.array([rule.contested is Contested.NEWEST for rule in rules.namespaces])
    time = np.where(newest[rank[weak]], -links.last[chosen], links.first[chosen])
    # Each sort costs, so what fits into one number is one.
    by_strong = rank[strong].astype(np.int64) << 32 | strong
    by_tier = links.tier[chosen].astype(np.int32) << 16 | rank[weak]
    return chosen[np.lexsort((weak, by_strong, time, by_tier))]


def resolve(
    links: Links,
    rank: NDArray[np.int16],
    rules: Rules,
    blocked: Bools | None = None,
    together: Pairs = (),
    apart: Pairs = (),
) -> Resolved:
    """Groups of identifiers and verdicts on links; `rank` is that of each identifier's namespace.

    `together` are pairs in the order of step 4, `apart` such by key; `blocked` tells which identifiers a steward
    blocked.
    """
    many, size = len(rank), len(links)
    blocked = np.zeros(many, np.bool_) if blocked is None else blocked
    degree = np.zeros((many, len(rules.namespaces)), np.int32)
    _degrees(links.a, links.b, links.counted, blocked, rank, degree)
    shared = _shared(degree, rank, rules)
    active, state = np.empty(size, np.bool_), np.empty(size, np.int8)
    _activate(links.a, links.b, links.counted, shared, blocked, active, state)
    found = Resolved(
        np.arange(many, dtype=np.int32),
        state,
        np.zeros(size, np.int8),
        np.zeros(size, np.int32),
        np.zeros(size, np.int32),
        degree,
        shared,
    )
    _connect(links.a, links.b, active, found.group)
    ends = np.array(together, np.int32).reshape(-1, 2)
    _connect(ends[:, 0].copy(), ends[:, 1].copy(), np.ones(len(ends), np.bool_), found.group)
    _flatten(found.group)
    _settle_the_rest(links, rank, rules, active, together, apart, found)
    return found


def _settle_the_rest(
    links: Links,
    rank: NDArray[np.int16],
    rules: Rules,
    active: Bools,
    together: Pairs,
    apart: Pairs,
    found: Resolved,
) -> None:
    """Decide link by link what breaks a limit as a whole, or bears marks."""
    dirty = np.zeros(len(rank), np.bool_)
    _overfull(found.group, rank, np.array([rules.limits.get(one.name, -1) for one in rules.namespaces]), dirty)
    for ends in (*together, *apart):
        dirty[found.group[list(ends)]] = True
    inside = dirty[found.group]
    mine = np.flatnonzero(inside)
    if not len(mine):
        return
    local = np.full(len(rank), -1, np.int32)
    local[mine] = np.arange(len(mine), dtype=np.int32)
    parent, size = np.arange(len(mine), dtype=np.int32), np.ones(len(mine), np.int32)
    marks = local[np.array(apart, np.int32).reshape(-1, 2)]
    foes = np.zeros(len(mine), np.bool_)
    foes[marks.ravel()] = True
    for x, y in together:
        a, b = _find(parent, local[x]), _find(parent, local[y])
        if a != b and not (foes[a] and foes[b] and _foe(parent, marks, a, b) >= 0):
            parent[b] = a
            size[a] += size[b]
            foes[a] |= foes[b]
    ranks = np.array([rules.rank[name] for name in rules.limits], np.int32)
    limits = np.array(list(rules.limits.values()), np.int32)
    counts = np.zeros((len(mine), len(limits)), np.int32)
    for at, one in enumerate(ranks):
        # Values that marks joined count once.
        for place in np.flatnonzero(rank[mine] == one) if together else ():
            counts[_find(parent, place), at] = 1
        if not together:
            counts[:, at] = rank[mine] == one
    order = _order(links, np.flatnonzero(active & inside[links.a]), rank, rules)
    _decide(
        order,
        links.a,
        links.b,
        local,
        parent,
        size,
        counts,
        limits,
        ranks,
        foes,
        marks,
        found.state,
        found.reason,
        found.detail,
        found.total,
    )
    found.group[mine] = mine[_roots(parent)]
