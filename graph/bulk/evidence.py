"""What statements say of identifiers and pairs, folded over arrays (design.md §4, step 2; `domain.links.support`)."""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from graph.bulk.columns import Bools, Codes, Columns, Ints
from graph.domain.model.observations import Tier

Bits = NDArray[np.uint64]
"""A row of words a thing, a bit a source."""

_STATISTICAL = int(Tier.STATISTICAL)


@dataclass(slots=True)
class Links:
    """The pairs that statements support, by (a, b). `counted` is false where only guesses below `accept` support one;
    then times mean nothing. `row` is the last statement that names both ends."""

    a: Codes
    b: Codes
    tier: NDArray[np.int8]
    first: Ints
    last: Ints
    count: Codes
    confidence: NDArray[np.float64]
    sources: Bits
    counted: Bools
    row: Codes

    def __len__(self) -> int:
        return len(self.a)


@dataclass(slots=True)
class Sightings:
    """What was seen of each identifier; `row` is the last statement that names it."""

    first: Ints
    last: Ints
    count: Codes
    sources: Bits
    row: Codes


@njit(cache=True)
def _pairs(ends: Ints, codes: Codes, valid: Bools) -> tuple[NDArray[np.uint64], Codes]:
    total = 0
    start = 0
    for row in range(len(ends)):
        many = ends[row] - start
        if valid[row]:
            total += many * (many - 1) // 2
        start = ends[row]
    packed = np.empty(total, np.uint64)
    rows = np.empty(total, np.int32)
    at = 0
    start = 0
    for row in range(len(ends)):
        if valid[row]:
            for i in range(start, ends[row]):
                for j in range(i + 1, ends[row]):
                    a, b = codes[i], codes[j]
                    if b < a:
                        a, b = b, a
                    packed[at] = (np.uint64(a) << np.uint64(32)) | np.uint64(b)
                    rows[at] = row
                    at += 1
        start = ends[row]
    return packed, rows


@njit(cache=True)
def _folded(packed, rows, starts, seen_at, tiers, confidences, source, accept, out):  # type: ignore[no-untyped-def]
    (a, b, tier, first, last, count, confidence, sources, counted, newest) = out
    for link in range(len(starts) - 1):
        pair = packed[starts[link]]
        a[link], b[link] = pair >> np.uint64(32), pair & np.uint64(0xFFFFFFFF)
        best = _STATISTICAL
        surest = np.nan
        for at in range(starts[link], starts[link + 1]):
            row = rows[at]
            newest[link] = max(newest[link], row)
            sure = confidences[row]
            if not np.isnan(sure):
                if np.isnan(surest) or sure > surest:
                    surest = sure
                if sure < accept:
                    continue
            mine = _STATISTICAL if not np.isnan(sure) else tiers[row]
            time = seen_at[row]
            if not counted[link] or mine < best:
                best = mine
                first[link] = time
                last[link] = time
            elif mine == best:
                first[link] = min(first[link], time)
                last[link] = max(last[link], time)
            counted[link] = True
            count[link] += 1
            sources[link, source[row] >> 6] |= np.uint64(1) << np.uint64(source[row] & 63)
        tier[link] = best
        confidence[link] = surest


@njit(cache=True)
def _seen(ends, codes, valid, seen_at, source, first, last, count, sources, newest):  # type: ignore[no-untyped-def]
    start = 0
    for row in range(len(ends)):
        if valid[row]:
            time = seen_at[row]
            word, bit = source[row] >> 6, np.uint64(1) << np.uint64(source[row] & 63)
            for at in range(start, ends[row]):
                code = codes[at]
                if count[code] == 0 or time < first[code]:
                    first[code] = time
                if count[code] == 0 or time > last[code]:
                    last[code] = time
                count[code] += 1
                sources[code, word] |= bit
                newest[code] = row
        start = ends[row]


def _words(columns: Columns) -> int:
    return (len(columns.sources) >> 6) + 1


def links_of(columns: Columns, valid: Bools, accept: float) -> Links:
    """The links that valid statements support."""
    packed, rows = _pairs(columns.ends, columns.codes, valid)
    order = np.argsort(packed, kind="stable")
    packed, rows = packed[order], rows[order]
    del order
    begins = np.flatnonzero(np.concatenate(([True], packed[1:] != packed[:-1]))) if len(packed) else np.empty(0, int)
    starts = np.append(begins, len(packed)).astype(np.int64)
    many = len(begins)
    found = Links(
        np.empty(many, np.int32),
        np.empty(many, np.int32),
        np.empty(many, np.int8),
        np.zeros(many, np.int64),
        np.zeros(many, np.int64),
        np.zeros(many, np.int32),
        np.empty(many, np.float64),
        np.zeros((many, _words(columns)), np.uint64),
        np.zeros(many, np.bool_),
        np.full(many, -1, np.int32),
    )
    out = tuple(getattr(found, name) for name in Links.__slots__)
    _folded(packed, rows, starts, columns.seen_at, columns.tier, columns.confidence, columns.source, float(accept), out)
    return found


def sightings_of(columns: Columns, valid: Bools, identifiers: int) -> Sightings:
    """What valid statements say of identifiers."""
    found = Sightings(
        np.zeros(identifiers, np.int64),
        np.zeros(identifiers, np.int64),
        np.zeros(identifiers, np.int32),
        np.zeros((identifiers, _words(columns)), np.uint64),
        np.full(identifiers, -1, np.int32),
    )
    out = tuple(getattr(found, name) for name in Sightings.__slots__)
    _seen(columns.ends, columns.codes, valid, columns.seen_at, columns.source, *out)
    return found
