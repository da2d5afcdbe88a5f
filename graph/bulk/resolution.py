"""The resolution rule (docs/internals/resolution-rule.md, steps 3 to 6) over arrays of links.

It must equal `graph.domain.resolution.resolution`. All links that are not excluded are first connected without sorting.
If a group that results breaks no limit and has no override, all its links are active, since both constraints are
monotone. Only the links of the remaining groups are sorted and decided one by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numba import njit
from numpy.typing import NDArray

from graph.bulk.columns import Bools, Codes, Ints
from graph.bulk.evidence import Links
from graph.bulk.guards import GuardedIdentifiers, contradictory_groups, resolve_guarded
from graph.bulk.link_order import sort_links
from graph.bulk.sharing import shared_of
from graph.domain.model.links import LinkReason
from graph.domain.model.rules import Rules
from graph.domain.resolution.groups import limit_reason

ACTIVE, SUSPENDED, EXCLUDED = np.int8(0), np.int8(1), np.int8(2)

NO_REASON, BY_LIMIT, BY_APART = np.int8(0), np.int8(1), np.int8(2)
"""Why a link is suspended. Why a link is excluded follows from the link and its ends."""

NamespaceBits = NDArray[np.uint64]
"""The limited namespaces in a group, one bit each; with more than 64 of them, some share a bit."""
Pairs = Sequence[tuple[int, int]]


@dataclass(slots=True)
class Resolved:
    """The result: `group` is a code that identifies the group of each identifier.

    For a link suspended by a limit, `detail` is the rank of the namespace and `total` the number of its values in the
    merged group. For a link suspended by an override, `detail` is the index of the override in `apart`.
    """

    group: Codes
    state: NDArray[np.int8]
    reason: NDArray[np.int8]
    detail: Codes
    total: Codes
    shared: Bools
    reasons: dict[int, LinkReason] = field(default_factory=dict)
    """The reasons of the links that are suspended in groups with guarded values that contradict each other."""

    def suspension_reason(self, at: int, rules: Rules) -> LinkReason:
        """Return why the link at an index is suspended, where there are no overrides, as in a history."""
        if reason := self.reasons.get(at):
            return reason
        if self.reason[at] != BY_LIMIT:
            raise ValueError("a history has no overrides")
        namespace = rules.namespaces[self.detail[at]].name
        return limit_reason(namespace, int(self.total[at]), rules.limits[namespace])


@njit(cache=True)
def _find(parent: Codes, code: int) -> int:
    while parent[code] != code:
        parent[code] = parent[parent[code]]
        code = parent[code]
    return code


@njit(cache=True)
def _connect(a: Codes, b: Codes, active: Bools, parent: Codes) -> None:
    """Union by smaller code, so that the root of a group is its smallest code."""
    for link in range(len(a)):
        if active[link]:
            x, y = _find(parent, a[link]), _find(parent, b[link])
            if x < y:
                parent[y] = x
            elif y < x:
                parent[x] = y


@njit(cache=True)
def _flatten(parent: Codes) -> None:
    # Roots are the smallest codes, so the parent of each code is flat before the code is visited.
    for code in range(len(parent)):
        parent[code] = parent[parent[code]]


@njit(cache=True)
def _roots(parent: Codes) -> Codes:
    roots = np.empty_like(parent)
    for code in range(len(parent)):
        roots[code] = _find(parent, code)
    return roots


@njit(cache=True)
def _find_apart_pair(parent: Codes, apart: Codes, x: int, y: int) -> int:
    for index in range(len(apart)):
        a, b = _find(parent, apart[index, 0]), _find(parent, apart[index, 1])
        if (a == x and b == y) or (a == y and b == x):
            return index
    return -1


@njit(cache=True)
def _exceeded_limit(held: NamespaceBits, counts: Codes, limits: Codes, x: int, y: int) -> int:
    # Most pairs of groups have no limited namespace in common.
    for limit in range(len(limits) if held[x] & held[y] else 0):
        if counts[x, limit] and counts[y, limit] and counts[x, limit] + counts[y, limit] > limits[limit]:
            return limit
    return -1


@njit(cache=True)
def _decide(order, a, b, local, parent, size, counts, limits, ranks, has_apart, apart, state, reason, detail, total):  # type: ignore[no-untyped-def]
    held = np.zeros(len(parent), np.uint64)
    for x in range(len(parent)):
        for limit in range(len(limits)):
            if counts[x, limit]:
                held[x] |= np.uint64(1) << np.uint64(limit & 63)
    for at in range(len(order)):
        link = order[at]
        x, y = _find(parent, local[a[link]]), _find(parent, local[b[link]])
        if x == y:
            continue
        if has_apart[x] and has_apart[y] and _find_apart_pair(parent, apart, x, y) >= 0:
            state[link] = SUSPENDED
            continue
        if _exceeded_limit(held, counts, limits, x, y) >= 0:
            state[link] = SUSPENDED
            continue
        if size[x] < size[y]:
            x, y = y, x
        parent[y] = x
        size[x] += size[y]
        has_apart[x] = has_apart[x] or has_apart[y]
        held[x] |= held[y]
        for limit in range(len(limits)):
            counts[x, limit] += counts[y, limit]
    # The reasons are those of the final groups.
    for at in range(len(order)):
        link = order[at]
        if state[link] == SUSPENDED:
            x, y = _find(parent, local[a[link]]), _find(parent, local[b[link]])
            override = _find_apart_pair(parent, apart, x, y) if has_apart[x] and has_apart[y] else -1
            if override >= 0:
                reason[link], detail[link] = BY_APART, override
            else:
                limit = _exceeded_limit(held, counts, limits, x, y)
                reason[link], detail[link] = BY_LIMIT, ranks[limit]
                total[link] = counts[x, limit] + counts[y, limit]


@njit(cache=True)
def _activate(a: Codes, b: Codes, counted: Bools, excluded: Bools, active: Bools, state) -> None:  # type: ignore[no-untyped-def]
    for link in range(len(a)):
        active[link] = counted[link] and not (excluded[a[link]] or excluded[b[link]])
        state[link] = ACTIVE if active[link] else EXCLUDED


@njit(cache=True)
def _flag_overfull(group: Codes, rank: NDArray[np.int16], limits: Ints, dirty: Bools) -> None:
    """Flag in `dirty` the groups that hold more values of a namespace than its limit (-1: none)."""
    counts = np.zeros(len(group), np.int32)
    begin = 0
    while begin < len(rank):
        end, limit = begin, limits[rank[begin]]
        while end < len(rank) and rank[end] == rank[begin]:
            end += 1
        if limit >= 0:
            for code in range(begin, end):
                counts[group[code]] += 1
                if counts[group[code]] > limit:
                    dirty[group[code]] = True
            for code in range(begin, end):
                counts[group[code]] = 0
        begin = end


@njit(cache=True)
def _inside(group: Codes, dirty: Bools, local: Codes) -> Ints:
    """Return the identifiers of the dirty groups; set in `local` the index of each among them."""
    members = np.empty(len(group), np.int64)
    size = 0
    for code in range(len(group)):
        if dirty[group[code]]:
            local[code] = size
            members[size] = code
            size += 1
    return members[:size].copy()


@njit(cache=True)
def _at(a: Codes, active: Bools, local: Codes) -> Ints:
    """Return the active links in the dirty groups."""
    chosen = np.empty(len(a), np.int64)
    size = 0
    for link in range(len(a)):
        if active[link] and local[a[link]] >= 0:
            chosen[size] = link
            size += 1
    return chosen[:size].copy()


def resolve(
    links: Links,
    rank: NDArray[np.int16],
    rules: Rules,
    blocked: Bools | None = None,
    together: Pairs = (),
    apart: Pairs = (),
    guarded: GuardedIdentifiers | None = None,
) -> Resolved:
    """Return the groups of identifiers and the states of links; `rank` is the rank of each identifier's namespace.

    Codes are in the order of keys, so the identifiers of a namespace are adjacent. `together` are the pairs of
    overrides in the order of step 4, `apart` those in the order of keys; `blocked` are the identifiers that a steward
    blocked.
    """
    size = len(links)
    shared = shared_of(links, rank, rules, blocked)
    active, state = np.empty(size, np.bool_), np.empty(size, np.int8)
    _activate(links.a, links.b, links.counted, shared if blocked is None else shared | blocked, active, state)
    resolved = Resolved(
        np.arange(len(rank), dtype=np.int32),
        state,
        np.zeros(size, np.int8),
        np.zeros(size, np.int32),
        np.zeros(size, np.int32),
        shared,
    )
    _connect(links.a, links.b, active, resolved.group)
    pairs = np.array(together, np.int32).reshape(-1, 2)
    _connect(pairs[:, 0].copy(), pairs[:, 1].copy(), np.ones(len(pairs), np.bool_), resolved.group)
    _flatten(resolved.group)
    roots = contradictory_groups(guarded, resolved.group, rules) if guarded is not None else set()
    connected = resolved.group.copy() if roots else resolved.group
    _resolve_conflicts(links, rank, rules, active, together, apart, resolved, roots)
    if guarded is not None and roots:
        _resolve_contradictions(guarded, links, active, connected, roots, rules, together, apart, resolved)
    return resolved


def _resolve_contradictions(
    guarded: GuardedIdentifiers,
    links: Links,
    active: Bools,
    connected: Codes,
    roots: set[int],
    rules: Rules,
    together: Pairs,
    apart: Pairs,
    resolved: Resolved,
) -> None:
    """Resolve the groups that hold values that contradict each other; `connected` are the groups as a whole."""
    result = resolve_guarded(guarded, links, active, connected, roots, rules, together, apart)
    for codes in result.groups:
        resolved.group[codes] = min(codes)
    resolved.state[list(result.reasons)] = SUSPENDED
    resolved.reasons = result.reasons


def _resolve_conflicts(
    links: Links,
    rank: NDArray[np.int16],
    rules: Rules,
    active: Bools,
    together: Pairs,
    apart: Pairs,
    resolved: Resolved,
    left_out: set[int],
) -> None:
    """Decide link by link in the groups that break a limit as a whole or have overrides, except those `left_out`."""
    dirty = np.zeros(len(rank), np.bool_)
    _flag_overfull(
        resolved.group, rank, np.array([rules.limits.get(rule.name, -1) for rule in rules.namespaces]), dirty
    )
    for pair in (*together, *apart):
        dirty[resolved.group[list(pair)]] = True
    dirty[list(left_out)] = False
    local = np.full(len(rank), -1, np.int32)
    members = _inside(resolved.group, dirty, local)
    if not len(members):
        return
    chosen = _at(links.a, active, local)
    parent, size = np.arange(len(members), dtype=np.int32), np.ones(len(members), np.int32)
    kept = np.array([index for index, (a, _) in enumerate(apart) if local[a] >= 0], np.int32)
    local_apart = local[np.array(apart, np.int32).reshape(-1, 2)[kept]]
    has_apart = np.zeros(len(members), np.bool_)
    has_apart[local_apart.ravel()] = True
    for x, y in together:
        if local[x] < 0:
            continue
        a, b = _find(parent, local[x]), _find(parent, local[y])
        if a != b and not (has_apart[a] and has_apart[b] and _find_apart_pair(parent, local_apart, a, b) >= 0):
            parent[b] = a
            size[a] += size[b]
            has_apart[a] |= has_apart[b]
    ranks = np.array([rules.rank[name] for name in rules.limits], np.int32)
    limits = np.array(list(rules.limits.values()), np.int32)
    counts = np.zeros((len(members), len(limits)), np.int32)
    index_of_rank = np.full(len(rules.namespaces), -1, np.int32)
    index_of_rank[ranks] = np.arange(len(ranks))
    limit_index = index_of_rank[rank[members]]
    limited = np.flatnonzero(limit_index >= 0)
    # Values that overrides have merged count once.
    counts[_roots(parent)[limited], limit_index[limited]] = 1
    order = sort_links(links, chosen, rank, rules)
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
        has_apart,
        local_apart,
        resolved.state,
        resolved.reason,
        resolved.detail,
        resolved.total,
    )
    resolved.group[members] = members[_roots(parent)]
    by_apart = resolved.reason == BY_APART
    resolved.detail[by_apart] = kept[resolved.detail[by_apart]]
