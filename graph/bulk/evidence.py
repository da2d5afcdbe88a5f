"""The evidence of identifiers and links, folded over arrays of statements.

This is step 2 of docs/internals/resolution-rule.md; `links_of` in `graph.domain.resolution.resolution` implements it
without arrays.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from graph.bulk.columns import Bools, Codes, Columns, Ints
from graph.domain.model.observations import EvidenceTier

Bits = NDArray[np.uint64]
"""Sets of sources: one row of 64-bit words per link or identifier, one bit per source."""

_PROBABILISTIC = int(EvidenceTier.PROBABILISTIC)


@dataclass(slots=True)
class Links:
    """The pairs that statements support, by (a, b).

    `counted` is false if only probabilistic statements below `min_confidence` support a link; its times are then
    undefined. `row` is the last statement that names both ends.
    """

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
class IdentifierEvidence:
    """The evidence of each identifier; `row` is the last statement that names it."""

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
        size = ends[row] - start
        if valid[row]:
            total += size * (size - 1) // 2
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
def _fold_links(packed, rows, starts, seen_at, tiers, confidences, source, min_confidence, out):  # type: ignore[no-untyped-def]
    (a, b, tier, first, last, count, confidence, sources, counted, newest) = out
    for link in range(len(starts) - 1):
        pair = packed[starts[link]]
        a[link], b[link] = pair >> np.uint64(32), pair & np.uint64(0xFFFFFFFF)
        best = _PROBABILISTIC
        highest = np.nan
        for at in range(starts[link], starts[link + 1]):
            row = rows[at]
            newest[link] = max(newest[link], row)
            certainty = confidences[row]
            if not np.isnan(certainty):
                if np.isnan(highest) or certainty > highest:
                    highest = certainty
                if certainty < min_confidence:
                    continue
            row_tier = _PROBABILISTIC if not np.isnan(certainty) else tiers[row]
            time = seen_at[row]
            if not counted[link] or row_tier < best:
                best = row_tier
                first[link] = time
                last[link] = time
            elif row_tier == best:
                first[link] = min(first[link], time)
                last[link] = max(last[link], time)
            counted[link] = True
            count[link] += 1
            sources[link, source[row] >> 6] |= np.uint64(1) << np.uint64(source[row] & 63)
        tier[link] = best
        confidence[link] = highest


@njit(cache=True)
def _fold_identifiers(ends, codes, valid, seen_at, source, first, last, count, sources, newest):  # type: ignore[no-untyped-def]
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


def links_of(columns: Columns, valid: Bools, min_confidence: float) -> Links:
    """Return the links that valid statements support."""
    packed, rows = _pairs(columns.ends, columns.codes, valid)
    order = np.argsort(packed, kind="stable")
    packed, rows = packed[order], rows[order]
    del order
    begins = np.flatnonzero(np.concatenate(([True], packed[1:] != packed[:-1]))) if len(packed) else np.empty(0, int)
    starts = np.append(begins, len(packed)).astype(np.int64)
    size = len(begins)
    links = Links(
        np.empty(size, np.int32),
        np.empty(size, np.int32),
        np.empty(size, np.int8),
        np.zeros(size, np.int64),
        np.zeros(size, np.int64),
        np.zeros(size, np.int32),
        np.empty(size, np.float64),
        np.zeros((size, _words(columns)), np.uint64),
        np.zeros(size, np.bool_),
        np.full(size, -1, np.int32),
    )
    out = tuple(getattr(links, name) for name in Links.__slots__)
    _fold_links(
        packed,
        rows,
        starts,
        columns.seen_at,
        columns.tier,
        columns.confidence,
        columns.source,
        float(min_confidence),
        out,
    )
    return links


def identifier_evidence_of(columns: Columns, valid: Bools, identifiers: int) -> IdentifierEvidence:
    """Return the evidence of identifiers in valid statements."""
    result = IdentifierEvidence(
        np.zeros(identifiers, np.int64),
        np.zeros(identifiers, np.int64),
        np.zeros(identifiers, np.int32),
        np.zeros((identifiers, _words(columns)), np.uint64),
        np.full(identifiers, -1, np.int32),
    )
    out = tuple(getattr(result, name) for name in IdentifierEvidence.__slots__)
    _fold_identifiers(columns.ends, columns.codes, valid, columns.seen_at, columns.source, *out)
    return result
