"""Resolve components over arrays, by `graph.bulk.resolution`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter

import numpy as np

from graph.bulk.columns import Ints
from graph.bulk.evidence import Links
from graph.bulk.guards import GuardedIdentifiers
from graph.bulk.resolution import SUSPENDED, resolve
from graph.domain.model.guarded_values import from_json
from graph.domain.model.identifiers import namespace_of
from graph.domain.model.rules import Rules
from service.ingest.spark.frames import Values

BATCH_ROWS = 50_000
"""Identifiers and links that are resolved together, at least: arrays pay off from some thousands."""
IDENTIFIER, LINK = 0, 1
"""The kinds of rows about a component."""


def resolve_rows(rows: Iterable[Values], rules: Rules) -> Iterator[Values]:
    """Resolve whole components, whose rows come together: first their identifiers, then their links.

    Yields the group of each identifier, named by its smallest code, and the links that are suspended.
    """
    batch: list[Values] = []
    for _, component in groupby(rows, itemgetter(0)):
        batch += component
        if len(batch) >= BATCH_ROWS:
            yield from resolve_batch(batch, rules)
            batch = []
    if batch:
        yield from resolve_batch(batch, rules)


def resolve_batch(batch: Sequence[Values], rules: Rules) -> Iterator[Values]:
    """Yield the group of each identifier of some components, and their suspended links with reasons."""
    identifiers = sorted(row[2:] for row in batch if row[1] == IDENTIFIER)
    links = [row[2:] for row in batch if row[1] == LINK]
    codes = np.array([code for code, *_ in identifiers], np.int64)
    keys = [key for _, _, key, *_ in identifiers]
    rank = np.array([rules.rank[namespace_of(key)] for key in keys], np.int16)
    values = {at: from_json(text) for at, (*_, text) in enumerate(identifiers) if text}

    def keys_of(chosen: Ints) -> Mapping[int, str]:
        return {at: keys[at] for at in chosen.tolist()}

    arrays = _arrays(links, codes)
    guarded = GuardedIdentifiers(values, keys_of) if rules.guards and values else None
    resolved = resolve(arrays, rank, rules, guarded=guarded)
    smallest: dict[int, int] = {}
    for code, group in zip(codes.tolist(), resolved.group.tolist(), strict=True):
        # Ascending codes: the first of a group is the smallest.
        yield IDENTIFIER, code, smallest.setdefault(group, code), None, None
    for at in np.flatnonzero(resolved.state == SUSPENDED).tolist():
        reason = resolved.suspension_reason(at, rules)
        yield LINK, links[at][0], links[at][1], reason.code.value, str(reason.message)


def _arrays(links: Sequence[Values], codes: Ints) -> Links:
    """Return links as arrays; the numbers of the ends are their positions among the codes."""
    size = len(links)
    a, b, _, tier, first, last, confidence, _ = zip(*links, strict=True) if links else ((),) * 8
    return Links(
        np.searchsorted(codes, np.array(a, np.int64)).astype(np.int32),
        np.searchsorted(codes, np.array(b, np.int64)).astype(np.int32),
        np.array(tier, np.int8),
        np.array(first, np.int64),
        np.array(last, np.int64),
        np.zeros(size, np.int32),
        np.array([np.nan if value is None else value for value in confidence], np.float64),
        np.zeros((size, 1), np.uint64),
        np.ones(size, np.bool_),
        np.zeros(size, np.int32),
    )
