"""The order in which links are decided, over arrays.

This is step 5 of docs/internals/resolution-rule.md, as `sort_key` in `graph.domain.model.links` implements it.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from graph.bulk.columns import Bools, Codes, Ints
from graph.bulk.evidence import Links
from graph.domain.model.observations import EvidenceTier
from graph.domain.model.rules import Contested, Rules


@njit(cache=True)
def _claims(chosen: Ints, links, rank: NDArray[np.int16], newest: Bools):  # type: ignore[no-untyped-def]
    """Return for each link: tier and rank of the weak end, time by its contested rule, strong end by rank, weak end."""
    a, b, tier, first, last = links
    size, namespaces = len(chosen), len(newest)
    by_tier, time = np.empty(size, np.int64), np.empty(size, np.int64)
    strong, weak = np.empty(size, np.int64), np.empty(size, np.int32)
    for at in range(size):
        link = chosen[at]
        x, y = a[link], b[link]
        if rank[y] < rank[x]:
            x, y = y, x
        by_tier[at] = tier[link] * namespaces + rank[y]
        time[at] = -last[link] if newest[rank[y]] else first[link]
        strong[at] = (np.int64(rank[x]) << 32) | x
        weak[at] = y
    return by_tier, time, strong, weak


def sort_links(links: Links, chosen: Ints, rank: NDArray[np.int16], rules: Rules) -> Ints:
    """Return the chosen links in the order of decision; `rank` is the rank of each identifier's namespace."""
    probabilistic = links.tier[chosen] == EvidenceTier.PROBABILISTIC
    if not probabilistic.any():
        return _sort(links, chosen, rank, rules)
    guesses = chosen[probabilistic]
    columns = links.a, links.b, links.tier, links.first, links.last
    key, time, strong, weak = _claims(guesses, columns, rank, _newest(rules))
    order = np.lexsort((weak, strong, time, key, -links.confidence[guesses]))
    return np.concatenate((_sort(links, chosen[~probabilistic], rank, rules), guesses[order]))


def _newest(rules: Rules) -> Bools:
    return np.array([rule.contested is Contested.NEWEST for rule in rules.namespaces])


def _sort(links: Links, chosen: Ints, rank: NDArray[np.int16], rules: Rules) -> Ints:
    """Sort links of which none is probabilistic."""
    if not len(chosen):
        return chosen
    newest = _newest(rules)
    columns = links.a, links.b, links.tier, links.first, links.last
    key, time, strong, weak = _claims(chosen, columns, rank, newest)
    # Tier, rank and time nearly always fit into one integer, which sorts fast; few links are equal in all of them.
    since = time - time.min()
    span = int(since.max()) + 1
    tie_break: tuple[Ints | Codes, ...] = (weak, strong, time)
    if span < 2**62 // (len(EvidenceTier) * len(newest)):
        key, tie_break = key * span + since, (weak, strong)
    order = np.argsort(key)
    ordered = key[order]
    alike = ordered[1:] == ordered[:-1]
    positions = np.flatnonzero(np.append(alike, False) | np.append(False, alike))
    tied = order[positions]
    order[positions] = tied[np.lexsort([column[tied] for column in (*tie_break, key)])]
    return chosen[order]
