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
from graph.bulk.link_order import in_order
from graph.bulk.sharing import shared_of
from graph.domain.model.rules import Rules

KEPT, SUSPENDED, IDLE = np.int8(0), np.int8(1), np.int8(2)

NO_REASON, BY_LIMIT, BY_APART = np.int8(0), np.int8(1), np.int8(2)
"""Why a link is suspended. Why one is idle follows from the link and its ends."""

Held = NDArray[np.uint64]
"""A bit a limited namespace that a group holds; where there are more than 64 of them, some share one."""
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
    shared: Bools


@njit(cache=True)
def _find(parent: Codes, one: int) -> int:
    while parent[one] != one:
        parent[one] = parent[parent[one]]
        one = parent[one]
    return one


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
def _broken(held: Held, counts: Codes, limits: Codes, x: int, y: int) -> int:
    # Most groups hold no namespace with a limit in common.
    for one in range(len(limits) if held[x] & held[y] else 0):
        if counts[x, one] and counts[y, one] and counts[x, one] + counts[y, one] > limits[one]:
            return one
    return -1


@njit(cache=True)
def _decide(order, a, b, local, parent, size, counts, limits, ranks, foes, apart, state, reason, detail, total):  # type: ignore[no-untyped-def]
    held = np.zeros(len(parent), np.uint64)
    for x in range(len(parent)):
        for one in range(len(limits)):
            if counts[x, one]:
                held[x] |= np.uint64(1) << np.uint64(one & 63)
    for at in range(len(order)):
        link = order[at]
        x, y = _find(parent, local[a[link]]), _find(parent, local[b[link]])
        if x == y:
            continue
        if foes[x] and foes[y] and _foe(parent, apart, x, y) >= 0:
            state[link] = SUSPENDED
            continue
        if _broken(held, counts, limits, x, y) >= 0:
            state[link] = SUSPENDED
            continue
        if size[x] < size[y]:
            x, y = y, x
        parent[y] = x
        size[x] += size[y]
        foes[x] = foes[x] or foes[y]
        held[x] |= held[y]
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
                one = _broken(held, counts, limits, x, y)
                reason[link], detail[link] = BY_LIMIT, ranks[one]
                total[link] = counts[x, one] + counts[y, one]


@njit(cache=True)
def _activate(a: Codes, b: Codes, counted: Bools, shut: Bools, active: Bools, state) -> None:  # type: ignore[no-untyped-def]
    for link in range(len(a)):
        active[link] = counted[link] and not (shut[a[link]] or shut[b[link]])
        state[link] = KEPT if active[link] else IDLE


@njit(cache=True)
def _overfull(group: Codes, rank: NDArray[np.int16], limits: Ints, dirty: Bools) -> None:
    """Mark the groups that hold more of a namespace than its limit (-1: none)."""
    counts = np.zeros(len(group), np.int32)
    begin = 0
    while begin < len(rank):
        end, limit = begin, limits[rank[begin]]
        while end < len(rank) and rank[end] == rank[begin]:
            end += 1
        if limit >= 0:
            for one in range(begin, end):
                counts[group[one]] += 1
                if counts[group[one]] > limit:
                    dirty[group[one]] = True
            for one in range(begin, end):
                counts[group[one]] = 0
        begin = end


@njit(cache=True)
def _inside(group: Codes, dirty: Bools, local: Codes) -> Ints:
    """The identifiers of the groups that are marked, each with its place among them in `local`."""
    mine = np.empty(len(group), np.int64)
    many = 0
    for one in range(len(group)):
        if dirty[group[one]]:
            local[one] = many
            mine[many] = one
            many += 1
    return mine[:many].copy()


@njit(cache=True)
def _at(a: Codes, active: Bools, local: Codes) -> Ints:
    """The links that may unite and lie in the groups that are marked."""
    chosen = np.empty(len(a), np.int64)
    many = 0
    for link in range(len(a)):
        if active[link] and local[a[link]] >= 0:
            chosen[many] = link
            many += 1
    return chosen[:many].copy()


def resolve(
    links: Links,
    rank: NDArray[np.int16],
    rules: Rules,
    blocked: Bools | None = None,
    together: Pairs = (),
    apart: Pairs = (),
) -> Resolved:
    """Groups of identifiers and verdicts on links; `rank` is that of each identifier's namespace.

    Codes are in the order of keys, so the identifiers of a namespace stand together.
    `together` are pairs in the order of step 4, `apart` such by key; `blocked` tells which identifiers a steward
    blocked.
    """
    many, size = len(rank), len(links)
    shared = shared_of(links, rank, rules, blocked)
    active, state = np.empty(size, np.bool_), np.empty(size, np.int8)
    _activate(links.a, links.b, links.counted, shared if blocked is None else shared | blocked, active, state)
    found = Resolved(
        np.arange(many, dtype=np.int32),
        state,
        np.zeros(size, np.int8),
        np.zeros(size, np.int32),
        np.zeros(size, np.int32),
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
    local = np.full(len(rank), -1, np.int32)
    mine = _inside(found.group, dirty, local)
    if not len(mine):
        return
    chosen = _at(links.a, active, local)
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
    place = np.full(len(rules.namespaces), -1, np.int32)
    place[ranks] = np.arange(len(ranks))
    of_limit = place[rank[mine]]
    limited = np.flatnonzero(of_limit >= 0)
    # Values that marks joined count once.
    counts[_roots(parent)[limited], of_limit[limited]] = 1
    order = in_order(links, chosen, rank, rules)
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
