"""The order in which links are taken, over arrays (design.md §4, step 5; `domain.links.sort_key`)."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from graph.bulk.columns import Bools, Codes, Ints
from graph.bulk.evidence import Links
from graph.domain.model.observations import Tier
from graph.domain.model.rules import Contested, Rules


@njit(cache=True)
def _claims(chosen: Ints, links, rank: NDArray[np.int16], newest: Bools):  # type: ignore[no-untyped-def]
    """Of each link its tier and weak rank, its time as its contest is decided, its strong end by rank, its weak end."""
    a, b, tier, first, last = links
    many, names = len(chosen), len(newest)
    by_tier, time = np.empty(many, np.int64), np.empty(many, np.int64)
    strong, weak = np.empty(many, np.int64), np.empty(many, np.int32)
    for at in range(many):
        link = chosen[at]
        x, y = a[link], b[link]
        if rank[y] < rank[x]:
            x, y = y, x
        by_tier[at] = tier[link] * names + rank[y]
        time[at] = -last[link] if newest[rank[y]] else first[link]
        strong[at] = (np.int64(rank[x]) << 32) | x
        weak[at] = y
    return by_tier, time, strong, weak


def in_order(links: Links, chosen: Ints, rank: NDArray[np.int16], rules: Rules) -> Ints:
    """The chosen links, first the one that is taken first; `rank` is that of each identifier's namespace."""
    if not len(chosen):
        return chosen
    newest = np.array([rule.contested is Contested.NEWEST for rule in rules.namespaces])
    columns = links.a, links.b, links.tier, links.first, links.last
    key, time, strong, weak = _claims(chosen, columns, rank, newest)
    # Tier, rank and time nearly always fit into one number, by which sorting is fast; few links tie in all of them.
    since = time - time.min()
    span = int(since.max()) + 1
    tie_break: tuple[Ints | Codes, ...] = (weak, strong, time)
    if span < 2**62 // (len(Tier) * len(newest)):
        key, tie_break = key * span + since, (weak, strong)
    order = np.argsort(key)
    ordered = key[order]
    alike = ordered[1:] == ordered[:-1]
    places = np.flatnonzero(np.append(alike, False) | np.append(False, alike))
    tied = order[places]
    order[places] = tied[np.lexsort([column[tied] for column in (*tie_break, key)])]
    return chosen[order]
